"""Reads two-line table headers: names under a spanning name, or units under names; pure."""

from collections.abc import Sequence

from .cells import EMPTY_CELLS, Row, cell_of, majority_value


def is_second_line(rows: Sequence[Row]) -> bool:
    """Whether the second row is part of the header: names under a spanning name, or the units of the columns."""
    upper, lower = rows[0], rows[1]
    if len(upper) != len(lower) or len(upper) < 2 or not _is_below(upper[0], lower[0]):
        return False
    valued = [_is_valued(rows[2:], number) for number in range(len(lower))]
    names = [number for number, cell in enumerate(lower) if cell and cell != upper[number]]
    if not names or not any(valued[number] for number in names) or any(_is_number(lower[n]) for n in names):
        return False
    if _has_span(upper, names):
        return all(lower[n] or upper[n] for n in range(len(upper)))
    return not lower[0] and all(upper) and all(valued[n] for n in names)


def _is_below(upper: str, lower: str) -> bool:
    """Whether two cells of the first column are one name, written once or repeated."""
    return not upper or not lower or upper == lower


def _is_valued(rows: Sequence[Row], number: int) -> bool:
    kinds = [cell_of(row[number]).kind for row in rows if number < len(row) and row[number] not in EMPTY_CELLS]
    return majority_value(kinds) not in (None, "text")


def _is_number(cell: str) -> bool:
    return cell_of(cell).kind not in ("gap", "text", "year")


def _has_span(upper: Row, names: Sequence[int]) -> bool:
    """Whether a name of the upper line spans the next column: it is repeated, or followed by an empty cell."""
    return any(number > 1 and upper[number - 1] and upper[number] in ("", upper[number - 1]) for number in names)


def join_header_lines(upper: Row, lower: Row) -> tuple[str, ...]:
    """The column names of a two-line header: `2024 Q1`, `Power (kW)`."""
    units = all(upper) and not lower[0]
    names, group = [], ""
    for above, below in zip(upper, lower, strict=True):
        group = above or (group if below else "")
        if not below or below == group:
            names.append(group)
        elif units and not _has_span(upper, range(len(upper))):
            names.append(f"{group} ({below.strip('()[]')})")
        else:
            names.append(f"{group} {below}".strip())
    return tuple(names)
