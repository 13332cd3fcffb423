import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import FilterInvalid
from graph.filters import DEPTH, WIDTH, Columns, access_condition, compile_filter, is_column_name, parse_option

COLUMNS: Columns = {
    "region": "string",
    "year": "integer",
    "share": "number",
    "draft": "boolean",
    "effective_date": "date",
    "tags": "strings",
    "size": "mixed",
}


def refused(filters: Any) -> str:
    with pytest.raises(FilterInvalid) as caught:
        compile_filter(filters, COLUMNS)
    return str(caught.value)


def nested(times: int) -> dict[str, Any]:
    innermost: dict[str, Any] = {"region": "EU"}
    for _ in range(times):
        innermost = {"not": innermost}
    return innermost


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_filter_is_no_condition(nothing: Any) -> None:
    assert compile_filter(nothing, COLUMNS) is None


@pytest.mark.parametrize(
    ("filters", "sql"),
    [
        ({"region": "EU"}, "m_region = 'EU'"),
        ({"year": 2024}, "m_year = 2024"),
        ({"share": 0.5}, "m_share = 0.5"),
        ({"share": 1}, "m_share = 1"),
        ({"draft": True}, "m_draft = true"),
        ({"draft": False}, "m_draft = false"),
        ({"effective_date": "2025-01-31"}, "m_effective_date = date '2025-01-31'"),
        ({"tags": "pump"}, "array_has(m_tags, 'pump')"),
    ],
)
def test_a_plain_value_means_equal_in_the_columns_own_type(filters: dict[str, Any], sql: str) -> None:
    assert compile_filter(filters, COLUMNS) == sql


@pytest.mark.parametrize(
    ("filters", "sql"),
    [
        ({"region": ["EU", "US"]}, "m_region IN ('EU', 'US')"),
        ({"region": {"in": ["EU"]}}, "m_region IN ('EU')"),
        ({"region": {"eq": ["EU", "US"]}}, "m_region IN ('EU', 'US')"),
        ({"tags": ["pump", "valve"]}, "array_has_any(m_tags, ['pump', 'valve'])"),
        ({"region": []}, "false"),
    ],
)
def test_a_list_means_one_of_and_an_empty_list_matches_nothing(filters: dict[str, Any], sql: str) -> None:
    assert compile_filter(filters, COLUMNS) == sql


@pytest.mark.parametrize(("operator", "sign"), [("gt", ">"), ("gte", ">="), ("lt", "<"), ("lte", "<=")])
def test_a_comparison_is_compiled_to_its_sign(operator: str, sign: str) -> None:
    assert compile_filter({"year": {operator: 2024}}, COLUMNS) == f"m_year {sign} 2024"


def test_several_operators_on_one_column_must_all_hold() -> None:
    spring = {"effective_date": {"gte": "2025-01-01", "lt": "2025-07-01"}}
    wanted = "m_effective_date >= date '2025-01-01' AND m_effective_date < date '2025-07-01'"
    assert compile_filter(spring, COLUMNS) == wanted


def test_several_columns_in_one_object_must_all_hold() -> None:
    assert compile_filter({"region": "EU", "year": 2024}, COLUMNS) == "m_region = 'EU' AND m_year = 2024"


def test_ne_holds_for_a_missing_value_too() -> None:
    assert compile_filter({"region": {"ne": "EU"}}, COLUMNS) == "((m_region = 'EU') IS NOT TRUE)"
    assert compile_filter({"tags": {"ne": "pump"}}, COLUMNS) == "((array_has(m_tags, 'pump')) IS NOT TRUE)"


def test_not_holds_for_a_missing_value_too() -> None:
    wanted = "((m_region = 'EU' AND m_year > 2020) IS NOT TRUE)"
    assert compile_filter({"not": {"region": "EU", "year": {"gt": 2020}}}, COLUMNS) == wanted


def test_null_asks_for_a_missing_value_and_ne_null_for_any_value() -> None:
    assert compile_filter({"region": None}, COLUMNS) == "m_region IS NULL"
    assert compile_filter({"region": {"ne": None}}, COLUMNS) == "m_region IS NOT NULL"


