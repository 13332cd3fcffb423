"""Raised and lowered text keeps apart from the number it stands on, and a power still reads as one."""

import pytest

from graph.ingest.formats.raised import lowered, on_the_line, raised


@pytest.mark.parametrize(
    ("before", "mark", "after", "line"),
    [
        ("an area of 30 m", "2", ".", "an area of 30 m^2."),
        ("J/cm ", "2", "", "J/cm ^2"),
        ("2 x 10", "5", " Pa", "2 x 10^5 Pa"),
        ("5 x 10", "-3", " s", "5 x 10^-3 s"),
        ("x", "n+1", "", "x^(n+1)"),
        ("2", "16", " bytes", "2^16 bytes"),
        ("(a + b)", "2", "", "(a + b)^2"),
        ("Ca", "2+", " ions", "Ca^2+ ions"),
        ("rent 1,250", "2", " EUR", "rent 1,250 [^2] EUR"),
        ("deposit €10", "3", "", "deposit €10 [^3]"),
        ("in 1998", "[3]", ".", "in 1998 [^3]."),
        ("price 250", "a", " net", "price 250 [^a] net"),
        ("seven is 7", "1", "", "seven is 7 [^1]"),
        ("without heating", "2", " and", "without heating [^2] and"),
        ("It ends.", "1,2", " Next", "It ends. [^1,2] Next"),
        ("price 250", "*", " net", "price 250* net"),
        ("the 4", "th", " floor", "the 4th floor"),
        ("au XX", "e", " siècle", "au XXe siècle"),
        ("it is 90", "o", "C", "it is 90°C"),
        ("Widget", "TM", "", "Widget™"),
        ("3", "1", "/", "3 1/"),
        ("m", "2", "x", "m^2 x"),
    ],
)
def test_raised_text_reads_on_the_line(before: str, mark: str, after: str, line: str) -> None:
    assert before + raised(before, mark, after) + after == line


@pytest.mark.parametrize(
    ("before", "mark", "after", "line"),
    [("CO", "2", "", "CO2"), ("log", "2", "8", "log2 8"), ("x", "max", "", "x_max"), ("101", "2", "", "101_2")],
)
def test_lowered_text_reads_on_the_line(before: str, mark: str, after: str, line: str) -> None:
    assert before + lowered(before, mark, after) + after == line


def test_raised_pieces_in_a_row_are_one_mark() -> None:
    assert on_the_line([("10", ""), ("-", "up"), ("6", "up"), (" N", "")]) == ["10", "^-6", "", " N"]
