#!/usr/bin/env python3
"""Makes a corpus of about 3 million English words for pre-training, in corpus/ beside this script.

The text comes out of two Debian packages, which are downloaded and unpacked but not installed:

  r-cran-janeaustenr -> austen.txt      Jane Austen's six novels; a document is a chapter
  anarchism          -> anarchism.txt   "An Anarchist FAQ"; a document is a section of a page

A line is a paragraph, and a blank line ends a document. Every 25th document of both goes to heldout.txt instead.
Paragraphs that were seen before are dropped, so that nothing held out is trained on.

Files are written beside and renamed; what is there already is not made again.

Exit codes: 0 everything is in place; 1 a package does not hold what was expected; 2 wrong usage; 3 a download was
not possible.
"""

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from html.parser import HTMLParser
from pathlib import Path

OUTPUTS = ("austen.txt", "anarchism.txt", "heldout.txt")
HELD_OUT = 25
CHAPTER = re.compile(r"(chapter|volume)\b[ \divxlc.]*$", re.IGNORECASE)
# Pages that are lists of links or changes.
SKIPPED_PAGES = {"links.html", "alinks.html", "biblio.html", "10years.html", "secHint.html"}


class CorpusError(Exception):
    """A failure the user should read as one line; `code` becomes the exit code."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def unpack(package, folder):
    """Downloads a Debian package and unpacks it into a new folder under `folder`."""
    print(f"corpus: {package}", flush=True)
    for command in (["apt-get", "download", package], ["dpkg-deb", "-x", f"{package}.deb", package]):
        if command[0] == "dpkg-deb":
            files = list(folder.glob(f"{package}_*.deb"))
            if not files:
                raise CorpusError(f"{package}: apt-get downloaded no package", 1)
            command[2] = files[0].name
        try:
            run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CorpusError(f"cannot download {package}: {error}", 3)
        if run.returncode != 0:
            reason = (run.stderr.strip().splitlines() or [f"{command[0]} ended with {run.returncode}"])[-1]
            raise CorpusError(f"cannot download {package}: {reason}", 3 if command[0] == "apt-get" else 1)
    return folder / package


def found(folder, pattern):
    """The files under `folder` that match, in the order of their names."""
    paths = sorted(folder.rglob(pattern))
    if not paths:
        raise CorpusError(f"{folder.name}: holds no {pattern}", 1)
    return paths


# R's lazy-load database: for each object 4 bytes with its length, big-endian, and a zlib stream of its serialisation.
def objects(data):
    """The serialised objects of an .rdb file."""
    position = 0
    while position < len(data):
        stream = zlib.decompressobj()
        try:
            yield stream.decompress(data[position + 4:])
        except zlib.error as error:
            raise CorpusError(f"Rdata.rdb: cannot be unpacked at byte {position} ({error})", 1)
        position = len(data) - len(stream.unused_data)


# XDR serialisation, version 3: "X\n", three versions, the encoding's length and name; then, for a character vector,
# the type 16 with its length, and for each string the type 9 with its length (-1 for a missing one) and its bytes.
def strings(data):
    """The strings of a serialised character vector."""
    name_length = struct.unpack_from(">i", data, 14)[0]
    position = 18 + name_length
    flags, count = struct.unpack_from(">ii", data, position)
    if data[:2] != b"X\n" or flags & 0xFF != 16:
        raise CorpusError("Rdata.rdb: holds something else than vectors of strings", 1)
    position += 8
    for _ in range(count):
        flags, length = struct.unpack_from(">ii", data, position)
        position += 8
        yield data[position:position + max(0, length)].decode("utf-8")
        position += max(0, length)


def clean(text):
    """One paragraph on one line, with plain quotes and without markup."""
    for old, new in (("\u2018", "'"), ("\u2019", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u2014", "--"), ("_", "")):
        text = text.replace(old, new)
    return " ".join(text.split())


def chapters(lines):
    """The chapters of a novel, each a list of paragraphs. What stands before the first is left out."""
    documents, paragraph = [], []
    for line in [*lines, ""]:
        if line.strip() and not CHAPTER.match(line.strip()):
            paragraph.append(line)
            continue
        if paragraph and documents:
            documents[-1].append(clean(" ".join(paragraph)))
        paragraph = []
        if line.strip():
            documents.append([])
    return [document for document in documents if document]


class Page(HTMLParser):
    """The sections of a page: lists of paragraphs, begun by headings."""

    BLOCKS = {"p", "h1", "h2", "h3", "h4", "li", "blockquote", "div", "br", "td", "tr", "body"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.sections = [[]]
        self.text = []
        self.skipped = 0

    def end_paragraph(self):
        text = clean("".join(self.text))
        if text:
            self.sections[-1].append(text)
        self.text = []

    def handle_starttag(self, tag, attributes):
        self.skipped += tag in ("head", "script", "style")
        if tag in self.BLOCKS:
            self.end_paragraph()
        if tag in ("h1", "h2", "h3"):
            self.sections.append([])

    def handle_endtag(self, tag):
        self.skipped -= tag in ("head", "script", "style")
        if tag in self.BLOCKS:
            self.end_paragraph()

    def handle_data(self, data):
        if not self.skipped:
            self.text.append(data)


def sections(path):
    """The sections of an HTML file."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8", errors="replace"))
    page.end_paragraph()
    return page.sections


def without_repetitions(documents, seen):
    """The documents without paragraphs in `seen`, which grows; short ones are dropped."""
    for document in documents:
        kept = []
        for paragraph in document:
            key = re.sub(r"[^a-z0-9]+", " ", paragraph.lower()).strip()
            if key and key not in seen:
                seen.add(key)
                kept.append(paragraph)
        if sum(len(paragraph.split()) for paragraph in kept) >= 100:
            yield kept


def write_atomically(path, documents):
    """Writes documents beside `path` and renames the file into place."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write("\n\n".join("\n".join(document) for document in documents) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def make(folder):
    """Fetches the packages and writes the three files."""
    folder.mkdir(parents=True, exist_ok=True)
    seen, held_out, number = set(), [], 0
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        temporary = Path(temporary)
        novels = found(unpack("r-cran-janeaustenr", temporary), "Rdata.rdb")[0].read_bytes()
        pages = [page for page in found(unpack("anarchism", temporary), "*.html") if page.name not in SKIPPED_PAGES]
        sources = {
            "austen.txt": [chapter for data in objects(novels) for chapter in chapters(strings(data))],
            "anarchism.txt": [section for page in pages for section in sections(page)],
        }
    for name, documents in sources.items():
        kept = []
        for document in without_repetitions(documents, seen):
            number += 1
            (held_out if number % HELD_OUT == 0 else kept).append(document)
        sources[name] = kept
    sources["heldout.txt"] = held_out
    for name, documents in sources.items():
        write_atomically(folder / name, documents)
        words = sum(len(paragraph.split()) for document in documents for paragraph in document)
        print(f"corpus: {folder / name}: {len(documents)} documents, {words} words")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "corpus",
                        help="the folder to write (default: corpus/ beside this script)")
    folder = parser.parse_args().output
    try:
        if not all((folder / name).is_file() for name in OUTPUTS):
            make(folder)
    except CorpusError as error:
        print(f"corpus: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"corpus: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