def test_or_keeps_each_part_in_brackets() -> None:
    either = {"or": [{"region": "EU", "year": 2024}, {"draft": True}]}
    assert compile_filter(either, COLUMNS) == "((m_region = 'EU' AND m_year = 2024) OR (m_draft = true))"


def test_and_joins_its_parts() -> None:
    both = {"and": [{"or": [{"region": "EU"}, {"year": 2024}]}, {"draft": True}]}
    assert compile_filter(both, COLUMNS) == "((m_region = 'EU') OR (m_year = 2024)) AND m_draft = true"


@pytest.mark.parametrize("name", ["document", "file", "title"])
def test_the_built_in_columns_need_no_metadata_and_no_prefix(name: str) -> None:
    assert compile_filter({name: "guide.md"}, {}) == f"{name} = 'guide.md'"


def test_a_metadata_column_named_like_a_built_in_one_does_not_change_its_type() -> None:
    assert compile_filter({"title": "Guide"}, {"title": "integer"}) == "title = 'Guide'"


def test_a_quote_in_a_value_stays_inside_the_value() -> None:
    assert compile_filter({"region": "' OR true --"}, COLUMNS) == "m_region = ''' OR true --'"


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_one_sql_literal_that_reads_back_as_the_text(value: str) -> None:
    sql = compile_filter({"region": value}, COLUMNS) or ""
    literal = re.fullmatch(r"m_region = '((?:[^']|'')*)'", sql)
    assert literal is not None
    assert literal.group(1).replace("''", "'") == value


def test_an_unknown_column_is_refused_with_the_columns_that_there_are() -> None:
    message = refused({"color": "red"})
    assert "no column 'color'" in message
    assert "document, draft, effective_date, file, region, share, size, tags, title, year" in message


def test_an_unknown_column_deep_inside_is_refused_too() -> None:
    assert "no column 'color'" in refused({"or": [{"region": "EU"}, {"not": {"color": "red"}}]})


def test_sql_in_a_column_name_is_an_unknown_column() -> None:
    assert "no column" in refused({"region = 'EU' OR m_region": "US"})


def test_an_unknown_operator_is_refused_with_those_that_there_are() -> None:
    assert "'like' is not an operator for 'region'; use one of eq, ne, in, gt, gte, lt, lte" in refused(
        {"region": {"like": "E%"}}
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"region": 5},
        {"region": True},
        {"year": "2024 or so"},
        {"year": "2024.5"},
        {"year": True},
        {"year": 2024.5},
        {"share": "half"},
        {"share": False},
        {"share": float("nan")},
        {"share": float("inf")},
        {"share": float("-inf")},
        {"draft": 1},
        {"draft": "maybe"},
        {"tags": 5},
        {"effective_date": "31.01.25"},
        {"effective_date": "2025-01"},
        {"effective_date": "2025-01-31T10:00:00Z"},
        {"effective_date": "2025-02-30"},
        {"effective_date": 2025},
        {"region": ["EU", 5]},
        {"region": ["EU", None]},
        {"year": {"gt": None}},
        {"region": {"ne": ["EU"]}},
    ],
)
def test_a_value_of_another_type_than_its_column_is_refused(filters: dict[str, Any]) -> None:
    assert f"olumn {next(iter(filters))!r} holds" in refused(filters)


@pytest.mark.parametrize(
    ("filters", "sql"),
    [
        ({"effective_date": "31.01.2025"}, "m_effective_date = date '2025-01-31'"),
        ({"effective_date": {"gte": "31/01/2025"}}, "m_effective_date >= date '2025-01-31'"),
        ({"effective_date": {"lt": "Jan 31, 2025"}}, "m_effective_date < date '2025-01-31'"),
        ({"year": "2024"}, "m_year = 2024"),
        ({"year": {"gte": 2024.0}}, "m_year >= 2024"),
        ({"share": {"gt": "1.500,5"}}, "m_share > 1500.5"),
        ({"draft": "yes"}, "m_draft = true"),
        ({"draft": ["no", True]}, "m_draft IN (false, true)"),
        ({"size": ["7 m", "7.0", 8, "15.02.2025", True]}, "m_size IN ('7 m', '7', '8', '2025-02-15', 'true')"),
    ],
)
def test_a_text_is_read_as_the_values_of_its_column_were(filters: dict[str, Any], sql: str) -> None:
    assert compile_filter(filters, COLUMNS) == sql


