"""Gives metadata typed columns: a type for each field, and each value as its column stores it; pure."""

import datetime
import json
import re
from collections.abc import Iterable
from typing import Any

from ..filters import BUILT_IN, ColumnType
from .access import GROUPS
from .document import Metadata

MOST_COLUMNS = 100
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})\Z")


def infer_columns(documents: Iterable[Metadata]) -> dict[str, ColumnType]:
    """A type for each column from all of its values; values that do not agree make it a column of strings."""
    seen: dict[str, set[str]] = {}
    for fields in documents:
        for name, value in fields.items():
            if name != GROUPS and name not in BUILT_IN and name.isidentifier():
                seen.setdefault(name, set()).add(_kind(value))
    return {name: _common(seen[name]) for name in sorted(seen)[:MOST_COLUMNS]}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if abs(value) < 2**63 else "string"
    if isinstance(value, float):
        return "number"
    if isinstance(value, list):
        return "strings"
    text = str(value)
    if DATE.match(text) and _is_date(text):
        return "date"
    return "digits" if INTEGER.match(text) else "string"


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _common(kinds: set[str]) -> ColumnType:
    if "strings" in kinds:
        return "strings"
    if kinds <= {"integer", "digits"}:
        return "integer"
    if kinds <= {"integer", "number", "digits"}:
        return "number"
    if kinds == {"boolean"}:
        return "boolean"
    return "date" if kinds == {"date"} else "string"


def typed(value: Any, kind: ColumnType) -> Any:
    """A value as its column stores it; None stays None."""
    if value is None:
        return None
    match kind:
        case "date":
            return datetime.date.fromisoformat(value)
        case "strings":
            return [str(item) for item in value] if isinstance(value, list) else [str(value)]
        case "integer":
            return int(value)
        case "number":
            return float(value)
        case "boolean":
            return bool(value)
    return value if isinstance(value, str) else json.dumps(value)
