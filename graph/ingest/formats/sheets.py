"""Reads delimited text: CSV and TSV files."""

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Literal, TextIO

from ...text.cells import cell_of
from ...text.tables import Layout, layout
from ..document import Document
from .clean import decode, tidy
from .tables import to_markdown

DELIMITED = (".csv", ".tsv")
SEPARATOR = re.compile(r"\Asep=(.)(?:\r?\n|\Z)", re.IGNORECASE)
SEPARATORS = "\t;|,"
"""The likelier first: a comma is also the point of decimals."""
SAMPLE = 20_000
"""Characters that tell the separator: a field may be as long as that."""
ROWS = 50
LONGEST = 1 << 20
"""Characters that a field may have."""


def delimited(content: bytes) -> Document:
    """A CSV or TSV file as a document: the lines above its header, then a table."""
    text = decode(content)
    rows = list(rows_of(lambda: io.StringIO(text, newline="")))
    found = layout(rows)
    text = tidy(to_markdown(found, rows[found.first :])).strip()
    return Document(text, " ".join(_title(found, rows).split()))


def _title(found: Layout, rows: list[list[str]]) -> str:
    """The first line above the table; labels and values are of one thing, which the first of them may name."""
    if found.titles or found.kind != "pairs":
        return "".join(found.titles[:1])
    label, value = rows[found.first][:2]
    return f"{label.strip().rstrip(':')} {value.strip()}" if not cell_of(value).is_value else ""


def rows_of(opened: Callable[[], TextIO]) -> Iterator[list[str]]:
    """The rows of delimited text: by its own `sep=` line, else by the separator that its first lines tell."""
    csv.field_size_limit(LONGEST)
    with opened() as file:
        start = file.read(SAMPLE)
    told = SEPARATOR.match(start)
    separator = told.group(1) if told else separator_of(start)
    read = partial(_read, opened, separator, headed=bool(told))
    try:
        deque(read(strict=True), maxlen=0)
    except csv.Error as error:
        # A quotation mark that is never closed would swallow the rest of the file; one inside a cell does no harm.
        closed = "expected after" in str(error)
        return read(quoting=csv.QUOTE_MINIMAL if closed else csv.QUOTE_NONE)
    return read()


def _read(
    opened: Callable[[], TextIO], separator: str, *, headed: bool, strict: bool = False, quoting: Literal[0, 3] = 0
) -> Iterator[list[str]]:
    with opened() as file:
        if headed:
            file.readline()
        yield from csv.reader(file, delimiter=separator, skipinitialspace=True, strict=strict, quoting=quoting)


def separator_of(start: str) -> str:
    """The separator that cuts most of the first rows into as many cells, more than one."""

    def agreeing(separator: str) -> int:
        rows = csv.reader(io.StringIO(start, newline=""), delimiter=separator, skipinitialspace=True)
        widths = Counter(map(len, islice(rows, ROWS)))
        return max((count for width, count in widths.items() if width > 1), default=0)

    return max(SEPARATORS, key=agreeing)