@pytest.mark.parametrize(
    ("filters", "both"),
    [
        ({"effective_date": {"gte": "3/4/2025"}}, "'3/4/2025' can be 2025-03-04 or 2025-04-03"),
        ({"share": "1.500"}, "'1.500' can be 1.5 or 1500"),
        ({"size": "1.500"}, "'1.500' can be 1.5 or 1500"),
    ],
)
def test_a_text_that_can_be_two_values_is_refused_with_both(filters: dict[str, Any], both: str) -> None:
    assert f"{both}; write the one that is meant" in refused(filters)


@pytest.mark.parametrize("column", ["tags", "draft", "region", "title", "size"])
def test_a_column_without_order_cannot_be_compared(column: str) -> None:
    value = True if column == "draft" else "pump"
    assert f"{column!r} is a column of type" in refused({column: {"gt": value}})


@pytest.mark.parametrize("name", ["Effective Date", "doc-type"])
def test_a_name_of_several_words_is_quoted(name: str) -> None:
    assert is_column_name(name)
    assert compile_filter({name: "x"}, {name: "string"}) == f"`m_{name}` = 'x'"


@pytest.mark.parametrize("name", ["", "a.b", "a`b", "a  b", " a", "x;--", "a'", "and", "or", "not"])
def test_what_sql_or_the_filter_language_would_take_otherwise_is_no_name(name: str) -> None:
    assert not is_column_name(name)


@pytest.mark.parametrize("filters", ["region", ["region"], 5, True, "", []])
def test_a_filter_that_is_no_object_is_refused(filters: Any) -> None:
    assert "A filter is an object" in refused(filters)


@pytest.mark.parametrize("part", [{"not": {}}, {"not": "EU"}, {"and": [{}]}, {"or": ["EU"]}])
def test_an_empty_or_shapeless_part_is_refused(part: dict[str, Any]) -> None:
    assert "A filter is an object" in refused(part)


@pytest.mark.parametrize("value", [{}, [], "EU", None, [{"region": "EU"}] * (WIDTH + 1)])
def test_and_takes_a_list_of_at_least_one_and_not_too_many_filters(value: Any) -> None:
    assert f'"and" takes a list of 1 to {WIDTH} filters' in refused({"and": value})


def test_a_condition_without_an_operator_is_refused() -> None:
    assert "The filter on 'region' is empty" in refused({"region": {}})


@pytest.mark.parametrize("values", ["EU", None, {"EU": 1}, ["EU"] * (WIDTH + 1)])
def test_in_takes_a_list_that_is_not_too_long(values: Any) -> None:
    assert f"'in' on 'region' takes a list of at most {WIDTH} values" in refused({"region": {"in": values}})


def test_a_list_of_just_the_most_values_is_taken() -> None:
    assert compile_filter({"year": [1] * WIDTH}, COLUMNS) == f"m_year IN ({', '.join(['1'] * WIDTH)})"


def test_a_filter_may_be_nested_as_deep_as_allowed_and_no_deeper() -> None:
    assert (compile_filter(nested(DEPTH), COLUMNS) or "").count("IS NOT TRUE") == DEPTH
    assert f"nested {DEPTH} deep" in refused(nested(DEPTH + 1))


def test_a_nul_character_in_a_value_is_refused() -> None:
    assert "NUL" in refused({"region": "E\0U"})


def test_a_message_shows_no_more_than_the_start_of_a_long_value() -> None:
    message = refused({"year": "9" * 5000})
    assert "'999" in message
    assert len(message) < 200


def test_a_caller_without_groups_sees_what_is_public() -> None:
    assert access_condition([]) == "public"


def test_a_callers_groups_open_their_own_passages_too() -> None:
    assert access_condition(["hr", "it"]) == "(public OR array_has_any(allowed_groups, ['hr', 'it']))"


def test_a_quote_in_a_group_stays_inside_the_group() -> None:
    assert access_condition(["x']) OR (true"]) == "(public OR array_has_any(allowed_groups, ['x'']) OR (true']))"


