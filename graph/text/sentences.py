"""Splits a text into units that can be quoted: sentences, list items and table rows; pure."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from .cells import split
from .faq import MARKUP, is_complete_question, pair_questions, starts_question_or_answer
from .faq import Unit as Unit
from .markdown import ITEM
from .markdown import plain as plain
from .splitting import sentences, trim
from .tables import fill_group_names, is_section, layout_of

ROW = re.compile(r"[ \t]*\|.*\|?[ \t]*$")
HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)|(?=[^a-z]{4,60}$)[A-Z]{2,}[^a-z.!?:;|\d]*$")
"""A Markdown heading, or a short line in capitals as plain text files have them."""
LINE = re.compile(r"[^\n]*\n?")
CACHE_SIZE = 4096
"""Texts whose units are cached: the same passages are quoted, cited and sent to models again and again."""


def units(text: str, header: str = "") -> tuple[Unit, ...]:
    """The units of a passage; `header` is the header row of a table that begins before it."""
    return _units(text, header)


@lru_cache(maxsize=CACHE_SIZE)
def _units(text: str, header: str) -> tuple[Unit, ...]:
    names = cells(header.split("\n")[0]) if header else []
    result: list[Unit] = []
    for kind, spans in _runs(text):
        if kind == "row":
            rows = [split(text[start:end]) for start, end in spans]
            names, readings = _readings(rows) if _is_header(text, spans[0][1]) else (names, _row_readings(names, rows))
            result += [Unit(*span, reading) for span, reading in zip(spans, readings, strict=True)]
        else:
            result += [Unit(a, b, plain(text[a:b])) for start, end in spans for a, b in sentences(text, start, end)]
    return tuple(pair_questions(text, (unit for unit in result if any(map(str.isalnum, unit.reading)))))


def _runs(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The blocks of a text; the rows of a table are one block."""
    table: list[tuple[int, int]] = []
    for kind, start, end in _blocks(text):
        if table and not (kind == "row" and _continues_table(text, table[-1][1], start, end)):
            yield "row", table
            table = []
        if kind == "row":
            table.append((start, end))
        else:
            yield kind, [(start, end)]
    if table:
        yield "row", table


def _continues_table(text: str, before: int, start: int, end: int) -> bool:
    """Whether a row is in the same table as the row before it: at most rules between them, and no rule below."""
    between = text[before:start].strip(" \t").split("\n")[1:-1]
    return all(map(_is_rule, between)) and not _is_header(text, end)


def _blocks(text: str) -> Iterator[tuple[str, int, int]]:
    """The table rows, list items and paragraphs, without headings and rules."""
    begin: int | None = None
    last = 0
    for match in LINE.finditer(text):
        line, start, end = match.group().rstrip("\n"), *trim(text, *match.span())
        single = bool(ROW.match(line) or HEADING.match(line) or ("<" in line and MARKUP.fullmatch(line))) or _is_rule(
            line
        )
        if begin is not None and (single or start >= end or ITEM.match(line) or starts_question_or_answer(line)):
            yield "text", begin, last
            begin = None
        if ROW.match(line) and not _is_rule(line) and start < end:
            yield "row", start, end
        elif start < end and not single:
            marker = ITEM.match(line)
            begin = begin if begin is not None else match.start() + (marker.end() if marker else start - match.start())
            last = end
            if is_complete_question(line):
                yield "text", begin, last
                begin = None
    if begin is not None:
        yield "text", begin, last


def _is_header(text: str, end: int) -> bool:
    """Whether the line after a row is the rule that makes the row a header."""
    below = text.find("\n", end) + 1
    return below > 0 and _is_rule(text[below:].split("\n", 1)[0])


def _is_rule(line: str) -> bool:
    """A line of dashes: under a table's header, or between paragraphs."""
    return "-" in line and set(line) <= set(" \t|:-")


def cells(row: str) -> list[str]:
    """The cells of a table row as running text."""
    return [plain(cell) for cell in split(row)]


def _readings(rows: list[list[str]]) -> tuple[list[str], list[str]]:
    """The column names of a table, and the reading of each row; a header row has none."""
    layout = layout_of(rows)
    names = [plain(name) for name in layout.header or ()]
    above = [plain(title) for title in layout.titles]
    above += [""] * (layout.first - len(above))
    data = rows[layout.first :]
    readings = zip(data, _row_readings(names, data), strict=True)
    return names, above + ["" if row == [*layout.repeated] else reading for row, reading in readings]


def _row_readings(names: list[str], rows: list[list[str]]) -> list[str]:
    return [reading_of_row(row, names) for row in fill_group_names([[plain(cell) for cell in row] for row in rows])]


def reading_of_row(row: Sequence[str], names: list[str]) -> str:
    """A row as plain text: `Part: filter; Interval: 6 months`, or without names `filter: 6 months`."""
    if is_section(row):
        return row[0]
    if not any(names) and len(row) == 2 and all(row):
        return f"{row[0].rstrip(':')}: {row[1]}"
    if len(names) != len(row):
        return "; ".join(cell for cell in row if cell)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=True) if cell)
