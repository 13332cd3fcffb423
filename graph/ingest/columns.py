"""Infers typed columns for metadata fields, and warns about fields without one type; pure.

An ambiguous value such as `3/4/2025` or `1,500` is parsed by the convention of the column's unambiguous values, and
stays text where there is none: nothing is guessed.
"""

import datetime
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ..filters import BUILT_IN, ColumnType, is_column_name
from ..text.metadata_values import boolean, canonical_text, dates, numbers, resolve
from .access import GROUPS
from .document import FileWarning, Metadata

Kind = Literal["boolean", "integer", "number", "date", "strings", "string", "code", "open"]
"""The kind of a value; `code`: text of digits such as `0049`; `open`: ambiguous."""

MOST_COLUMNS = 100
SHOWN = 40
CODE = re.compile(r"0\d+", re.ASCII)
USUAL: Sequence[Kind] = ("date", "number", "string", "boolean")
"""The first of these that most values are; `no` is Norway unless it is among more booleans than words."""
NO_COLUMN = {GROUPS, *BUILT_IN}
NAMED = f"at most {MOST_COLUMNS} fields are, whose names are words of letters, digits and _, and not and, or, not"
NO_ORDER = "Filters by an order are refused."


@dataclass(frozen=True)
class Column:
    """The type of a field's values, and the conventions by which they are parsed."""

    type: ColumnType
    conventions: frozenset[str]
    kinds: Mapping[Kind, int]
    """The number of values of each kind."""

    def stored(self, value: Any) -> Any:
        """A value as the column stores it; None stays None."""
        if value is None:
            return None
        match self.type:
            case "string":
                return _text(value)
            case "strings":
                return [_text(item) for item in (value if isinstance(value, list) else [value])]
            case "mixed":
                read = _read(value, self.conventions)
                return _text(value) if read is None else canonical_text(read)
            case "number":
                return float(_read(value, self.conventions))
        return _read(value, self.conventions)

    @property
    def is_reported(self) -> bool:
        """Whether some values suggest another type than the column has."""
        return self.type == "mixed" or (self.type == "string" and "open" in self.kinds and "code" not in self.kinds)

    def is_odd(self, value: object) -> bool:
        """Whether a value is of another kind than most."""
        kind = _kind(value, self.conventions)
        return ("number" if kind == "integer" else kind) != _usual(self.kinds)


def infer_columns(documents: Collection[Metadata]) -> dict[str, Column]:
    """Infer a column for each field from all its values; fields with conflicting values become strings."""
    conventions: dict[str, set[str]] = defaultdict(set)
    for name, value in _values(documents):
        conventions[name].update(_conventions(value))
    kinds: dict[str, Counter[Kind]] = defaultdict(Counter)
    for name, value in _values(documents):
        kinds[name][_kind(value, conventions[name])] += 1
    names = sorted(kinds)[:MOST_COLUMNS]
    return {name: Column(_type(kinds[name]), frozenset(conventions[name]), kinds[name]) for name in names}


def _values(documents: Collection[Metadata]) -> Iterator[tuple[str, object]]:
    return ((name, value) for fields in documents for name, value in fields.items() if _has_column(name))


@lru_cache(maxsize=4096)
def _has_column(name: str) -> bool:
    return name not in NO_COLUMN and is_column_name(name)


def _conventions(value: object) -> Collection[str]:
    """The convention of an unambiguous value, or none."""
    if not isinstance(value, str):
        return ()
    readings = dates(value) or numbers(value)
    return readings.keys() if len(readings) == 1 else ()


def _kind(value: object, conventions: Collection[str]) -> Kind:
    read = _read(value, conventions)
    match read:
        case bool():
            return "boolean"
        case int():
            return "integer" if abs(read) < 2**63 else "string"
        case float():
            return "number"
        case list():
            return "strings"
        case datetime.date():
            return "date"
    text = str(value)
    if dates(text) or numbers(text):
        return "open"
    return "code" if CODE.fullmatch(text) else "string"


def _read(value: Any, conventions: Collection[str]) -> Any:
    """The parsed value of a text, None for plain or ambiguous text; other values unchanged."""
    if not isinstance(value, str):
        return value
    readings: Mapping[str, Any] = dates(value) or numbers(value)
    return resolve(readings, conventions) if readings else boolean(value)


def _type(kinds: Mapping[Kind, int]) -> ColumnType:
    """The type of a column; text next to numbers or dates, or mostly booleans, is `mixed`."""
    if "strings" in kinds:
        return "strings"
    match sorted(kinds):
        case [("integer" | "boolean" | "date") as kind]:
            return kind
        case ["number"] | ["integer", "number"]:
            return "number"
    # A column with a code is one of codes.
    typed = kinds.keys() - {"string", "open"} - ({"boolean"} if _usual(kinds) != "boolean" else set())
    return "mixed" if typed and "code" not in typed else "string"


def _usual(kinds: Mapping[Kind, int]) -> Kind:
    """The most common kind."""
    counts = Counter({kind: kinds.get(kind, 0) for kind in USUAL})
    counts["number"] += kinds.get("integer", 0)
    return max(counts, key=counts.__getitem__)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def column_warnings(documents: Mapping[str, Metadata], columns: Mapping[str, Column]) -> list[FileWarning]:
    """Warnings about metadata that cannot be filtered on as expected, each with the first document that is why."""
    found: dict[str, FileWarning] = {}
    for key, fields in sorted(documents.items()):
        for name in fields.keys() - NO_COLUMN - found.keys():
            column = columns.get(name)
            if column is None:
                found[name] = FileWarning(key, f"The field {name!r} cannot be filtered on: {NAMED}.")
            elif column.is_reported and column.is_odd(fields[name]):
                shown = _text(fields[name])[:SHOWN]
                found[name] = FileWarning(key, f"Column {name!r} has no one type, because of {shown!r}. {NO_ORDER}")
    return list(found.values())
