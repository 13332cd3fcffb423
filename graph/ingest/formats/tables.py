"""Writes tables as Markdown that reads as they are meant: titles above, a header only where there is one; pure."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt

from ...text.cells import Row, split
from ...text.markdown import ITEM
from ...text.tables import Layout, has_clear_layout, is_section, layout

RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-", re.MULTILINE)
NOTE = 30
"""Letters from which on a text alone in the last row is a note under the table."""
NOTE_SIGNS = ("*", "†", "‡", "(", "[")
GAPPED = r"^(?=[^\n|]*$)[^\n]*?\S(?:\t+| {2,})\S[^\n]*$"
IN_COLUMNS = re.compile(rf"{GAPPED}(?:\n{GAPPED})+", re.MULTILINE)
"""Lines with tabs or wide gaps in them."""
GAPS = (re.compile(r"\t"), re.compile(r"\t+"), re.compile(r"\t+| {2,}"))
NARROW = 3
"""Columns from which on lines with wide gaps are a table; lines with tabs are from two on."""


@cache
def parser() -> MarkdownIt:
    """Finds the blocks of a Markdown text."""
    # Blocks only: what stands inside a paragraph does not matter here and is most of the work.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "reference"])


def with_layout(text: str) -> str:
    """A converted text whose tables read as they are meant; a table under a good header stays as it is."""
    if not RULE.search(text):
        return text
    lines = text.split("\n")
    tokens = [token for token in parser().parse(text) if token.type == "table_open" and not token.level]
    for start, end in reversed([token.map for token in tokens if token.map]):
        table = [line for line in lines[start:end] if line.strip()]
        written, end = _rewritten(table), start + len(table)
        if written != table:
            lines[start:end] = [*_gap(lines[start - 1 : start]), *written, *_gap(lines[end : end + 1])]
    return "\n".join(lines)


def with_columns(text: str) -> str:
    """A plain text in which lines of as many cells, parted by tabs or wide gaps, are Markdown tables."""
    return IN_COLUMNS.sub(lambda lines: _in_columns(lines.group()), text)


def _in_columns(text: str) -> str:
    if any(map(ITEM.match, text.split("\n"))):
        return text
    for gap in GAPS:
        rows = [gap.split(line.strip(" ")) for line in text.split("\n")]
        if len({len(row) for row in rows}) == 1 and len(rows[0]) >= (2 if "\t" in text else NARROW):
            found = layout(rows)
            return f"\n{to_markdown(found, rows[found.first :])}\n"
    return text


def _gap(neighbour: list[str]) -> list[str]:
    """An empty line where the neighbour is none: what stands around a table must not become part of it."""
    return [""] if "".join(neighbour).strip() else []


def _rewritten(lines: list[str]) -> list[str]:
    """The lines of a table as they should be."""
    rows = [split(line) for line in [lines[0], *lines[2:]]]
    kept = without_empty(rows)
    if not kept or (not any(rows[0]) and not (has_clear_layout(kept) and layout(kept).header)):
        return lines
    found = layout(kept)
    good = kept == rows and found.kind == "records" and found.first == 1 and _data(found, kept[1:]) == (kept[1:], [])
    return lines if good else to_markdown(found, kept[found.first :]).split("\n")


def table_of(rows: Sequence[Row]) -> str:
    """A table as Markdown, without its empty rows and columns."""
    kept = without_empty(rows)
    found = layout(kept)
    return to_markdown(found, kept[found.first :])


def without_empty(rows: Sequence[Row]) -> list[list[str]]:
    """The rows without those, and without the columns, in which nothing is written."""
    width = max(map(len, rows), default=0)
    columns = [
        number for number in range(width) if any(row[number : number + 1] != [""] for row in rows if row[number:])
    ]
    kept = [[row[number] for number in columns if number < len(row)] for row in rows]
    return [row for row in kept if any(row)]


def to_markdown(layout: Layout, rows: Sequence[Row]) -> str:
    """The titles, a Markdown table with the given rows of data, and the notes under it.

    `rows` are those from `layout.first` on, or a part of them: each part is a table with the same header. A table
    without header has an empty one.
    """
    header = [_cell(cell) for cell in layout.header or ()]
    data, notes = _data(layout, rows)
    width = max([len(header), *map(len, data)], default=0)
    if not header and width == 1:
        return "\n\n".join([*layout.titles, *(row[0] for row in data), *notes])
    lines = [_row(header, width), _row(["---"] * width, width), *(_row(row, width) for row in data)]
    return "\n\n".join([*layout.titles, *(["\n".join(lines)] if width else []), *notes])


def _data(layout: Layout, rows: Sequence[Row]) -> tuple[list[list[str]], list[str]]:
    """The rows without empty ones and repetitions of the header, pairs one below the other; the notes under them."""
    data = [[_cell(cell) for cell in row] for row in rows]
    if layout.kind == "pairs":
        data = [row[place : place + 2] for row in data for place in (0, 2)]
    data = [row for row in data if any(row) and row != [*layout.repeated]]
    notes: list[str] = []
    while data and is_section(data[-1]) and _is_note(data[-1][0]):
        notes.insert(0, data.pop()[0])
    return data, notes


def _is_note(text: str) -> bool:
    return len(text) > NOTE or text.startswith(NOTE_SIGNS)


def _row(cells: Row, width: int) -> str:
    padded = [*cells, *[""] * (width - len(cells))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in padded) + " |"


def _cell(cell: str) -> str:
    return " ".join(cell.split())
