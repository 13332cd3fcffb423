"""The two filter languages of AI Search: dictionaries for standard endpoints, SQL for storage-optimised ones."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import invalid

Row = Mapping[str, Any]
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}


def by_dictionary(filters: Any, columns: Sequence[str]) -> Callable[[Row], bool]:
    """`{"a": 1, "b NOT": [2, 3], "c >=": 4}`: all keys hold; a list is any of its values; nothing equals null."""
    if not isinstance(filters, dict):
        raise invalid("filters_json must be an object.")
    parts = [(*_split(key, columns), value) for key, value in filters.items()]
    return lambda row: all(_holds(row.get(column), operator, wanted) for column, operator, wanted in parts)


def _split(key: str, columns: Sequence[str]) -> tuple[str, str]:
    column, _, operator = key.partition(" ")
    if column not in columns:
        raise invalid(f"Column {column} is not in the index.")
    if operator not in ("", "NOT", "LIKE", *COMPARED):
        raise invalid(f"Operator {operator} is not supported in {key!r}.")
    return column, operator


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    if value is None:
        return False
    if operator in COMPARED:
        return COMPARED[operator](value, wanted)
    if operator == "LIKE":
        return str(wanted) in str(value).split()
    wanted = wanted if isinstance(wanted, list) else [wanted]
    equal = any(each in wanted for each in value) if isinstance(value, list) else value in wanted
    return equal != (operator == "NOT")


def by_sql(condition: str, rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """The rows that meet a WHERE condition, asked of SQLite."""
    database = sqlite3.connect(":memory:")
    database.create_function("array_contains", 2, lambda stored, wanted: stored and wanted in json.loads(stored))
    names = ", ".join(f'"{name}"' for name in columns)
    database.execute(f"CREATE TABLE rows (number INTEGER, {names})")
    marks = ", ".join("?" * (len(columns) + 1))
    database.executemany(
        f"INSERT INTO rows VALUES ({marks})",
        [[number, *(_stored(row.get(name)) for name in columns)] for number, row in enumerate(rows)],
    )
    try:
        # Dates are stored as their texts, which sort as they do.
        where = condition.replace("date '", "'")
        found = database.execute(f"SELECT number FROM rows WHERE {where}").fetchall()
    except sqlite3.Error as error:
        raise invalid(f"The filter cannot be parsed: {error}") from error
    return [rows[number] for (number,) in found]


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list) else value
