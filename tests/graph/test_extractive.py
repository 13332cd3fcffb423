from typing import Any, cast

from graph.extractive import NEXT_FROM, POOL, choose
from graph.state import Evidence, Passage

PASSAGES = [cast(Passage, {"title": "Guide", "section": ""}), cast(Passage, {"title": "Seals", "section": ""})]


def unit(text: str, score: float, **changes: Any) -> Evidence:
    return cast(Evidence, {"passage": 0, "text": text, "score": score, **changes})


def chosen(question: str, *evidence: Evidence, most: int = 4) -> list[str]:
    return [each["text"] for each in choose(question, PASSAGES, evidence, most)]


def test_without_evidence_nothing_is_chosen() -> None:
    assert chosen("pump") == []


def test_the_best_sentence_is_chosen_even_when_it_comes_last() -> None:
    assert chosen("pump", unit("Call us.", 0.2), unit("The pump.", 0.9)) == ["The pump."]


def test_a_further_sentence_is_chosen_for_a_term_that_is_missing() -> None:
    assert chosen("pump seal", unit("The pump.", 0.9), unit("Call us.", 0.89), unit("The seal.", 0.8)) == [
        "The pump.",
        "The seal.",
    ]


def test_a_sentence_that_adds_no_term_of_the_question_is_left_out() -> None:
    assert chosen("pump", unit("The pump.", 0.9), unit("The seal.", 0.9)) == ["The pump."]


def test_the_sentence_that_adds_most_terms_comes_first() -> None:
    evidence = [unit("The pump.", 0.9), unit("The seal.", 0.89), unit("The seal and the hose.", 0.8)]
    assert chosen("pump seal hose", *evidence) == ["The pump.", "The seal and the hose."]


def test_a_sentence_that_says_the_same_again_is_left_out() -> None:
    evidence = [unit("Oil the new pump.", 0.9), unit("Oil the new pump seal.", 0.9)]
    assert chosen("pump seal", *evidence) == ["Oil the new pump."]


def test_a_sentence_far_below_the_best_is_left_out() -> None:
    assert chosen("pump seal", unit("The pump.", 1.0), unit("The seal.", NEXT_FROM)) == ["The pump.", "The seal."]
    assert chosen("pump seal", unit("The pump.", 1.0), unit("The seal.", NEXT_FROM - 0.01)) == ["The pump."]


def test_no_more_sentences_are_chosen_than_asked_for() -> None:
    evidence = [unit("The pump.", 0.9), unit("The seal.", 0.8), unit("The hose.", 0.7)]
    assert chosen("pump seal hose", *evidence) == ["The pump.", "The seal.", "The hose."]
    assert chosen("pump seal hose", *evidence, most=2) == ["The pump.", "The seal."]


def test_sentences_beyond_the_pool_are_not_considered() -> None:
    fillers = [unit(f"Filler{number}.", 0.9) for number in range(POOL - 1)]
    assert chosen("pump seal", unit("The pump.", 1.0), *fillers, unit("The seal.", 0.8)) == ["The pump."]


def test_a_term_in_the_title_counts_as_held() -> None:
    evidence = [unit("The pump.", 0.9), unit("Oil them.", 0.8, passage=1)]
    assert chosen("pump seals", *evidence) == ["The pump.", "Oil them."]
