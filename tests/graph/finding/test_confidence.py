"""How sure it is that the evidence answers a question."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from support import passage_of

from graph.finding.confidence import Confidence, confidence, learned, of_parts, signs
from graph.finding.evidence import gather, score
from graph.learned import Logistic, Mean, logistic
from graph.state import Evidence, Passage
from graph.text.words import alike


def passage(text: str, near: float = 0.6, title: str = "Guide") -> Passage:
    return passage_of(text, title=title, vector=near)


def evidence(question: str, passages: Sequence[Passage], afresh: float = 0.6) -> list[Evidence]:
    found = gather(passages)
    return score(question, passages, found, dict.fromkeys(range(len(found)), afresh), alike)


def seen(question: str, *texts: str) -> dict[str, float]:
    passages = [passage(text) for text in texts]
    return signs(question, passages, evidence(question, passages), alike)


def sure(question: str, *texts: str, near: float = 0.6) -> float:
    passages = [passage(text, near) for text in texts]
    return confidence(question, passages, evidence(question, passages, near), alike)


def test_without_evidence_there_is_no_confidence() -> None:
    assert confidence("pump", [], [], alike) == 0.0


def test_it_is_surer_of_what_says_it_than_of_what_is_merely_near() -> None:
    question = "When was the Corrento pump installed?"
    says = sure(question, "The Corrento pump was installed in 1998.", near=0.8)
    near = sure(question, "The Corrento pump needs oil.", near=0.6)
    far = sure(question, "Call us on weekdays.", near=0.1)
    assert 1 > says > near > far > 0


def test_a_name_and_a_number_that_the_evidence_lacks_count_against_it() -> None:
    text = "The pump of Ada Byron was tested with 12 litres."
    assert seen("Was the pump of Ada Byron tested with 12 litres?", text)["names_lost_near"] == 0
    lost = seen("Was the pump of Ida Byron tested with 14 litres?", text)
    assert (lost["names_lost_near"], lost["names_lost_passage"], lost["numbers_lost_near"]) == (1, 1, 1)


def test_a_name_in_the_rest_of_the_passage_is_lost_only_near_by() -> None:
    text = "Ida Byron wrote it. They met. It rained. The pump was tested."
    lost = seen("Which pump was tested for Ida?", text)
    assert (lost["names_lost_near"], lost["names_lost_passage"]) == (1, 0)


def test_a_denial_that_only_the_question_has_is_told() -> None:
    assert seen("What may not be washed?", "Filters may be washed.")["denies_alone"] == 1
    assert seen("What may not be washed?", "Filters may not be washed.")["denies_alone"] == 0


def test_opposites_are_told() -> None:
    assert seen("When does the price increase?", "The price will decrease in May.")["opposed"] == 1
    assert seen("When does the price increase?", "The price will increase in May.")["opposed"] == 0


def test_what_the_question_wants_and_whether_it_is_there_is_told() -> None:
    held = seen("When was it built?", "It was built in 1998.")
    lacking = seen("When was it built?", "It was built of stone.")
    assert (held["asks_kind"], held["could"], held["could_not"], held["span_unlike"]) == (1, 1, 0, 0)
    assert (lacking["could"], lacking["could_not"], lacking["span_unlike"]) == (0, 1, 1)
    assert seen("Was it built?", "It was built.")["polar"] == 1


def test_terms_are_looked_for_near_by_in_the_passage_and_in_all_passages() -> None:
    found = seen("pump seal hose oil", "The pump seal. Good. It. The hose.", "Oil.")
    assert found["held_here"] == 0.5
    assert (found["held_passage"], found["held_any"]) == (0.75, 1.0)
    assert found["count_lost_here"] == 2


def test_a_best_sentence_that_is_alone_is_far_ahead() -> None:
    alone, paired = seen("pump seal", "The pump seal."), seen("pump seal", "The pump seal.", "A pump seal.")
    assert alone["ahead"] > paired["ahead"]


def test_every_part_is_judged_by_its_own_evidence() -> None:
    passages = [passage("The Corrento pump was installed in 1998."), passage("Call us.", 0.1)]
    units = evidence("When was the Corrento pump installed?", passages)
    own = [Evidence(**{**unit, "part": 1 + unit["passage"]}) for unit in units]
    parts = ["When was the Corrento pump installed?", "Who is paid?", "Where is it?"]
    first, second, third = of_parts(parts, passages, own, alike)
    assert first > second > third == 0.0


def toy(bias: float, **weights: float) -> Logistic:
    return Logistic("toy", bias, weights, dict.fromkeys(weights, -99.0), dict.fromkeys(weights, 99.0))


def test_both_log_odds_count_and_once_more_in_a_conversation() -> None:
    model = Confidence(toy(0.0, a=1.0), Mean([toy(1.0), toy(3.0)]), toy(0.0, near=1.0, holds=0.5, near_turn=2.0))
    alone: Mapping[str, Any] = {"a": -1.0, "turn": 0.0}
    assert model.factors(alone) == {"near": -1.0, "holds": 2.0, "near_turn": 0.0, "holds_turn": 0.0, "turn": 0.0}
    assert model.probability(alone) == 0.5
    assert model.factors({**alone, "turn": 1.0}) == {
        "near": -1.0, "holds": 2.0, "near_turn": -1.0, "holds_turn": 2.0, "turn": 1.0,
    }  # fmt: skip
    assert model.probability({**alone, "turn": 1.0}) == pytest.approx(logistic(-2.0))


def test_what_was_learned_speaks_for_a_higher_confidence_with_both_alone_and_in_a_conversation() -> None:
    both = learned().both
    assert isinstance(both, Logistic)
    assert both.weights["near"] > 0 < both.weights["holds"]
    assert both.weights["near"] + both.weights["near_turn"] > 0 < both.weights["holds"] + both.weights["holds_turn"]


def test_what_a_turn_lacks_tells_less_than_what_a_question_alone_lacks() -> None:
    weights = cast(Logistic, learned().both).weights
    alone = weights["holds"] / weights["near"]
    assert (weights["holds"] + weights["holds_turn"]) / (weights["near"] + weights["near_turn"]) < alone


def test_a_turn_is_told_by_whoever_asks() -> None:
    passages = [passage("The Corrento pump was installed in 1998.")]
    own = evidence("When was it installed?", passages)
    assert signs("When was it installed?", passages, own, alike)["turn"] == 0
    assert signs("When was it installed?", passages, own, alike, turn=True)["turn"] == 1
    first, again = (confidence("When was it installed?", passages, own, alike, turn=turn) for turn in (False, True))
    assert first != again
