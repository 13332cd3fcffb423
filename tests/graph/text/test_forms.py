import pytest

from graph.text.forms import is_date, is_number, is_quantity, is_year, tokens


def test_the_words_of_a_text_know_their_place_their_stem_and_what_stands_before_them() -> None:
    first, second, third = tokens("The pumps, checked")
    assert [(t.start, t.end, t.text, t.low, t.stem, t.gap) for t in (first, second, third)] == [
        (0, 3, "The", "the", "", ""),
        (4, 9, "pumps", "pumps", "pump", " "),
        (11, 18, "checked", "checked", "check", ", "),
    ]


def test_marks_of_money_and_degree_are_words_and_numbers_stay_whole() -> None:
    assert [t.text for t in tokens("€1,500.50 or 4-6 % at 32°")] == ["€", "1,500.50", "or", "4-6", "%", "at", "32", "°"]


@pytest.mark.parametrize("word", ["12", "12th", "seven", "million"])
def test_a_number_is_told_in_digits_or_spelled(word: str) -> None:
    assert is_number(word)
    assert not is_number("pump")


@pytest.mark.parametrize("word", ["1066", "1998", "2024", "1990s", "1914-18"])
def test_a_year_looks_like_one(word: str) -> None:
    assert is_year(word)
    assert is_date(word)
    assert not is_quantity(word)


@pytest.mark.parametrize("word", ["145", "3.5", "21000"])
def test_a_number_that_is_no_year_is_a_quantity(word: str) -> None:
    assert is_quantity(word)
    assert not is_year(word)
    assert not is_date(word)


def test_a_month_is_a_date_only_with_a_capital() -> None:
    assert is_date("May")
    assert not is_date("may")
    assert is_date("18:30")
    assert is_date("Monday")
