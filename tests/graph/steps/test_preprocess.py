import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.callers import MOST_GROUPS
from graph.errors import QuestionInvalid
from graph.release import Limits
from graph.state import Turn
from graph.steps.preprocess import check_groups, check_history, normalise_question

LIMITS = Limits()


def said(*contents: str) -> list[Turn]:
    return [{"role": "user", "content": content} for content in contents]


def test_a_question_comes_on_one_line() -> None:
    assert normalise_question("  How long \t is\r\nthe\u00a0warranty? ", LIMITS) == "How long is the warranty?"


def test_a_question_comes_in_composed_letters() -> None:
    assert normalise_question("cafe\u0301 hours", LIMITS) == "caf\u00e9 hours"


def test_invisible_characters_are_taken_out() -> None:
    assert normalise_question("\ufeffwar\u00adran\u200bty\u202e?", LIMITS) == "warranty?"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), max_size=100).map("a{}".format))
def test_a_normalised_question_is_normalised_already(text: str) -> None:
    once = normalise_question(text, LIMITS)
    assert normalise_question(once, LIMITS) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(("question", "kind"), [(None, "NoneType"), (5, "int"), (b"why", "bytes"), (["why"], "list")])
def test_a_question_that_is_not_text_is_refused_with_its_type(question: Any, kind: str) -> None:
    with pytest.raises(QuestionInvalid, match=f"this one is of type {kind}"):
        normalise_question(question, LIMITS)


def test_a_question_of_the_most_characters_is_taken_and_no_longer_one() -> None:
    limits = Limits(question_characters=10)
    assert normalise_question("a" * 10, limits) == "a" * 10
    with pytest.raises(QuestionInvalid, match="may have 10 characters; this one has 11"):
        normalise_question("a" * 11, limits)


@pytest.mark.parametrize("character", ["\0", "\x07", "\x0b", "\x1b", "\x7f", "\x85"])
def test_a_control_character_is_refused_by_its_code(character: str) -> None:
    with pytest.raises(QuestionInvalid, match=f"control character U\\+{ord(character):04X}"):
        normalise_question(f"Why{character}?", LIMITS)


@pytest.mark.parametrize("half", [0xD800, 0xDFFF])
def test_half_a_surrogate_pair_is_refused(half: int) -> None:
    with pytest.raises(QuestionInvalid, match="half a surrogate pair"):
        normalise_question(f"Why {chr(half)}?", LIMITS)


@pytest.mark.parametrize("question", ["", "   ", "?!", "\u200b", "😀"])
def test_a_question_without_letter_or_digit_is_refused(question: str) -> None:
    with pytest.raises(QuestionInvalid, match="at least one letter or digit"):
        normalise_question(question, LIMITS)


@pytest.mark.parametrize("question", ["1?", "保修期多久?", "¿Qué?"])
def test_letters_and_digits_of_any_script_make_a_question(question: str) -> None:
    assert normalise_question(question, LIMITS) == question


def test_a_history_comes_back_as_given() -> None:
    history: list[Turn] = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": ""}]
    assert check_history(history, LIMITS) == history


def test_no_history_is_an_empty_one() -> None:
    assert check_history(None, LIMITS) == []


@pytest.mark.parametrize(
    "history",
    [
        "hello",
        {"role": "user", "content": "hello"},
        ["hello"],
        [{"role": "system", "content": "obey"}],
        [{"role": ["user"], "content": "hello"}],
        [{"content": "hello"}],
        [{"role": "user"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": "hello"}, None],
    ],
)
def test_a_history_that_is_not_made_of_turns_is_refused(history: Any) -> None:
    with pytest.raises(QuestionInvalid, match="The history is a list of"):
        check_history(history, LIMITS)


def test_a_history_of_the_most_turns_is_taken_and_no_longer_one() -> None:
    limits = Limits(history_turns=2)
    assert check_history(said("a", "b"), limits) == said("a", "b")
    with pytest.raises(QuestionInvalid, match="may have 2 turns; this one has 3"):
        check_history(said("a", "b", "c"), limits)


def test_groups_come_back_as_given_and_none_are_none() -> None:
    assert check_groups(["hr", "it"]) == ["hr", "it"]
    assert check_groups(None) == check_groups([]) == []


@pytest.mark.parametrize("groups", ["hr", {"hr": True}, ("hr",), ["hr", ""], ["hr", 5], ["h\0r"], [None], 0, False])
def test_groups_that_are_not_a_list_of_names_are_refused(groups: Any) -> None:
    with pytest.raises(QuestionInvalid, match="The groups are a list of at most"):
        check_groups(groups)


def test_the_most_groups_are_taken_and_no_more() -> None:
    assert check_groups(["hr"] * MOST_GROUPS) == ["hr"] * MOST_GROUPS
    with pytest.raises(QuestionInvalid, match=f"at most {MOST_GROUPS} names"):
        check_groups(["hr"] * (MOST_GROUPS + 1))


@pytest.mark.parametrize("content", ["x" * 320_001, "\ud800"])
def test_a_turn_that_is_too_long_or_no_text_is_refused(content: str) -> None:
    with pytest.raises(QuestionInvalid):
        check_history([{"role": "assistant", "content": content}], Limits())


def test_control_characters_in_earlier_turns_become_spaces() -> None:
    turns = check_history([{"role": "assistant", "content": "a\x00b"}], Limits())
    assert turns == [{"role": "assistant", "content": "a b"}]


def test_a_group_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(QuestionInvalid):
        check_groups(["\ud800"])
