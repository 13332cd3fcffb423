from datetime import date

import pytest

from graph.text.metadata_values import COMMA, DAY_FIRST, MONTH_FIRST, POINT, boolean, dates, numbers, resolve

DAY = date(2025, 2, 15)


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-15",
        " 2025-2-15",
        "2025/02/15",
        "2025-02-15T10:00:00Z",
        "2025-02-15 23:30:00.5+02:00",
        "15.02.2025",
        "15. 2. 2025",
        "15/02/2025",
        "02/15/2025",
        "2/15/2025 9:30 PM",
        "15-02-2025",
        "15 February 2025",
        "15th of Feb. 2025",
        "Feb 15, 2025",
        "February 15th 2025",
        "15-Feb-2025",
        "15. Februar 2025",
        "15 février 2025",
        "15 de febrero de 2025",
        "15 febbraio 2025",
        "15. feb. 2025",
        "2025年2月15日",
        "2025년 2월 15일",
    ],
)
def test_a_date_is_read_in_its_usual_forms(text: str) -> None:
    assert resolve(dates(text)) == DAY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2025",
        "2025-02",
        "February 2025",
        "20250215",
        "45703",
        "2025-W07-6",
        "15.02.25",
        "2/15/25",
        "2025-02-30",
        "31 February 2025",
        "02.15.2025",
        "15/15/2025",
        "2025-02/15",
        "15 Foo 2025",
        "since 2025-02-15",
        "2025-02-15 to 2025-02-16",
        "0000-01-01",
    ],
)
def test_what_is_no_full_date_is_none(text: str) -> None:
    assert dates(text) == {}


def test_an_open_date_has_both_readings_and_is_settled_by_one_convention_alone() -> None:
    readings = {DAY_FIRST: date(2025, 4, 3), MONTH_FIRST: date(2025, 3, 4)}
    assert dates("3/4/2025") == readings
    assert resolve(readings) is None
    assert resolve(readings, {DAY_FIRST}) == date(2025, 4, 3)
    assert resolve(readings, {DAY_FIRST, MONTH_FIRST}) is None


@pytest.mark.parametrize(
    ("text", "convention"), [("15/02/2025", DAY_FIRST), ("2-15-2025", MONTH_FIRST), ("1.5", POINT), ("12,50", COMMA)]
)
def test_a_text_with_one_reading_tells_its_convention(text: str, convention: str) -> None:
    assert list(dates(text) or numbers(text)) == [convention]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("1500", 1500),
        ("-20", -20),
        ("\u221220", -20),
        ("1,500.75", 1500.75),
        ("1.500,75", 1500.75),
        ("1 500", 1500),
        ("1\u202f500,5", 1500.5),
        ("1'500.50", 1500.5),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("0.500", 0.5),
        ("0,5", 0.5),
        ("1234.567", 1234.567),
    ],
)
def test_a_number_is_read_in_its_usual_forms(text: str, number: float) -> None:
    assert resolve(numbers(text)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "007",
        "0049",
        "7 m",
        "7 %",
        "€5",
        "EUR 1,500",
        "+4930123",
        "1e6",
        "1.2.3",
        "1,5,3",
        "1 5",
        "1-2",
        "about 30",
        "1" * 19,
        "1,500,00",
        "1 500.000.000",
        "5.",
        "9" * 50 + ".5",
    ],
)
def test_codes_units_and_lists_are_no_numbers(text: str) -> None:
    assert numbers(text) == {}


def test_a_group_of_three_digits_is_open() -> None:
    assert numbers("1,500") == {POINT: 1500, COMMA: 1.5}
    assert numbers("1.500") == {POINT: 1.5, COMMA: 1500}
    assert resolve(numbers("1,500")) is None


@pytest.mark.parametrize(
    ("text", "means"), [("Yes", True), ("ja", True), ("NON", False), ("false", False), ("y", None)]
)
def test_words_for_yes_and_no_are_booleans(text: str, means: bool | None) -> None:
    assert boolean(text) is means
