from typing import Any, cast

import pytest

from graph.state import Evidence, Passage
from graph.text.words import alike
from graph.writing.extractive import NEXT_FROM, POOL, Quote, Style, answer, choose

PLAIN = {"section": "", "header": "", "text": ""}
PASSAGES = [cast(Passage, {**PLAIN, "title": "Guide"}), cast(Passage, {**PLAIN, "title": "Seals"})]


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


def test_each_part_has_its_best_sentence_before_a_further_one_for_the_whole() -> None:
    evidence = [unit("The pump.", 0.9, part=1), unit("The pump oil.", 0.8, part=1), unit("The seal.", 0.2, part=2)]
    assert chosen("pump seal oil", *evidence, most=2) == ["The pump.", "The seal."]


def said(question: str, text: str, style: Style, score: float = 0.99, **changes: Any) -> list[Quote]:
    passage = cast(Passage, {**PLAIN, "title": "Towers", "text": text})
    start = text.rindex("The tower")
    own = unit(text[start:], score, start=start, end=len(text), **changes)
    return answer(question, [passage], [own], 4, style=style, weigh=alike)


TOWER = "The tower was built in 1889 by Gustave Eiffel."
WHEN = "When was the tower built?"


def test_a_question_for_a_date_is_answered_with_the_date() -> None:
    assert said(WHEN, TOWER, "auto") == said(WHEN, TOWER, "short") == [Quote("1889", 0, short=True)]


def test_a_release_may_want_sentences() -> None:
    assert said(WHEN, TOWER, "sentences") == [Quote(TOWER, 0)]


@pytest.mark.parametrize("question", ["Was the tower built?", "How was the tower built?", "What is the tower?"])
def test_what_needs_a_sentence_is_not_answered_short_unless_the_release_says_so(question: str) -> None:
    assert said(question, TOWER, "auto") == [Quote(TOWER, 0)]
    assert said(question, TOWER, "short")[0].short


def test_an_unsure_span_is_not_given_instead_of_the_sentence() -> None:
    text = "The tower is near Lyon, Nancy, Metz, Brest, Tours, Dijon."
    assert said("Where is the oldest stone kept?", text, "auto", 0.01) == [Quote(text, 0)]


def test_words_that_stand_in_an_earlier_sentence_too_would_be_traced_to_the_wrong_one() -> None:
    text = f"Work in 1889 was hard. {TOWER}"
    assert said(WHEN, text, "auto") == [Quote(TOWER, 0)]
    assert said(WHEN, text, "short")[0].text not in ("1889", TOWER)


def test_an_answer_to_several_questions_is_made_of_sentences() -> None:
    assert said(WHEN, TOWER, "short", part=1) == [Quote(TOWER, 0)]


def test_without_evidence_nothing_is_said() -> None:
    assert answer(WHEN, [], [], 4, style="short", weigh=alike) == []


def test_the_question_that_an_answer_is_read_with_is_not_quoted() -> None:
    told = unit("How many guests come? Two.", 0.9, question="How many guests come?", start=24)
    asked = ("How many guests come?", [cast(Passage, {**PLAIN, "title": "", "text": told["text"]})], [told], 1)
    assert (
        answer(*asked, style="auto", weigh=alike)
        == answer(*asked, style="sentences", weigh=alike)
        == [Quote("Two.", 0)]
    )
    assert answer(*asked, style="short", weigh=alike)[0].text.rstrip(".") == "Two"
