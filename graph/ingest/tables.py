"""Writes tables as Markdown that reads as they are meant: titles above, a header only where there is one; pure."""

from collections.abc import Sequence

from ..text.tables import Layout, Row

Rows = Sequence[Row]


def to_markdown(layout: Layout, rows: Rows) -> str:
    """The titles and a Markdown table with the given rows of data; a table without header has an empty one.

    `rows` are those from `layout.first` on, or a part of them: each part is a table with the same header.
    """
    header = layout.header or ()
    data = [[_cell(cell) for cell in row] for row in rows]
    data = [row for row in data if any(row) and tuple(row) != layout.repeated]
    width = max([len(header), *map(len, data)], default=0)
    lines = [_row(header, width), _row(["---"] * width, width), *(_row(row, width) for row in data)]
    return "\n\n".join([*layout.titles, *(["\n".join(lines)] if width else [])])


def _row(cells: Row, width: int) -> str:
    padded = [*map(_cell, cells), *[""] * (width - len(cells))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in padded) + " |"


def _cell(cell: str) -> str:
    return " ".join(cell.split())
