"""Finds the sentences of a text and the units that a quote may be: sentences, list items, table rows; pure."""

import re
from collections.abc import Iterator

from .pairs import MARKUP, breaks, closes, paired
from .pairs import Unit as Unit
from .plain import ITEM
from .plain import plain as plain
from .splitting import sentences, trim

ROW = re.compile(r"[ \t]*\|.*\|?[ \t]*$")
HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)|(?=[^a-z]{4,60}$)[A-Z]{2,}[^a-z.!?:;|\d]*$")
"""A Markdown heading, or a short line in capitals as plain text files have them."""
LINE = re.compile(r"[^\n]*\n?")
CELL = re.compile(r"(?<!\\)\|")


def units(text: str, header: str = "") -> list[Unit]:
    """Everything in a passage that can be quoted; `header` is the header row of a table begun before it."""
    names = cells(header.split("\n")[0]) if header else []
    found: list[Unit] = []
    for kind, start, end in _blocks(text):
        if kind == "row":
            row = cells(text[start:end])
            names = row if _is_header(text, end) else names
            if row is not names:
                found.append(Unit(start, end, reading_of_row(row, names)))
        else:
            found += [Unit(a, b, plain(text[a:b])) for a, b in sentences(text, start, end)]
    return paired(text, (unit for unit in found if any(character.isalnum() for character in unit.reading)))


def _blocks(text: str) -> Iterator[tuple[str, int, int]]:
    """Rows one by one, list items one by one, and paragraphs; headings and rules are left out."""
    begun: int | None = None
    last = 0
    for match in LINE.finditer(text):
        line, start, end = match.group().rstrip("\n"), *trim(text, *match.span())
        single = bool(ROW.match(line) or HEADING.match(line) or ("<" in line and MARKUP.fullmatch(line))) or _is_rule(
            line
        )
        if begun is not None and (single or start >= end or ITEM.match(line) or breaks(line)):
            yield "text", begun, last
            begun = None
        if ROW.match(line) and not _is_rule(line) and start < end:
            yield "row", start, end
        elif start < end and not single:
            marker = ITEM.match(line)
            begun = begun if begun is not None else match.start() + (marker.end() if marker else start - match.start())
            last = end
            if closes(line):
                yield "text", begun, last
                begun = None
    if begun is not None:
        yield "text", begun, last


def _is_header(text: str, end: int) -> bool:
    """Whether the line after a row is the rule that makes the row a header."""
    below = text.find("\n", end) + 1
    return below > 0 and _is_rule(text[below:].split("\n", 1)[0])


def _is_rule(line: str) -> bool:
    """A line of dashes: under a table's header, or between paragraphs."""
    return "-" in line and set(line) <= set(" \t|:-")


def cells(row: str) -> list[str]:
    """The cells of a table row."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [plain(cell.replace("\\|", "|")) for cell in CELL.split(inner)]


def reading_of_row(row: list[str], names: list[str]) -> str:
    """A row as it would be said: `Part: filter; Interval: 6 months`."""
    if len(names) != len(row):
        return "; ".join(cell for cell in row if cell)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=True) if cell)
