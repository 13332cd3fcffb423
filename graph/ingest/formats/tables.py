"""Writes tables as Markdown that reads as they are meant: titles above, a header only where there is one; pure."""

from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt

from ...text.cells import Row
from ...text.tables import Layout, layout


@cache
def parser() -> MarkdownIt:
    """Finds the blocks of a Markdown text."""
    # Blocks only: what stands inside a paragraph does not matter here and is most of the work.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "reference"])


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
    """The titles and a Markdown table with the given rows of data.

    `rows` are those from `layout.first` on, or a part of them: each part is a table with the same header. A table
    without header has an empty one.
    """
    header = [_cell(cell) for cell in layout.header or ()]
    data = _data(layout, rows)
    width = max([len(header), *map(len, data)], default=0)
    if not header and width == 1:
        return "\n\n".join([*layout.titles, *(row[0] for row in data)])
    lines = [_row(header, width), _row(["---"] * width, width), *(_row(row, width) for row in data)]
    return "\n\n".join([*layout.titles, *(["\n".join(lines)] if width else [])])


def _data(layout: Layout, rows: Sequence[Row]) -> list[list[str]]:
    """The rows without empty ones and repetitions of the header, pairs one below the other."""
    data = [[_cell(cell) for cell in row] for row in rows]
    if layout.kind == "pairs":
        data = [row[place : place + 2] for row in data for place in (0, 2)]
    return [row for row in data if any(row) and row != [*layout.repeated]]


def _row(cells: Row, width: int) -> str:
    padded = [*cells, *[""] * (width - len(cells))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in padded) + " |"


def _cell(cell: str) -> str:
    return " ".join(cell.split())
