"""One filter language over a Snapshot's metadata columns, checked against their types and compiled for the index.

{"region": "EU"}                                equal; null asks for a missing value
{"region": ["EU", "US"]}                        in
{"effective_date": {"gte": "2025-01-01"}}       eq ne in gt gte lt lte, several together
{"or": [{...}, {...}]}  {"and": [...]}  {"not": {...}}
Several columns in one object must all hold. `not` and `ne` hold for a document without the value too. A text is read as
the values of its column were: `15.02.2025` is a date where dates are; what can be two things is refused.
"""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Generic, Literal, Protocol, TypeVar

from .errors import FilterInvalid
from .text.metadata_values import boolean, canonical_text, dates, numbers

ColumnType = Literal["string", "mixed", "integer", "number", "boolean", "date", "strings"]
"""A mixed column holds text beside numbers, dates or booleans: compared by what they mean, but without an order."""
Columns = Mapping[str, ColumnType]
Value = str | int | float | bool | datetime.date
"""A checked value of a filter."""
Condition = TypeVar("Condition")
"""A condition in an index's own form."""

PREFIX = "m_"
BUILT_IN: Columns = {"document": "string", "file": "string", "title": "string"}
COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
ORDERED = ("gt", "gte", "lt", "lte")
SIGNS = {"=": "eq", "!=": "ne", ">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
OPTION = re.compile(r"([^!<>=]+)(!=|>=|<=|=|>|<)(.*)\Z", re.DOTALL)
OPERATORS = ("eq", "ne", "in", *ORDERED)
DEPTH = 20
WIDTH = 1000
SIZE, CHARACTERS = 2000, 100_000
"""Values of a whole filter, and the characters of all its texts."""
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "mixed": (str, int, float, bool),
    "strings": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def is_column_name(name: str) -> bool:
    """Whether a metadata field can be a column: words of letters, digits and _ with one blank or hyphen between."""
    words = re.split("[ -]", name)
    return name not in ("and", "or", "not") and all(word and f"_{word}".isidentifier() for word in words)


class Dialect(Protocol[Condition]):
    """Builds an index's conditions; `column` is a name as the filter has it."""

    def compare(self, column: str, operator: str, value: Value, kind: ColumnType) -> Condition:
        """`operator` is eq, gt, gte, lt or lte; a column of several strings equals each of them."""
        ...

    def within(self, column: str, values: Sequence[Value], kind: ColumnType) -> Condition:
        """Whether the column equals one of some values; none is equal to one of none."""
        ...

    def missing(self, column: str, *, negated: bool) -> Condition:
        """Whether a document has no value; `negated`: whether it has one."""
        ...

    def negation(self, condition: Condition) -> Condition:
        """Holds unless the condition does, also where that is unknown because a value is missing."""
        ...

    def every(self, conditions: Sequence[Condition]) -> Condition: ...

    def either(self, conditions: Sequence[Condition]) -> Condition: ...


class LanceSql:
    """Conditions in the SQL of LanceDB."""

    def compare(self, column: str, operator: str, value: Value, kind: ColumnType) -> str:
        if kind == "strings":
            return f"array_has({self.column(column)}, {sql_literal(value)})"
        return f"{self.column(column)} {COMPARISONS[operator]} {sql_literal(value)}"

    def within(self, column: str, values: Sequence[Value], kind: ColumnType) -> str:
        if not values:
            return "false"
        literals = ", ".join(map(sql_literal, values))
        if kind == "strings":
            return f"array_has_any({self.column(column)}, [{literals}])"
        return f"{self.column(column)} IN ({literals})"

    def missing(self, column: str, *, negated: bool) -> str:
        return f"{self.column(column)} IS {'NOT ' if negated else ''}NULL"

    def negation(self, condition: str) -> str:
        return f"(({condition}) IS NOT TRUE)"

    def every(self, conditions: Sequence[str]) -> str:
        return " AND ".join(conditions)

    def either(self, conditions: Sequence[str]) -> str:
        return "(" + " OR ".join(f"({condition})" for condition in conditions) + ")"

    def column(self, name: str) -> str:
        own = name if name in BUILT_IN else PREFIX + name
        return own if own.isidentifier() else f"`{own}`"


def compile_filter(filters: Any, columns: Columns) -> str | None:
    """Turn a filter into a Lance SQL condition, or None when it asks for nothing; raises FilterInvalid."""
    return compile_for(LanceSql(), filters, columns)


def compile_for(dialect: Dialect[Condition], filters: Any, columns: Columns) -> Condition | None:
    """Turn a filter into a condition of an index, or None when it asks for nothing; raises FilterInvalid."""
    if filters is None or filters == {}:
        return None
    _check_size(filters)
    return _Compiler(dialect, {**columns, **BUILT_IN}).group(filters, depth=0)


def _check_size(filters: Any) -> None:
    values, characters, waiting = 0, 0, [filters]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping | list):
            waiting.extend(value.values() if isinstance(value, Mapping) else value)
            continue
        values, characters = values + 1, characters + (len(value) if isinstance(value, str) else 0)
        if values > SIZE or characters > CHARACTERS:
            most = f"{SIZE} values with {CHARACTERS} characters in all"
            raise FilterInvalid(f"A filter may have {most}; this one has more.")


