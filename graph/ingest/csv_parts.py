"""Large CSV files as parts of some hundred rows: streamed, journaled one by one, and each with the file's header.

Where a part ends follows from its rows' content, so a row that is changed, added or removed changes one part.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from zlib import crc32

from ..text.tables import layout
from .document import Delimited, Metadata, Refusal, Source, part_digest
from .formats.clean import encoding_of
from .formats.sheets import DELIMITED, LONGEST, quoting_after, rows_in
from .formats.tables import to_markdown
from .front_matter import is_fenced

PARTS_FROM = 256 * 1024
"""The size in bytes at which a file is indexed in parts."""
FEWEST, ABOUT, MOST = 100, 250, 1000
"""Rows of a part: after FEWEST each row is its last with a chance of one in ABOUT."""
HEAD = 50
"""The rows from which the table's layout is detected."""
SAMPLE, BLOCK = 64 * 1024, 1 << 20


def is_table(path: Path) -> bool:
    """Whether a file is a table that may be indexed in parts, by its ending."""
    return path.suffix.lower() in DELIMITED


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
        how, found = _digests(path, fields)
    except (OSError, csv.Error) as error:
        yield Refusal(name, f"corrupt: {error}")
        return
    for place, digest in found:
        yield Source(f"{name}#{place}", name, path, digest, fields, place=place, delimited=how)


def _digests(path: Path, fields: Metadata) -> tuple[Delimited, list[tuple[int, str]]]:
    """How the file is read, and the digest of each part."""
    with path.open("rb") as file:
        how = Delimited(encoding_of(iter(partial(file.read, BLOCK), b"")))
    try:
        return how, _digests_as(path, how, fields)
    except csv.Error as error:
        how = replace(how, quoting=quoting_after(error))
        return how, _digests_as(path, how, fields)


def _digests_as(path: Path, how: Delimited, fields: Metadata) -> list[tuple[int, str]]:
    return [(place, part_digest(text, "", fields)) for place, text in part_texts(path, how)]


def part_texts(path: Path, how: Delimited) -> Iterator[tuple[int, str]]:
    """The parts of a file with their numbers from 1, each as Markdown; raises csv.Error."""
    with path.open(encoding=how.encoding, errors="replace", newline="") as file:
        rows = (row for row in rows_in(file, how.quoting) if any(map(str.strip, row)))
        head = list(islice(rows, HEAD))
        found = layout(head)
        for number, part in enumerate(_cut(chain(head[found.first :], rows)), 1):
            yield number, to_markdown(found, part)


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
