"""Detects the layout of a table: titles, a header or none, or pairs of label and value; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .cells import EMPTY_CELLS, MAX_VALUE_LENGTH, YEAR, Cell, Row, bare, cell_of, majority_value
from .headers import is_second_line, join_header_lines

Kind = Literal["records", "plain", "pairs"]

MAX_LAYOUT_ROWS = 50
"""Rows that are examined: the header of a long table must not depend on its end."""
TOTAL = re.compile(r"(?:sub-?|grand )?(?:totals?|sums?)\b|gesamt|summe|(?:sous-)?total|totaal|i alt", re.IGNORECASE)
BOLD = re.compile(r"(\*\*|__)(?=\S).*(?<=\S)\1:?")


@dataclass(frozen=True)
class Layout:
    """The titles of a table, its header if it has one, and the index of its first data row."""

    titles: tuple[str, ...]
    header: tuple[str, ...] | None
    first: int
    """The index of the first data row."""
    kind: Kind
    """`records`: rows under a header. `plain`: rows without one. `pairs`: labels with values."""
    repeated: tuple[str, ...] = ()
    """The last row of the header, which a long table may repeat."""


def layout(rows: Sequence[Row]) -> Layout:
    """Detect the layout from the first rows; the first row after the titles is the header unless it is data."""
    filled = [(index, _stripped(row)) for index, row in enumerate(rows[:MAX_LAYOUT_ROWS])]
    filled = [(index, row) for index, row in filled if any(row)]
    if not filled:
        return Layout((), None, len(rows[:MAX_LAYOUT_ROWS]), "plain")
    count = _titles([row for _, row in filled])
    titles = tuple(_title(row) for _, row in filled[:count])
    return _with_header(titles, filled[count:])


def layout_of(rows: Sequence[Row]) -> Layout:
    """The layout of a Markdown table; an empty header row means that there is no header."""
    if not any(rows[0]):
        return Layout((), None, 1, "plain")
    return Layout((), tuple(rows[0]), 1, "records") if len(rows) == 1 else layout(rows)


def _with_header(titles: tuple[str, ...], filled: list[tuple[int, list[str]]]) -> Layout:
    rows = [row for _, row in filled]
    if len(rows) > 2 and is_second_line(rows):
        return Layout(titles, join_header_lines(rows[0], rows[1]), filled[1][0] + 1, "records", tuple(rows[1]))
    kind = _kind(rows)
    if kind == "records":
        return Layout(titles, tuple(rows[0]), filled[0][0] + 1, kind, tuple(rows[0]))
    return Layout(titles, None, filled[0][0], kind)


def _stripped(row: Row) -> list[str]:
    return [cell.strip() for cell in row]


def is_section(row: Row) -> bool:
    """Whether a row has one text for all columns: a heading between rows, or a note."""
    return len(row) > 2 and bool(row[0]) and (not any(row[1:]) or (_spans(row) and not cell_of(row[0]).is_value))


def fill_group_names(rows: Sequence[Row]) -> list[Row]:
    """The rows with the group name filled in where only the first row of a group has it."""
    members = [number for number, row in enumerate(rows) if _is_member(row)]
    if not members or members == [len(rows) - 1] or 0 in members:
        return list(rows)
    whole = list(rows)
    for number in members:
        above, row = whole[number - 1], rows[number]
        if [bool(cell) for cell in above[1:]] != [bool(cell) for cell in row[1:]]:
            return list(rows)
        whole[number] = [above[0], *row[1:]]
    return whole


def _is_member(row: Row) -> bool:
    named = len(row) > 2 and not row[0] and bool(row[1])
    return named and not cell_of(row[1]).is_value and not TOTAL.match(bare(row[1]))


# Titles


def _titles(rows: Sequence[Row]) -> int:
    """The number of title rows above the header: rows with one cell in a wider table."""
    width = max(len(_filled(row)) for row in rows)
    count = 0
    while count < len(rows) - 1 and _is_title(rows[count], width):
        count += 1
    if count and width == 2 and not _spans(rows[0]) and not has_clear_layout(rows[count:]):
        return 0
    return count


def _is_title(row: Row, width: int) -> bool:
    """One text for all columns, or in a wide table a label with its value: `Region | North`."""
    filled = _filled(row)
    return len(filled) < width and (len(filled) == 1 or (len(filled) == 2 and width > 3 and _packed(row)))


def _filled(row: Row) -> list[str]:
    """The cells with text; one that spans the whole row counts once."""
    return [row[0]] if row[0] and _spans(row) else [cell for cell in row if cell]


def _spans(row: Row) -> bool:
    return len(row) > 1 and len(set(row)) == 1


def _packed(row: Row) -> bool:
    return all(row[:2]) and not any(row[2:])


def has_clear_layout(rows: Sequence[Row]) -> bool:
    """Whether the rows show if they have a header; otherwise the first row is taken as the header."""
    body = rows[1:]
    return bool(body) and (_kind(rows) != "records" or any(_votes(rows)))


def _title(row: Row) -> str:
    filled = _filled(row)
    return filled[0] if len(filled) == 1 else f"{filled[0].rstrip(':')}: {filled[1]}"


# Header or none


def _kind(rows: Sequence[Row]) -> Kind:
    head, width = rows[0], max(map(len, rows))
    if len(rows) == 1:
        return "plain"
    if _is_bold(rows):
        return "records"
    if (width == 2 and _are_pairs(rows)) or (width == 4 and _are_double_pairs(rows)):
        return "pairs"
    votes = _votes(rows)
    if votes and not any(votes):
        return "pairs" if width == 2 and not cell_of(head[0]).is_value else "plain"
    return "records"


def _is_bold(rows: Sequence[Row]) -> bool:
    """Whether only the first row is bold."""
    head = [cell for cell in rows[0] if cell]
    return all(map(BOLD.fullmatch, head)) and not any(
        all(BOLD.fullmatch(cell) for cell in row if cell) for row in rows[1:] if any(row)
    )


def _votes(rows: Sequence[Row]) -> list[bool]:
    """For each decisive column: whether its first cell is a name (True) or data like the cells below (False)."""
    head = _as_names([cell_of(cell) for cell in rows[0]], rows)
    votes = [_vote(first, _column(rows, number), rows[0][number]) for number, first in enumerate(head)]
    return [vote for vote in votes if vote is not None]


def _column(rows: Sequence[Row], number: int) -> list[str]:
    return [row[number] for row in rows[1:] if number < len(row) and row[number] not in EMPTY_CELLS]


def _as_names(head: list[Cell], rows: Sequence[Row]) -> list[Cell]:
    """Treat years and increasing numbers in the first row as names, unless the columns contain years."""
    years = [number for number, cell in enumerate(head) if cell.kind == "year"]
    named = {n for n in years if majority_value([cell_of(cell).kind for cell in _column(rows, n)]) != "year"}
    numbers = [n for n, cell in enumerate(head) if cell.kind == "number"]
    if len(numbers) > 1 and 0 not in numbers and _grows([rows[0][n] for n in numbers]):
        named |= set(numbers)
    return [Cell("text") if number in named else cell for number, cell in enumerate(head)]


def _grows(written: Sequence[str]) -> bool:
    """Whether numbers increase: 1, 2, 3 or 5, 10, 50."""
    try:
        numbers = [float(bare(number).replace(",", ".")) for number in written]
    except ValueError:
        return False
    return all(before < after for before, after in pairwise(numbers))


def _vote(first: Cell, column: list[str], written: str) -> bool | None:
    if first.kind == "gap" or not column:
        return None
    below = [cell_of(cell) for cell in column]
    common_kind = majority_value([cell.kind for cell in below])
    if first.kind == "link":
        return False
    if first.kind == "text":
        if common_kind not in (None, "text"):
            return True
        return False if _is_data(written, column) else None
    if first.kind != common_kind:
        return None
    units = [cell.unit for cell in below]
    same_unit = first.kind != "quantity" or first.unit in units or majority_value(units) is None
    return False if same_unit else None


def _is_data(written: str, column: list[str]) -> bool:
    """Whether a text is data: it is repeated in its column, or the texts there are as long."""
    lengths = sorted(map(len, column))
    long = len(written) > MAX_VALUE_LENGTH and lengths[len(lengths) // 2] > MAX_VALUE_LENGTH / 2
    return long or (column.count(written) > 1 and len(set(column)) > 1)


# Label and value


def _are_pairs(rows: Sequence[Row]) -> bool:
    """Whether rows of two cells are labels with values."""
    labels = [row[0] for row in rows]
    if all(bare(label).endswith(":") for label in labels if label):
        return True
    if len(rows[0]) < 2 or len(set(labels)) < len(labels) or any(cell_of(label).is_value for label in labels):
        return False
    first, below = cell_of(rows[0][1]), [cell_of(cell) for cell in _column(rows, 1)]
    return _is_value_of(first, below) or _is_code_over_quantities(rows[0][1], below)


def _are_double_pairs(rows: Sequence[Row]) -> bool:
    """Whether each row is two labels with their values; then neither column of values has one kind."""
    sides = [[list(row[index : index + 2]) for row in rows if any(row[index : index + 2])] for index in (0, 2)]
    values = [[cell_of(row[1]) for row in side if len(row) > 1] for side in sides]
    mixed = all(majority_value([f"{cell.kind} {cell.unit}" for cell in side]) is None for side in values)
    labels = [row[0] for side in sides for row in side]
    return mixed and len(set(labels)) == len(labels) and all(map(_are_pairs, sides))


def _is_value_of(first: Cell, below: list[Cell]) -> bool:
    """Whether the second cell of the first row is a value rather than the name of its column."""
    if first.kind in ("gap", "text", "year"):
        return False
    common_kind = majority_value([cell.kind for cell in below])
    return common_kind in (None, "text", first.kind) and bool(below)


def _is_code_over_quantities(first: str, below: list[Cell]) -> bool:
    """Whether a code is above quantities of several units, as in `Mixer | MX-12` above a weight and a height."""
    units = {cell.unit for cell in below if cell.kind == "quantity"}
    coded = any(map(str.isdigit, first)) and not YEAR.search(first)
    return coded and len(units) > 1 and 2 * sum(cell.kind == "quantity" for cell in below) >= len(below)
