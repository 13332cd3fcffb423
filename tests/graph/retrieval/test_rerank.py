from typing import Any, cast

import pytest

from graph.release import Reranking
from graph.retrieval.rerank import keep_best, reorder
from graph.state import Passage

RULE = "The storage battery is covered for ten full years from the day on which it was first installed at the site"


def passage(text: str, **changes: Any) -> Passage:
    return cast(Passage, {"id": text[:8], "document": "a.md", "text": text, "score": 1.0, **changes})


def kept(*texts: str, **sizes: Any) -> list[str]:
    return [each["text"] for each in keep_best([passage(text) for text in texts], Reranking(**sizes))]


def test_candidates_that_say_different_things_are_kept_in_order() -> None:
    assert kept("Check the seal.", "Clean the filter.", "Call us.") == [
        "Check the seal.",
        "Clean the filter.",
        "Call us.",
    ]


def test_nothing_found_is_nothing_kept() -> None:
    assert kept() == []


def test_no_more_passages_are_kept_than_the_release_says() -> None:
    assert kept("Check the seal.", "Clean the filter.", "Call us.", passages=2) == [
        "Check the seal.",
        "Clean the filter.",
    ]


def test_an_exact_copy_is_left_out() -> None:
    assert kept(RULE, RULE, "Call us.") == [RULE, "Call us."]


def test_case_and_punctuation_do_not_make_another_text() -> None:
    assert kept("Check the seal, now!", "check the SEAL now") == ["Check the seal, now!"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("before 2023", "before 2025"),
        ("at 1.5", "at 1,5"),
        ("at -5 degrees", "at 5 degrees"),
        ("by Anna Berg", "by Hanna Berg"),
        ("for all", "not for all"),
        ("at 5 %", "at 5 €"),
        ("for staff and guests", "for guests and staff"),
    ],
)
def test_two_passages_that_differ_in_one_word_or_number_are_not_copies(one: str, other: str) -> None:
    assert kept(f"{RULE} {one}", f"{RULE} {other}") == [f"{RULE} {one}", f"{RULE} {other}"]


def test_one_word_passages_are_copies_only_of_themselves() -> None:
    assert kept("Yes", "No", "yes") == ["Yes", "No"]


def test_passages_without_words_do_not_break_the_comparison() -> None:
    assert kept("...", "Call us.") == ["...", "Call us."]


def test_a_passage_beyond_the_budget_is_skipped_for_a_smaller_one() -> None:
    first, large, small = "alpha " * 40, "beta " * 20, "Call us."
    assert kept(first, large, small, token_budget=64) == [first, small]


def test_the_best_passage_is_kept_even_when_it_alone_is_beyond_the_budget() -> None:
    assert kept("alpha " * 500, "Call us.", token_budget=64) == ["alpha " * 500]


def test_tokens_are_estimated_from_words() -> None:
    first = "alpha " * 40
    assert kept(first, "one two, three-four five", token_budget=64) == [first, "one two, three-four five"]
    assert kept(first, "one two, three-four five six", token_budget=64) == [first]


def test_candidates_are_ordered_by_score_and_carry_it_as_a_share_of_the_way_from_worst_to_best() -> None:
    ranked = reorder([passage("a"), passage("b"), passage("c")], [-4.0, 6.0, 1.0])
    assert [(each["text"], each["score"]) for each in ranked] == [("b", 1.0), ("c", 0.5), ("a", 0.0)]


def test_candidates_of_one_score_stay_in_their_order() -> None:
    assert [each["text"] for each in reorder([passage(text) for text in "bca"], [2.0, 2.0, 2.0])] == ["b", "c", "a"]


def test_ordering_changes_no_candidate_that_it_was_given() -> None:
    given = [passage("a"), passage("b")]
    reorder(given, [0.0, 5.0])
    assert [each["score"] for each in given] == [1.0, 1.0]
