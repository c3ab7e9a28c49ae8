# bertc: set-up, build, demo and tests. `make help` lists the targets.
# Nothing here needs environment variables; every target can be repeated, and a second run is quick.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help docs setup swift build fetch demo pretrain-demo bench test lint lint-format lint-warnings format clean

# Debian packages: LLVM and zlib, which the build links with, and OpenBLAS, which `--matmul openblas` and the tests load.
PACKAGES := llvm-19-dev zlib1g-dev libopenblas0
# MPI=1 is for training on several machines (docs/distributed.md): the trait, and the packages that it needs.
MPI :=
ifneq ($(MPI),)
PACKAGES += libopenmpi-dev openmpi-bin
TRAITS := --traits MPI
endif
# Where Swift sources are; CLLVM is headers only, and Tests/TileEmulator is C.
SOURCES := Sources Tests Examples Package.swift
# Extra flags for the compiler in `make test`; CI makes warnings errors.
FLAGS :=
# The library products.
LIBRARIES := GraphIR GraphCompiler Encoders Pipelines Training
BERTC := .build/release/bertc
# `make bench`: a Python with torch and transformers for the comparison, and options (docs/performance.md).
PYTHON ?= python3
ARGUMENTS :=

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

swift:
	@version=$$(swift --version 2>/dev/null | grep -oE 'Swift version [0-9]+' | grep -oE '[0-9]+$$' || true); \
	if [ -z "$$version" ]; then \
	    echo "setup: Swift is not installed; install Swift 6 (https://www.swift.org/install) and put it on the PATH" >&2; exit 1; \
	elif [ "$$version" -lt 6 ]; then \
	    echo "setup: Swift $$version is too old; bertc needs Swift 6 (https://www.swift.org/install)" >&2; exit 1; \
	fi

setup: swift ## Install the system packages that are missing (apt-get, with sudo unless root)
	@missing=(); \
	for package in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=($$package); \
	done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	    as_root=; \
	    if [ "$$(id -u)" -ne 0 ]; then \
	        command -v sudo >/dev/null || { echo "setup: as root, run: apt-get install $${missing[*]}" >&2; exit 1; }; \
	        as_root=sudo; \
	    fi; \
	    echo "setup: installing $${missing[*]}"; \
	    $$as_root apt-get update -qq; \
	    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; \
	fi

build: setup ## Build in release mode
	swift build -c release $(TRAITS)

fetch: ## Fetch the models and the review data set into data/ (exit code 3 when a download is not possible)
	@python3 data/fetch.py

# MiniLM on the film reviews; without a download, a small fresh BERT on the data that the repository holds.
demo: build ## Fine-tune a real BERT on real reviews
	@code=0; python3 data/fetch.py minilm rt || code=$$?; \
	case $$code in \
	    0) config=Examples/rt/train.json ;; \
	    3) echo "demo: no download is possible, so a small fresh BERT is trained on data/small instead"; \
	       config=Examples/small/train.json ;; \
	    *) exit $$code ;; \
	esac; \
	$(BERTC) train $$config

# A vocabulary and a small BERT from nothing, on 2.5 million words; the curve is in data/runs/pretrain.
pretrain-demo: build ## Pre-train a small BERT from scratch on English text, and plot it
	@python3 data/corpus.py
	$(BERTC) train Examples/pretrain/train.json
	@for column in masked_lm_loss masked_lm_accuracy; do \
	    $(BERTC) plot data/runs/pretrain/log.csv --column validation_$$column \
	        --output data/runs/pretrain/$$column.svg; \
	done

# One folder per library product, for any web server.
docs: setup ## Build the API documentation of the libraries into .build/docs
	@mkdir -p .build/docs
	@for library in $(LIBRARIES); do \
	    swift package --allow-writing-to-directory .build/docs generate-documentation --target $$library \
	        --transform-for-static-hosting --hosting-base-path $$library --output-path .build/docs/$$library; \
	done

bench: build ## Measure speed and memory, beside PyTorch where PYTHON has it
	.build/release/bertc-benchmarks --python $(PYTHON) $(ARGUMENTS)

# Tests that need a fetched model are skipped without it, so a failed download is no failure of the tests.
test: setup ## Run the whole test suite in release mode
	@python3 data/fetch.py || { code=$$?; [ $$code -eq 3 ] || exit $$code; \
	    echo "test: no download is possible; tests on fetched models are skipped"; }
	swift test -c release --no-parallel $(TRAITS) $(FLAGS)

lint: lint-format lint-warnings ## Check formatting, and that a build gives no warning

lint-format: swift ## Check formatting
	swift format lint --strict --parallel --configuration .swift-format -r $(SOURCES)

lint-warnings: setup ## Build with warnings as errors
	swift build --scratch-path .build-lint -Xswiftc -warnings-as-errors

format: swift ## Format the sources in place
	swift format --parallel --in-place --configuration .swift-format -r $(SOURCES)

clean: ## Remove what was built (fetched data stays)
	rm -rf .build .build-lint
