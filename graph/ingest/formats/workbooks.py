"""Reads workbooks (Excel, OpenDocument): each visible sheet as a section with its tables."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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
from ..document import Document
from . import opendocument, xlsx
from .clean import tidy
from .package import Package, PackageInvalid
from .tables import to_markdown, without_empty
from .xlsx import STRUCK, UNSEEN, NotReadable, SheetFormat, plain, shown, title_and_formats

OLE = b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""What an Excel file with a password holds in place of its sheets."""
MOST_CELLS = 20_000_000
"""Cells, empty ones between values too, up to which a sheet is read: it is held in memory as a whole."""

MOST_LINES = 5
"""Rows of one cell up to which they are lines above or under a table; more are a list."""

Value = int | float | str | bool | time | date | datetime | timedelta


def workbook(content: bytes) -> Document:
    """A workbook's text; hidden sheets, rows and columns are left out, and its warnings say so.

    Raises ValueError with the reason when it cannot be read.
    """
    if content.startswith(OLE) and ENCRYPTED in content:
        raise ValueError("password: the workbook is encrypted")
    try:
        title, sheet_formats = title_and_formats(content)
        plain_text, left_out = _prepared(content)
        with CalamineWorkbook.from_filelike(io.BytesIO(plain_text)) as book:
            return _document(book, title, sheet_formats, left_out)
    except (CalamineError, NotReadable) as error:
        raise ValueError(f"corrupt: {' '.join(str(error).split())}") from error


def _prepared(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The workbook with the text of its cells as people see it, and what was left out; as it is where that fails."""
    with suppress(PackageInvalid, zipfile.BadZipFile):
        is_open = Package(content).part("mimetype").strip().endswith(b".spreadsheet")
        return opendocument.prepare(content) if is_open else xlsx.prepare(content)
    return content, ()


def _document(
    book: CalamineWorkbook, title: str, sheet_formats: Mapping[str, SheetFormat], warned: Iterable[str]
) -> Document:
    sections: list[str] = []
    warnings = [*warned]
    for about in book.sheets_metadata:
        sheet_format = sheet_formats.get(about.name, SheetFormat())
        warnings += _left_out(about, sheet_format)
        text = _sheet(book.get_sheet_by_name(about.name), sheet_format) if _is_read(about, sheet_format) else ""
        sections += [f"## {' '.join(about.name.split())}\n\n{text}"] if text else []
    if not sections and warnings:
        raise ValueError(f"no text: {' '.join(warnings)}")
    return Document(tidy("\n\n".join(sections)).strip(), title, warnings=tuple(warnings))


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


def _sheet(sheet: CalamineSheet, sheet_format: SheetFormat) -> str:
    tables = (without_empty(block) for block in _tables(_rows(sheet, sheet_format)))
    return "\n\n".join(_table(rows) for rows in tables)


def _table(rows: list[list[str]]) -> str:
    if max(map(len, rows)) == 1 and len(rows) <= MOST_LINES:
        return "\n\n".join(cell for row in rows for cell in row)
    found = layout(rows)
    return to_markdown(found, rows[found.first :])


def _rows(sheet: CalamineSheet, sheet_format: SheetFormat) -> Iterator[list[str]]:
    """The visible cells of a sheet as text, row by row."""
    left = sheet.start[1] if sheet.start else 0
    above = _merged(sheet)
    texts: dict[tuple[int, int], str] = {}
    for number, row in enumerate(sheet.iter_rows()):
        if not any(value != "" for value in row):
            yield []
            continue
        cells = [
            _written(value, sheet_format.formats.get((number, place), "")) for place, value in enumerate(row, left)
        ]
        for place, cell in enumerate(cells):
            first = above.get((number, place + left))
            if first == (number, place + left):
                texts[first] = cell
            elif first:
                cells[place] = texts.get(first, "")
        if number not in sheet_format.hidden_rows:
            yield [cell for place, cell in enumerate(cells, left) if place not in sheet_format.hidden_columns]


def _merged(sheet: CalamineSheet) -> dict[tuple[int, int], tuple[int, int]]:
    """The cells that are merged with the ones below them, each with the first of them, which alone has the text."""
    return {
        (row, left): (top, left)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or []
        if left == right and bottom <= sheet.total_height
        for row in range(top, bottom + 1)
    }


def _tables(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Blocks of rows between empty ones; rows that go on under the header before the gap belong to its table."""
    table: list[list[str]] = []
    for block in _blocks(rows):
        if table and not _goes_on(table, block):
            yield table
            table = []
        table += block
    if table:
        yield table


def _blocks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
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
