"""The markers of weak models, and text that only looks like markers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.markers import normalise_markers


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Five years. [1]", "Five years. [1]"),
        ("Five years [1, 2].", "Five years [1][2]."),
        ("Five years [1,2;3].", "Five years [1][2][3]."),
        ("Five years [1] [2].", "Five years [1] [2]."),
        ("Five years [1-3].", "Five years [1][2][3]."),
        ("Five years [1–2, 4].", "Five years [1][2][4]."),
        ("Five years [1 and 2].", "Five years [1][2]."),
        ("Five years[1, 2].", "Five years[1][2]."),
        ("Five years [Passage 1].", "Five years [1]."),
        ("Five years [passages 1, 2 and 3].", "Five years [1][2][3]."),
        ("Five years [Passage 1, Passage 3].", "Five years [1][3]."),
        ("Five years [source 1].", "Five years [1]."),
        ("Five years [Source: 2].", "Five years [2]."),
        ("Five years [Source 2: Quota, Projects].", "Five years [2]."),
        ("Five years [Passage 1, Quota].", "Five years [1]."),
        ("Five years [doc 4].", "Five years [4]."),
        ("Five years [#2].", "Five years [2]."),
        ("Five years (Passage 1).", "Five years [1]."),
        ("Five years (see source 2) and more.", "Five years [2] and more."),
        ("Five years【1】.", "Five years[1]."),
        ("Five years 【2†source】.", "Five years [2]."),
        ("Five years 【1†L3-L9】.", "Five years [1]."),
        ("Five years [^1].", "Five years [1]."),
        ("Five years [^1][^2].", "Five years [1][2]."),
        ("Five years^1.", "Five years[1]."),
        ("Five years.^2 More follows.", "Five years.[2] More follows."),
        ("Five years^{1}.", "Five years[1]."),
        ("Five years (1).", "Five years [1]."),
        ("Five years (1, 2).", "Five years [1][2]."),
        ("Five years (1)(2).", "Five years [1][2]."),
        ("Five years. (1)", "Five years. [1]"),
        ("Five years. (1)\nSix months. (2)\n", "Five years. [1]\nSix months. [2]\n"),
        ("Five years. (1) Six months. (2)", "Five years. [1] Six months. [2]"),
        ("- (1) Open it.\n- (2) Close it. (3)", "- (1) Open it.\n- (2) Close it. [3]"),
        ("Five years (2), but six months (3).", "Five years [2], but six months [3]."),
    ],
)
def test_each_way_of_writing_a_marker_is_read(written: str, read: str) -> None:
    assert normalise_markers(written, 5) == read


@pytest.mark.parametrize(
    "text",
    [
        "(1) The first case. (2) the second case.",
        "There are two cases: (1) the first; (2) the second.",
        "Do this. (1) Open it. (2) Close it.",
        "It was signed (2024).",
        "See Article 5 (3).",
        "It follows rule (2).",
        "Within five (5).",
        "It is f(1).",
        "Use array[1] here.",
        "The matrix[1, 2] = 0 is set.",
        "The area is 5 m^2.",
        "It has 10^3 parts and x^2.",
        "Heat it to [10, 20] degrees.",
        "Values in [0.0, 1.0] are shares.",
        "Rows [1-400] are kept.",
        "Of [5-2] nothing is known.",
        "The year [2024] is over.",
        "A fee (9).",
        "It has 3 (three) parts.",
        "A [link](https://example.org/1) stays.",
    ],
)
def test_what_may_be_text_is_left(text: str) -> None:
    assert normalise_markers(text, 5) == text


def test_a_marker_that_no_passage_has_is_left_to_the_check() -> None:
    assert normalise_markers("Five [7]. Six [Passage 8]. Seven (9).", 5) == "Five [7]. Six [8]. Seven (9)."


def test_without_passages_only_what_says_passage_is_a_marker() -> None:
    assert normalise_markers("Five (1). Six^1. Seven [1, 2]. [Source 1]", 0) == "Five (1). Six^1. Seven [1, 2]. [1]"


PIECES = st.sampled_from(["[1]", "(2)", "[1, 2]", "^3", "【1】", "[^2]", "(2024)", "The fee", " is 5 EUR", ". ", "\n"])


@pytest.mark.parametrize(
    "odd",
    [
        "[" + "1, " * 5000,
        "x (" + "1 and " * 5000,
        "[passage " * 5000,
        "a ( " + " " * 50_000,
        "\n" * 50_000 + "Yes. (1)",
        "a " + "(1) " * 5000,
        "[" + ("1" + " " * 500 + ",") * 60,
        "【1†" * 5000,
    ],
)
def test_no_draft_however_odd_takes_more_than_a_moment(odd: str) -> None:
    # Without bounds on what repeats, the first of these would take longer than the universe is old.
    assert isinstance(normalise_markers(odd, 5), str)


@settings(deadline=None)
@given(st.lists(PIECES).map("".join), st.integers(0, 4))
def test_reading_twice_changes_nothing_more(text: str, count: int) -> None:
    once = normalise_markers(text, count)
    assert normalise_markers(once, count) == once


@settings(deadline=None)
@given(st.text())
def test_words_are_never_lost(text: str) -> None:
    words = re.findall(r"[^\W\d_]+", normalise_markers(text, 3))
    told = {"passage", "passages", "source", "sources", "doc", "docs", "document", "documents", "and", "see", "ref"}
    assert [word for word in re.findall(r"[^\W\d_]+", text) if word.lower() not in told] == [
        word for word in words if word.lower() not in told
    ]
