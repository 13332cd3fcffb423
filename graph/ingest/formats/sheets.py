"""Reads tables out of files: rows of delimited text."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from ...text.cells import cell_of
from ...text.tables import Layout, layout
from ..document import Document
from .clean import decode, tidy
from .tables import to_markdown

SEPARATOR = re.compile(r"\Asep=(.)(?:\r?\n|\Z)", re.IGNORECASE)
SEPARATORS = "\t;|,"
"""The likelier first: a comma is also the point of decimals."""
SAMPLE = 20_000
"""Characters that tell the separator: a field may be as long as that."""
ROWS = 50


def delimited(content: bytes) -> Document:
    """A CSV or TSV file as a document: the lines above its header, then a table."""
    rows = rows_of(decode(content))
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
    """The rows of delimited text: by its own `sep=` line, else by the separator that its first lines tell."""
    text = text.removeprefix("\ufeff")
    told = SEPARATOR.match(text)
    lines = text[told.end() :] if told else text
    separator = told.group(1) if told else separator_of(lines)
    try:
        return list(_read(lines, separator, strict=True))
    except csv.Error as error:
        # A quotation mark that is never closed would swallow the rest of the file; one inside a cell does no harm.
        closed = "expected after" in str(error)
        return list(_read(lines, separator, quoting=csv.QUOTE_MINIMAL if closed else csv.QUOTE_NONE))


def _read(text: str, separator: str, *, strict: bool = False, quoting: Literal[0, 3] = 0) -> Iterator[list[str]]:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict, quoting=quoting)


def separator_of(text: str) -> str:
    """The separator that cuts most of the first rows into as many cells, more than one."""

    def agreeing(separator: str) -> int:
        widths = Counter(map(len, islice(_read(text[:SAMPLE], separator), ROWS)))
        return max((count for width, count in widths.items() if width > 1), default=0)

    return max(SEPARATORS, key=agreeing)