def test_a_nul_character_in_a_group_is_refused() -> None:
    with pytest.raises(FilterInvalid, match="NUL"):
        access_condition(["h\0r"])


@pytest.mark.parametrize(
    ("option", "filters"),
    [
        ("region=EU", {"region": {"eq": "EU"}}),
        ("region=EU,US", {"region": {"eq": ["EU", "US"]}}),
        ("region!=EU", {"region": {"ne": "EU"}}),
        ("region!=EU,US", {"region": {"ne": "EU,US"}}),
        ("year=2024", {"year": {"eq": 2024}}),
        ("year=2023,2024", {"year": {"eq": [2023, 2024]}}),
        ("year>=2024", {"year": {"gte": 2024}}),
        ("year<=2024", {"year": {"lte": 2024}}),
        ("year>2024", {"year": {"gt": 2024}}),
        ("year<2024", {"year": {"lt": 2024}}),
        ("share=0.5", {"share": {"eq": 0.5}}),
        ("draft=true", {"draft": {"eq": True}}),
        ("effective_date>=2025-01-31", {"effective_date": {"gte": "2025-01-31"}}),
        ("effective_date=Jan 31, 2025", {"effective_date": {"eq": "Jan 31, 2025"}}),
        ("effective_date=2025-01-31,2025-02-28", {"effective_date": {"eq": ["2025-01-31", "2025-02-28"]}}),
        ("year=1, 500", {"year": {"eq": [1, 500]}}),
        ("year=1,2", {"year": {"eq": [1, 2]}}),
        ("share>=1,5", {"share": {"gte": 1.5}}),
        ("share>=1500,50", {"share": {"gte": 1500.5}}),
        ("draft=ja", {"draft": {"eq": True}}),
        ("draft=null", {"draft": {"eq": None}}),
        ("tags=7", {"tags": {"eq": "7"}}),
        ("unknown=7", {"unknown": {"eq": "7"}}),
    ],
)
def test_a_filter_typed_on_a_command_line_gets_its_columns_type(option: str, filters: dict[str, Any]) -> None:
    assert parse_option(option, COLUMNS) == filters


@pytest.mark.parametrize(
    "filters",
    [
        {"and": [{"or": [{"region": "EU"}] * 900}] * 3},
        {"and": [{"region": ["EU"] * 900}] * 3},
        {"not": {"and": [{"region": "EU", "year": {"gt": 1, "lt": 9}}] * 900}},
        {"region": ["E" * 10_001] * 10},
    ],
    ids=["clauses", "values", "columns", "characters"],
)
def test_a_filter_is_bounded_as_a_whole(filters: dict[str, Any]) -> None:
    with pytest.raises(FilterInvalid, match="2000 values with 100000 characters in all"):
        compile_filter(filters, COLUMNS)


@pytest.mark.parametrize("option", ["", "region", "=EU", ">5"])
def test_what_does_not_look_like_a_filter_is_refused(option: str) -> None:
    with pytest.raises(FilterInvalid, match=re.escape(f"{option!r} does not")):
        parse_option(option, COLUMNS)


@pytest.mark.parametrize("option", ["year=1,500", "share=1,500", "share=1,5", "size=1,500"])
def test_a_comma_that_can_be_in_a_number_or_a_list_is_refused(option: str) -> None:
    with pytest.raises(FilterInvalid, match="can be a list or one number"):
        parse_option(option, COLUMNS)


def test_a_typed_value_that_its_column_cannot_hold_is_refused() -> None:
    with pytest.raises(FilterInvalid, match="'new' is not a value for a column of type integer"):
        parse_option("year=new", COLUMNS)


@pytest.mark.parametrize("value", [2**70, -(2**63), "\ud800"])
def test_values_that_no_column_can_hold_are_refused(value: object) -> None:
    with pytest.raises(FilterInvalid):
        compile_filter({"year" if isinstance(value, int) else "region": value}, {"year": "integer", "region": "string"})


@pytest.mark.parametrize(
    ("option", "wanted"),
    [("title=x!=y", {"title": {"eq": "x!=y"}}), ("title=A >= B", {"title": {"eq": "A >= B"}})],
)
def test_the_first_sign_of_an_option_counts(option: str, wanted: object) -> None:
    assert parse_option(option, {}) == wanted
