"""Reads delimited text: CSV and TSV files."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Literal, TextIO

from ...text.cells import cell_of
from ...text.tables import Layout, layout
from ..document import Document, File
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
Quoting = Literal[0, 3]


def delimited(file: File) -> Document:
    """A CSV or TSV file as a document: the lines above its header, then a table."""
    rows = rows_of(decode(file.content))
    found = layout(rows)
    text = tidy(to_markdown(found, rows[found.first :])).strip()
    return Document(text, " ".join(_title(found, rows).split()))


def _title(found: Layout, rows: list[list[str]]) -> str:
    """The first line above the table; labels and values are of one thing, which the first of them may name."""
    if found.titles or found.kind != "pairs":
        return "".join(found.titles[:1])
    label, value = rows[found.first][:2]
    return f"{label.strip().rstrip(':')} {value.strip()}" if not cell_of(value).is_value else ""


def rows_of(text: str) -> list[list[str]]:
    """The rows of delimited text, however its quotation marks stand; raises csv.Error for a field that is too long."""
    try:
        return list(rows_in(io.StringIO(text, newline="")))
    except csv.Error as error:
        return list(rows_in(io.StringIO(text, newline=""), quoting_after(error)))


def rows_in(file: TextIO, quoting: Quoting | None = None) -> Iterator[list[str]]:
    """The rows of a file: by its own `sep=` line, else by the separator that its first lines tell.

    Without `quoting` a quotation mark that stands where it may not raises csv.Error.
    """
    csv.field_size_limit(LONGEST)
    start = file.read(SAMPLE)
    named = SEPARATOR.match(start)
    file.seek(0)
    if named:
        file.readline()
    separator = named.group(1) if named else separator_of(start)
    strict = quoting is None
    yield from csv.reader(file, delimiter=separator, skipinitialspace=True, strict=strict, quoting=quoting or 0)


def quoting_after(error: csv.Error) -> Quoting:
    """How to read on after a misplaced quotation mark.

    One that is never closed would swallow the rest of the file; one inside a cell does no harm.
    """
    return csv.QUOTE_MINIMAL if "expected after" in str(error) else csv.QUOTE_NONE


def separator_of(start: str) -> str:
    """The separator that cuts most of the first rows into as many cells, more than one."""

    def agreeing(separator: str) -> int:
        rows = csv.reader(io.StringIO(start, newline=""), delimiter=separator, skipinitialspace=True)
        widths = Counter(map(len, islice(rows, ROWS)))
        return max((count for width, count in widths.items() if width > 1), default=0)

    return max(SEPARATORS, key=agreeing)