PUBLIC = "public"
"""The condition of a caller without groups: the name of a column."""


def access_condition(groups: list[str]) -> str:
    """The condition that a caller's groups always add: public passages and those of the caller's own groups."""
    if not groups:
        return PUBLIC
    return f"(public OR array_has_any(allowed_groups, [{', '.join(map(sql_literal, groups))}]))"


def parse_option(option: str, columns: Columns) -> dict[str, Any]:
    """Read `column=value`, `column=a,b`, `column!=value` or `column>=value` as typed on a command line."""
    match = OPTION.match(option)
    if not match:
        raise FilterInvalid(f"A filter looks like region=EU, year>=2024 or region=EU,US; {option!r} does not.")
    column, sign, value = match.groups()
    kind = columns.get(column)
    if sign == "=" and "," in value and not (kind in ("date", "mixed") and dates(value)):
        return {column: {"eq": [_typed_option(column, part, kind) for part in _listed(value, kind)]}}
    return {column: {SIGNS[sign]: _typed_option(column, value, kind)}}


def _listed(text: str, kind: ColumnType | None) -> list[str]:
    whole = [number for number in numbers(text).values() if kind != "integer" or isinstance(number, int)]
    if kind in ("integer", "number", "mixed") and whole:
        remedy = "write a number without the comma, and a list with a blank after it"
        raise FilterInvalid(f"{_shown(text)} can be a list or one number; {remedy}.")
    return text.split(",")


def _typed_option(name: str, text: str, kind: ColumnType | None) -> Any:
    if kind in (None, "string", "mixed", "strings", "date"):
        return text
    value = _read(name, text, kind)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(text)
    except ValueError as error:
        raise FilterInvalid(f"{text!r} is not a value for a column of type {kind}.") from error


def _read(name: str, text: str, kind: ColumnType) -> Any:
    """What a text means to a column that is not of text, or the text itself where it means nothing."""
    if kind in ("boolean", "mixed") and (known := boolean(text)) is not None:
        return known
    readings: Mapping[str, Any] = dates(text) if kind in ("date", "mixed") else {}
    if kind in ("integer", "number", "mixed"):
        readings = readings or numbers(text)
    found = sorted(set(readings.values()))
    if len(found) > 1:
        both = f"{_shown(text)} can be {found[0]} or {found[1]}"
        raise FilterInvalid(f"Column {name!r} takes one value: {both}; write the one that is meant.")
    return found[0] if found else text


