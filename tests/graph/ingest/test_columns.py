import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ingest.columns import MOST_COLUMNS, Column, column_warnings, infer_columns
from graph.ingest.document import Metadata
from graph.ingest.metadata import normalise

STORED: dict[str, type] = {
    "string": str,
    "mixed": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "date": datetime.date,
    "strings": list,
}
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalar = st.one_of(
    text,
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.sampled_from(["2025-01-31", "3/4/2025", "15/02/2025", "007", "7", "-3", "1,500", "0,5", "1.5", "yes", "1" * 30]),
)
value = st.one_of(st.none(), scalar, st.lists(scalar, max_size=3), st.dictionaries(text, scalar, max_size=2))


def column(*values: object) -> Column:
    return infer_columns([{"x": value} for value in values])["x"]


def stored(*values: object) -> list[object]:
    return [column(*values).stored(value) for value in values]


def warned(**values: object) -> list[str]:
    documents = {f"{name}.txt": {"x": value} for name, value in values.items()}
    return [warning.message for warning in column_warnings(documents, infer_columns(list(documents.values())))]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["EU", "US"], "string"),
        ([1, 2], "integer"),
        (["1", "-20", 3], "integer"),
        ([1, 2.5], "number"),
        (["1", 2.5], "number"),
        (["1.5", "1,500"], "number"),
        (["900", "1,500"], "mixed"),
        (["7 m", "9 m"], "string"),
        ([True, False], "boolean"),
        (["yes", True, "n/a"], "mixed"),
        (["0049", "77"], "string"),
        (["yes", True, "nein"], "boolean"),
        (["NO", "DE"], "string"),
        ([True, 1], "mixed"),
        (["2025-01-31", "2024-02-29"], "date"),
        (["2025-01-31", "15.02.2025", "Feb 15, 2025"], "date"),
        (["2025-01-31T10:00:00"], "date"),
        (["3/4/2025", "15/4/2025"], "date"),
        (["3/4/2025", "5/6/2025"], "string"),
        (["3/4/2025", "15/4/2025", "4/15/2025"], "mixed"),
        (["15/4/2025", "4/15/2025"], "date"),
        (["2025-02-30"], "string"),
        (["2025-01-31", "soon"], "mixed"),
        (["2025-01-31", 2025], "mixed"),
        (["20250131", "20250201"], "integer"),
        (["007"], "string"),
        ([2**63], "string"),
        (["1" * 19], "string"),
        ([["a"], ["b"]], "strings"),
        ([["a"], "b", 1], "strings"),
    ],
)
def test_a_column_gets_the_type_that_all_its_values_share_in_any_order(values: list[object], kind: str) -> None:
    assert column(*values).type == kind
    assert column(*reversed(values)).type == kind


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["3/4/2025", "15/4/2025"], [datetime.date(2025, 4, 3), datetime.date(2025, 4, 15)]),
        (["3/4/2025", "4/15/2025"], [datetime.date(2025, 3, 4), datetime.date(2025, 4, 15)]),
        (["1,500", "1,500.5"], [1500.0, 1500.5]),
        (["1,500", "0,5"], [1.5, 0.5]),
        (["1.500", "0,5"], [1500.0, 0.5]),
        (["1,500", "1,000,000"], [1500, 1000000]),
    ],
)
def test_unmistakable_values_decide_for_the_open_ones(values: list[object], found: list[object]) -> None:
    assert stored(*values) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["2025-01-31"], [datetime.date(2025, 1, 31)]),
        (["7", 8], [7, 8]),
        (["7", 1.5], [7.0, 1.5]),
        ([True, "no"], [True, False]),
        (["a", [1, True]], [["a"], ["1", "true"]]),
        (["EU", "DE", True, None], ["EU", "DE", "true", None]),
        (["soon", "15.02.2025", True, "ja", "7.0"], ["soon", "2025-02-15", "true", "true", "7"]),
        (["900", "1,500"], ["900", "1,500"]),
    ],
)
def test_a_value_is_stored_as_its_column_has_it(values: list[object], found: list[object]) -> None:
    assert stored(*values) == found


def test_a_document_without_the_field_does_not_change_its_type() -> None:
    columns = infer_columns([{"x": 1}, {}, {"y": "EU"}])
    assert {name: column.type for name, column in columns.items()} == {"x": "integer", "y": "string"}
    assert columns["x"].stored(None) is None


def test_groups_built_in_columns_and_what_cannot_be_a_name_get_no_column() -> None:
    fields = {
        "allowed_groups": ["hr"],
        "title": "a",
        "document": "b",
        "file": "c",
        "x;--": 1,
        "a`b": 1,
        "a.b": 1,
        "or": 1,
    }
    assert list(infer_columns([fields | {"ok": 1, "Effective Date": 1, "doc-type": 1, "größe": 1}])) == [
        "Effective Date",
        "doc-type",
        "größe",
        "ok",
    ]


def test_fields_without_a_column_are_told() -> None:
    documents: dict[str, Metadata] = {"b.txt": {"a.b": 1, "title": "B"}, "a.txt": {"x": 1}}
    [warning] = column_warnings(documents, infer_columns(list(documents.values())))
    assert warning.file == "b.txt"
    assert warning.message.startswith("The field 'a.b' cannot be filtered on: ")


def test_there_are_no_more_columns_than_allowed_and_the_others_are_told() -> None:
    fields = {f"c{number:03}": 1 for number in range(MOST_COLUMNS + 7)}
    columns = infer_columns([fields])
    assert list(columns) == sorted(fields)[:MOST_COLUMNS]
    told = [warning.message for warning in column_warnings({"a.txt": fields}, columns)]
    assert len(told) == 7
    assert any("'c104' cannot be filtered on: at most 100" in message for message in told)


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        (["7", "12", "about 30"], "about 30"),
        (["3/4/2025", "5/6/2025"], "3/4/2025"),
        (["2025-01-01", "3/4/2025"], "3/4/2025"),
        (["1,500", "900", "12,000"], "1,500"),
        (["7", "9 m"], "9 m"),
        ([2025, "2025-01-01", "2025-02-01"], "2025"),
        (["A", "B", "7"], "7"),
        (["yes", True, "n/a"], "n/a"),
        ([True, 1], "true"),
    ],
)
def test_what_keeps_a_column_from_a_type_is_reported(values: list[object], odd: str) -> None:
    [message] = warned(**dict(zip("abc", values, strict=False)))
    assert message == f"Column 'x' has no one type, because of {odd!r}. Filters by an order are refused."


@pytest.mark.parametrize(
    "values",
    [
        ["EU", "US"],
        ["1", 2.5],
        ["0049", "77", "A"],
        ["NO", "DE", "SE"],
        [["a"], "7"],
        [None],
        ["A 4", "B 5%", "1.250,50 €"],
    ],
)
def test_a_column_that_is_what_it_seems_is_not_reported(values: list[object]) -> None:
    assert warned(**dict(zip("abc", values, strict=False))) == []


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), value), max_size=5))
def test_every_value_fits_the_column_that_was_inferred_from_all(documents: list[dict[str, Any]]) -> None:
    fields = [normalise(each) for each in documents]
    columns = infer_columns(fields)
    column_warnings({str(number): each for number, each in enumerate(fields)}, columns)
    for name, column in columns.items():
        kinds = {type(column.stored(each.get(name))) for each in fields}
        assert kinds <= {STORED[column.type], type(None)}
