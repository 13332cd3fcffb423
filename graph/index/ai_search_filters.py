"""Filters as AI Search takes them: dictionaries on standard endpoints, SQL on storage-optimised ones; pure.

A passage's `access` is one word for the groups that may read it, so that access is an equality on both. How a missing
value compares is not documented, so each metadata column has another that says whether there is a value.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product
from typing import Any, NamedTuple

from ..errors import FilterInvalid
from ..filters import BUILT_IN, COMPARISONS, PREFIX, Columns, ColumnType, Value, compile_for, sql_literal

HAS = "has_"
EVERYBODY = "everybody"
MAX_SEARCHES = 8
"""The most searches that one filter may need on a standard endpoint."""
MAX_ALTERNATIVES = 200
OPPOSITE = {"": "NOT", "NOT": "", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Term(NamedTuple):
    """A comparison of a column of the index; `sign` is as a dictionary has it, "" for equality.

    Several `values` are any of them; a column of `many` values has each of them.
    """

    column: str
    sign: str
    values: tuple[Value, ...]
    many: bool = False


Terms = tuple[Term, ...]
"""Terms that hold together."""


def access_of(groups: Sequence[str]) -> str:
    """The word for passages that one of these groups may read."""
    return "groups-" + hashlib.sha256(json.dumps(sorted(set(groups))).encode()).hexdigest()[:32]


def allowed_access(classes: Mapping[str, Sequence[str]], groups: Sequence[str]) -> list[str]:
    """The words for what a caller of some groups may read; `classes` are the groups by their words."""
    own = set(groups)
    return [EVERYBODY, *(word for word, members in classes.items() if own.intersection(members))]


def column_name(name: str) -> str:
    """The name of a filter's column in the index: letters, digits and underscores."""
    return name if name in BUILT_IN else PREFIX + _plain(name)


def has_name(name: str) -> str:
    """The name of the column that says whether a metadata column has a value."""
    return HAS + _plain(name)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"_x{ord(found.group()):x}_", name)


def standard_filters(filters: Any, columns: Columns, access: Sequence[str]) -> list[dict[str, Any]]:
    """The dictionaries of the searches that together find what the filter and `access` allow; none finds nothing.

    Raises FilterInvalid.
    """
    merged = [_dictionary(terms) for terms in _alternatives(filters, columns)]
    searches = [each for each in merged if each is not None]
    if len(searches) > MAX_SEARCHES:
        raise FilterInvalid(
            f"This filter takes {len(searches)} searches on a standard endpoint, which makes {MAX_SEARCHES} at most; "
            "use fewer alternatives, or a storage-optimized endpoint."
        )
    return [{**each, "access": list(access)} for each in searches]


def sql_filter(filters: Any, columns: Columns, access: Sequence[str]) -> str:
    """The condition for a storage-optimised endpoint; raises FilterInvalid."""
    allowed = f"access IN ({', '.join(map(sql_literal, access))})"
    found = _alternatives(filters, columns)
    if () in found:
        return allowed
    wanted = " OR ".join("(" + " AND ".join(map(_sql, terms)) + ")" for terms in found)
    return f"{allowed} AND ({wanted or 'false'})"


def _alternatives(filters: Any, columns: Columns) -> list[Terms]:
    found = compile_for(_Alternatives(), filters, columns)
    return [()] if found is None else found


class _Alternatives:
    """Conditions in disjunctive normal form: alternatives, each of terms that hold together."""

    def compare(self, column: str, operator: str, value: Value, kind: ColumnType) -> list[Terms]:
        sign = "" if operator == "eq" else COMPARISONS[operator]
        return [(Term(column_name(column), sign, (value,), kind == "strings"),)]

    def within(self, column: str, values: Sequence[Value], kind: ColumnType) -> list[Terms]:
        return [(Term(column_name(column), "", tuple(values), kind == "strings"),)] if values else []

    def missing(self, column: str, *, negated: bool) -> list[Terms]:
        if column in BUILT_IN:
            return [()] if negated else []
        return [(Term(has_name(column), "", (negated,)),)]

    def negation(self, condition: list[Terms]) -> list[Terms]:
        return self.every([[part for term in terms for part in _negated(term)] for terms in condition])

    def every(self, conditions: Sequence[list[Terms]]) -> list[Terms]:
        found: list[Terms] = [()]
        for condition in conditions:
            found = [both for first, second in product(found, condition) if _possible(both := (*first, *second))]
            if len(found) > MAX_ALTERNATIVES:
                raise FilterInvalid("This filter has too many alternatives for AI Search; use fewer `or` and `not`.")
        return found

    def either(self, conditions: Sequence[list[Terms]]) -> list[Terms]:
        return [terms for condition in conditions for terms in condition]


def _negated(term: Term) -> list[Terms]:
    """What holds where a term does not: the opposite, or there is no value."""
    if term.column.startswith(HAS):
        return [(term._replace(values=(not term.values[0],)),)]
    opposite = term._replace(sign=OPPOSITE[term.sign])
    if term.column in BUILT_IN:
        return [(opposite,)]
    has = Term(HAS + term.column.removeprefix(PREFIX), "", (True,))
    return [(opposite, has), (has._replace(values=(False,)),)]


def _possible(terms: Terms) -> bool:
    """Whether no column is to have a value and to have none."""
    wanted: dict[str, bool] = {}
    for term in terms:
        has = term.column.startswith(HAS)
        name = term.column if has else HAS + term.column.removeprefix(PREFIX)
        value = bool(term.values[0]) if has else True
        if wanted.setdefault(name, value) != value:
            return False
    return True


def _dictionary(terms: Terms) -> dict[str, Any] | None:
    """Terms as one dictionary, whose keys are unique; None where no value meets all of them."""
    merged: dict[tuple[str, str], Term] = {}
    for term in terms:
        key = term.column, term.sign
        merged[key] = _both(merged[key], term) if key in merged else term
        if not merged[key].values:
            return None
    return {f"{term.column} {term.sign}".strip(): _json(term.values) for term in merged.values()}


def _both(one: Term, other: Term) -> Term:
    """Two terms on one column with one sign as one."""
    if one == other:
        return one
    if one.many and not one.sign:
        raise FilterInvalid("A standard endpoint takes one condition on a column of several values; use one.")
    values = (*one.values, *other.values)
    if one.sign == "":
        return one._replace(values=tuple(value for value in one.values if value in other.values))
    if one.sign == "NOT":
        return one._replace(values=tuple(dict.fromkeys(values)))
    chosen = max if one.sign.startswith(">") else min
    return one._replace(values=(chosen(values),))


def _json(values: Sequence[Value]) -> Any:
    found = [value.isoformat() if isinstance(value, date) else value for value in values]
    return found[0] if len(found) == 1 else found


def _sql(term: Term) -> str:
    literals = [sql_literal(value) for value in term.values]
    if term.many:
        found = " OR ".join(f"array_contains({term.column}, {literal})" for literal in literals)
        return f"NOT ({found})" if term.sign else f"({found})"
    if term.sign in ("", "NOT"):
        return f"{term.column} {'NOT IN' if term.sign else 'IN'} ({', '.join(literals)})"
    return f"{term.column} {term.sign} {literals[0]}"