class _Compiler(Generic[Condition]):
    """Checks a filter against the columns and builds its condition."""

    def __init__(self, dialect: Dialect[Condition], columns: Columns) -> None:
        self._dialect, self._columns = dialect, columns

    def group(self, filters: Any, *, depth: int) -> Condition:
        if not isinstance(filters, Mapping) or not filters:
            raise FilterInvalid(f'A filter is an object such as {{"region": "EU"}}; {_shown(filters)} is not.')
        if depth > DEPTH:
            raise FilterInvalid(f"A filter may be nested {DEPTH} deep; this one is deeper.")
        return self._dialect.every([self._clause(name, value, depth) for name, value in filters.items()])

    def _clause(self, name: str, value: Any, depth: int) -> Condition:
        if name in ("and", "or"):
            if not isinstance(value, list) or not value or len(value) > WIDTH:
                raise FilterInvalid(f'"{name}" takes a list of 1 to {WIDTH} filters; {_shown(value)} is not.')
            parts = [self.group(part, depth=depth + 1) for part in value]
            return self._dialect.either(parts) if name == "or" else self._dialect.every(parts)
        if name == "not":
            return self._dialect.negation(self.group(value, depth=depth + 1))
        if name not in self._columns:
            known = ", ".join(sorted(self._columns)) or "none"
            raise FilterInvalid(f"This Snapshot has no column {_shown(name)} to filter on; it has {known}.")
        conditions = value if isinstance(value, Mapping) else {"in" if isinstance(value, list) else "eq": value}
        if not conditions:
            raise FilterInvalid(f"The filter on {name!r} is empty; give a value or one of {', '.join(OPERATORS)}.")
        return self._dialect.every([self._compare(name, op, wanted) for op, wanted in conditions.items()])

    def _compare(self, name: str, operator: str, value: Any) -> Condition:
        kind = self._columns[name]
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise FilterInvalid(f"{_shown(operator)} is not an operator for {name!r}; use one of {known}.")
        if operator == "in" or (operator == "eq" and isinstance(value, list)):
            return self._dialect.within(name, _values(name, value, kind), kind)
        if value is None and operator in ("eq", "ne"):
            return self._dialect.missing(name, negated=operator == "ne")
        checked = _value(name, value, kind)
        if operator in ORDERED and kind not in ("integer", "number", "date"):
            why = ": not all of its values are numbers, or dates of one meaning" if kind in ("string", "mixed") else ""
            raise FilterInvalid(f"{name!r} is a column of type {kind} and has no order{why}. Use eq, ne or in.")
        if operator == "ne":
            return self._dialect.negation(self._dialect.compare(name, "eq", checked, kind))
        return self._dialect.compare(name, operator, checked, kind)


def _values(name: str, values: Any, kind: ColumnType) -> list[Value]:
    if not isinstance(values, list) or len(values) > WIDTH:
        raise FilterInvalid(f"'in' on {name!r} takes a list of at most {WIDTH} values; {_shown(values)} is not.")
    return [_value(name, value, kind) for value in values]


def _value(name: str, value: Any, kind: ColumnType) -> Value:
    if kind == "date":
        return _date(name, value)
    if isinstance(value, str) and kind not in ("string", "strings"):
        value = _read(name, value, kind)
    if isinstance(value, datetime.date):
        value = value.isoformat()
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    right = isinstance(value, PYTHON_TYPES[kind]) and (
        kind == "mixed" or isinstance(value, bool) == (kind == "boolean")
    )
    if not right or (isinstance(value, float) and not isfinite(value)) or (type(value) is int and abs(value) >= 2**63):
        raise FilterInvalid(f"Column {name!r} holds values of type {kind}; {_shown(value)} is not one.")
    if kind == "mixed" or isinstance(value, str):
        return _checked_text(canonical_text(value))
    checked: Value = value
    return checked


def _date(name: str, value: Any) -> datetime.date:
    # A time of the day would be dropped, and so change what a comparison means.
    day = _read(name, value, "date") if isinstance(value, str) and ":" not in value else None
    if not isinstance(day, datetime.date):
        raise FilterInvalid(f"Column {name!r} holds dates such as 2025-01-31; {_shown(value)} is not one.")
    return day


def sql_literal(value: Value) -> str:
    """A value as SQL has it; raises FilterInvalid for a text that SQL cannot hold."""
    if isinstance(value, str):
        return "'" + _checked_text(value).replace("'", "''") + "'"
    if isinstance(value, datetime.date):
        return f"date '{value.isoformat()}'"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _checked_text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise FilterInvalid("A filter value may not hold a NUL character or half a surrogate pair.")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
