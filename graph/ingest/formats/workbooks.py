"""Reads workbooks of Excel: each visible sheet as a section with its tables."""

import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from ...text.tables import layout
from ..document import Document, File, Refused
from . import xlsx
from .blocks import ABOVE, with_merged
from .clean import tidy
from .package import Package, is_encrypted
from .tables import table_of, without_empty
from .xlsx import STRUCK, UNSEEN, SheetFormat, plain, shown, title_and_formats

ZIP = b"PK"
MOST_CELLS = 20_000_000
"""Cells, empty ones between values too, up to which a sheet is read: it is held in memory as a whole."""

MOST_LINES = 5
"""Rows of one cell up to which they are lines above or under a table; more are a list."""

Value = int | float | str | bool | time | date | datetime | timedelta


def workbook(file: File) -> Document:
    """A workbook's text; hidden sheets, rows and columns are left out, and its warnings say so; raises Refused."""
    if not file.content.startswith(ZIP) and not is_encrypted(file.content):
        return _calamine(file.content, (), "", {})  # The binary form of old Excel files.
    package = Package(file.content)
    title, sheet_formats = title_and_formats(package)
    return _calamine(*xlsx.prepare(package, file.content), title, sheet_formats)


def _calamine(
    content: bytes, left_out: Iterable[str], title: str, sheet_formats: Mapping[str, SheetFormat]
) -> Document:
    warnings = [*left_out]
    sections: dict[str, str] = {}
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            for about in book.sheets_metadata:
                sheet_format = sheet_formats.get(about.name, SheetFormat())
                warnings += _left_out(about, sheet_format)
                if _is_read(about, sheet_format):
                    sections[about.name] = _text(_rows(book.get_sheet_by_name(about.name), sheet_format))
    except CalamineError as error:
        raise Refused(f"corrupt: {' '.join(str(error).split())}") from error
    written = [f"## {' '.join(name.split())}\n\n{text}" for name, text in sections.items() if text]
    if not written and warnings:
        raise Refused(f"no text: {' '.join(warnings)}")
    return Document(tidy("\n\n".join(written)).strip(), title, warnings=tuple(warnings))


def _is_read(about: SheetMetadata, sheet_format: SheetFormat) -> bool:
    cells = about.typ == SheetTypeEnum.WorkSheet
    return (
        cells and about.visible == SheetVisibleEnum.Visible and sheet_format.rows * sheet_format.columns <= MOST_CELLS
    )


def _left_out(about: SheetMetadata, sheet_format: SheetFormat) -> Iterator[str]:
    if about.visible != SheetVisibleEnum.Visible:
        yield f"The hidden sheet {about.name} was not read."
    elif sheet_format.rows * sheet_format.columns > MOST_CELLS:
        reach = f"{sheet_format.rows} rows and {sheet_format.columns} columns"
        yield f"The sheet {about.name} was not read: it reaches over {reach}; delete what stands far from the rest."
    else:
        rows, columns = (
            len(sheet_format.hidden_rows),
            len({n for n in sheet_format.hidden_columns if n < sheet_format.columns}),
        )
        hidden = [f"hidden {name} ({count})" for count, name in ((rows, "rows"), (columns, "columns")) if count]
        if hidden:
            yield f"The {' and '.join(hidden)} of the sheet {about.name} were not read."
        if struck := [*sheet_format.formats.values()].count(STRUCK):
            yield f"The struck-out cells ({struck}) of the sheet {about.name} were not read."


def _text(rows: Iterable[list[str]]) -> str:
    """The tables of a sheet, and the lines above and under them."""
    blocks = (without_empty(block) for block in _tables(rows))
    return "\n\n".join(
        "\n\n".join(cell for row in block for cell in row)
        if max(map(len, block)) == 1 and len(block) <= MOST_LINES
        else table_of(block)
        for block in blocks
    )


def _rows(sheet: CalamineSheet, sheet_format: SheetFormat) -> list[list[str]]:
    """The visible cells of a sheet as text, row by row."""
    left = sheet.start[1] if sheet.start else 0
    continued, formats = _continued(sheet), sheet_format.formats
    rows: list[list[str]] = []
    for number, values in enumerate(sheet.iter_rows()):
        row = values if any(value != "" for value in values) else []
        rows.append([_written(value, formats.get((number, place), "")) for place, value in enumerate(row, left)])
        for place in (place for place in range(len(row)) if (number, place + left) in continued):
            rows[-1][place] = ABOVE
    shown = (row for number, row in enumerate(with_merged(rows)) if number not in sheet_format.hidden_rows)
    hidden = sheet_format.hidden_columns
    return [[cell for place, cell in enumerate(row, left) if place not in hidden] for row in shown]


def _continued(sheet: CalamineSheet) -> set[tuple[int, int]]:
    """The cells that are merged with the one above them, which alone has the text."""
    return {
        (row, left)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or []
        if left == right and bottom <= sheet.total_height
        for row in range(top + 1, bottom + 1)
    }


def _tables(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """Blocks of rows between empty ones; rows that go on under the header before the gap belong to its table."""
    table: list[list[str]] = []
    for block in _blocks(rows):
        if table and not _goes_on(table, block):
            yield table
            table = []
        table += block
    if table:
        yield table


def _blocks(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for row in rows:
        if any(row):
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _goes_on(table: list[list[str]], block: list[list[str]]) -> bool:
    same = layout(table).header is not None and layout(block).header is None
    return same and _reach(table) == _reach(block) and _reach(block)[0] < _reach(block)[1]


def _reach(rows: list[list[str]]) -> tuple[int, int]:
    """The first and the last column in which something is written."""
    columns = [place for row in rows for place, cell in enumerate(row) if cell]
    return min(columns), max(columns)


def _written(value: Value, code: str) -> str:
    """A value as people see it in its cell."""
    if code in (UNSEEN, STRUCK):
        return ""
    if isinstance(value, str | bool):
        return value.strip() if isinstance(value, str) else str(value).upper()
    if isinstance(value, int | float):
        return shown(value, code) if code else plain(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if value.time() != time() else f"{value:%Y-%m-%d}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02d}"
    return f"{value:%H:%M}" if isinstance(value, time) else value.isoformat()
