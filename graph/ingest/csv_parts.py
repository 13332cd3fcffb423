"""Large CSV files as parts of some hundred rows: streamed, journaled one by one, and each with the file's header.

Where a part ends follows from its rows' content, so a row that is changed, added or removed changes one part.
"""

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Literal
from zlib import crc32

from charset_normalizer import from_bytes

from ..text.tables import layout
from .document import Metadata, Refusal, Source, part_digest
from .formats.sheets import SEPARATOR, separator_of
from .formats.tables import to_markdown
from .front_matter import is_fenced

ENDINGS = (".csv", ".tsv")
PARTS_FROM = 256 * 1024
"""Bytes from which on a file is indexed in parts."""
FEWEST, ABOUT, MOST = 100, 250, 1000
"""Rows of a part: after FEWEST each row is its last with a chance of one in ABOUT."""
LONGEST = 1 << 20
"""Characters of a field, and about as many of a part."""
HEAD = 50
"""Rows from which the layout of the table is told."""
SAMPLE = 64 * 1024


def is_table(path: Path) -> bool:
    """Whether a file is a table that may be indexed in parts, by its ending."""
    return path.suffix.lower() in ENDINGS


def is_in_parts(path: Path, most: float) -> bool:
    """Whether a file of at most so many bytes is indexed as several documents; one with front matter is not."""
    if not is_table(path):
        return False
    try:
        with path.open("rb") as file:
            return PARTS_FROM <= path.stat().st_size <= most and not is_fenced(file.read(SAMPLE))
    except OSError:
        return False


def parts(path: Path, name: str, fields: Metadata) -> Iterator[Source | Refusal]:
    """The parts of a file, as `name#1`, `name#2`, ...; one that cannot be read to its end is refused whole."""
    try:
        found = [(place, part_digest(text, "", fields)) for place, text in part_texts(path)]
    except (OSError, UnicodeError, csv.Error) as error:
        yield Refusal(name, f"corrupt: {error}")
        return
    for place, digest in found:
        yield Source(f"{name}#{place}", name, path, digest, fields, place=place, structured=True)


def part_texts(path: Path) -> Iterator[tuple[int, str]]:
    """The parts of a file with their numbers from 1, each as Markdown; raises csv.Error or UnicodeError."""
    rows = _rows(path)
    head = list(islice(rows, HEAD))
    how = layout(head)
    for number, part in enumerate(_cut(chain(head[how.first :], rows)), 1):
        yield number, to_markdown(how, part)


def _rows(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST)
    encoding = _encoding(path)
    try:
        for _ in _read(path, encoding, csv.QUOTE_MINIMAL):
            pass
    except csv.Error:
        # A quotation mark that is never closed would swallow the rest of the file.
        return _read(path, encoding, csv.QUOTE_NONE)
    return _read(path, encoding, csv.QUOTE_MINIMAL)


def _read(path: Path, encoding: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        start = file.read(SAMPLE)
        told = SEPARATOR.match(start)
        separator = told.group(1) if told else separator_of(start)
        file.seek(0)
        if told:
            file.readline()
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True, quoting=quoting)
        yield from (row for row in reader if any(map(str.strip, row)))


def _cut(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    part: list[list[str]] = []
    size = 0
    for row in rows:
        part.append(row)
        size += sum(map(len, row))
        last = len(part) >= FEWEST and crc32("\0".join(row).encode("utf-8", "replace")) % ABOUT == 0
        if last or len(part) == MOST or size > LONGEST:
            yield part
            part, size = [], 0
    if part:
        yield part


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is; else by its byte-order mark or the likeliest code page."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
        if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            return "utf-16"
        decoder = getincrementaldecoder("utf-8")()
        try:
            for block in chain([start], iter(lambda: file.read(1 << 20), b"")):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            guess = from_bytes(start).best()
            return guess.encoding if guess else "cp1252"
    return "utf-8-sig" if start.startswith(BOM_UTF8) else "utf-8"
