from math import exp
from typing import Any, cast

import pytest

from graph.evidence import MOST_UNITS, confidence, contexts, gather, score, shortlist
from graph.state import Evidence, Passage

PLAIN = {"title": "Guide", "section": "", "header": "", "score": 1.0, "similar": [], "metadata": {}}


def passage(text: str, **changes: Any) -> Passage:
    return cast(Passage, {**PLAIN, "text": text, **changes})


def unit(text: str, **changes: Any) -> Evidence:
    plain = {"passage": 0, "start": 0, "end": len(text), "text": text}
    return cast(Evidence, {**plain, "similarity": 0.0, "coverage": 0.0, "score": 0.0, **changes})


def test_every_quotable_unit_is_gathered_in_reading_order() -> None:
    found = gather([passage("Check it. Clean it."), passage("| 2 years |", header="| Interval |")])
    assert found == [
        unit("Check it."),
        unit("Clean it.", start=10, end=19),
        unit("Interval: 2 years", passage=1, end=11),
    ]


def test_no_more_units_are_gathered_than_can_be_compared() -> None:
    found = gather([passage("Clean it.\n\n" * MOST_UNITS), passage("Check it.")])
    assert [each["passage"] for each in found] == [0] * MOST_UNITS


def test_a_unit_is_compared_under_its_title_and_its_innermost_section() -> None:
    passages = [passage("", section="Care > Seals"), passage("")]
    assert contexts(passages, [unit("Oil it."), unit("Call.", passage=1)]) == ["Guide, Seals: Oil it.", "Guide: Call."]


def test_a_units_score_is_weighed_from_similarity_terms_and_its_passage() -> None:
    passages = [passage("", score=0.5)]
    assert score("guide", passages, [unit("Oil it.")], [0.8]) == [
        unit("Oil it.", similarity=0.8, coverage=1.0, score=pytest.approx(0.5 * 0.8 + 0.3 * 1.0 + 0.2 * 0.5))
    ]


def test_the_units_come_best_first() -> None:
    found = [unit("Call us."), unit("Oil the seal."), unit("Clean the filter.")]
    ranked = score("seal", [passage("")], found, [0.1, 0.2, 0.3])
    assert [each["text"] for each in ranked] == ["Oil the seal.", "Clean the filter.", "Call us."]


def test_a_term_in_few_units_weighs_more_than_one_in_all() -> None:
    found = [unit("Pump seal."), unit("Pump hose."), unit("Pump oil.")]
    ranked = score("pump seal", [passage("")], found, [0.0, 0.0, 0.0])
    assert ranked[0]["text"] == "Pump seal."
    assert ranked[0]["coverage"] == 1.0
    assert 0.0 < ranked[1]["coverage"] == ranked[2]["coverage"] < 0.5


def test_nothing_gathered_is_nothing_scored() -> None:
    assert score("pump", [], [], []) == []


def test_each_unit_needs_its_own_similarity() -> None:
    with pytest.raises(ValueError, match="zip"):
        score("pump", [passage("")], [unit("Call us."), unit("Oil it.")], [0.5])


def test_without_evidence_there_is_no_confidence() -> None:
    assert confidence("pump", [], []) == 0.0


def test_confidence_is_a_logistic_of_the_best_similarity_and_the_share_of_terms() -> None:
    found = [unit("The pump.", similarity=0.4), unit("Call us.", similarity=0.6)]
    assert confidence("pump seal", [passage("")], found) == pytest.approx(1 / (1 + exp(-(1.0 - 0.4))))


def test_terms_beyond_the_third_unit_do_not_count_for_confidence() -> None:
    near = [unit("Call us.", similarity=0.5)] * 2
    third, fourth = [*near, unit("The pump.", similarity=0.5)], [*near, near[0], unit("The pump.", similarity=0.5)]
    assert confidence("pump", [passage("")], third) > 0.5 > confidence("pump", [passage("")], fourth)


def test_a_question_of_empty_words_is_judged_by_similarity_alone() -> None:
    assert confidence("what is it", [passage("")], [unit("Call us.", similarity=0.5)]) == pytest.approx(
        1 / (1 + exp(-1.6))
    )


def test_only_the_units_that_the_index_finds_near_are_compared_afresh() -> None:
    passages = [passage("Check it. Clean it. Oil it.", similar=[0.1, 0.9, 0.5]), passage("Call.", similar=[0.7])]
    found = gather(passages)
    assert [unit["text"] for unit in shortlist(passages, found, 2)] == ["Clean it.", "Call."]
    assert shortlist(passages, found, 9) == found


def test_units_whose_nearness_the_index_does_not_tell_are_compared() -> None:
    passages = [passage("Check it. Clean it."), passage("Call. Write.", similar=[0.9, 0.8])]
    assert [unit["passage"] for unit in shortlist(passages, gather(passages), 2)] == [0, 0]


def test_a_rule_that_a_later_version_replaced_comes_after_the_one_in_force() -> None:
    old, new = ({"metadata": {"effective_date": date}, "title": "Guide"} for date in ("2022-01-01", "2024-01-01"))
    passages = [passage("The cap is 5.", **old), passage("The cap is 7.", **new)]
    units = gather(passages)
    assert [unit["passage"] for unit in score("What is the cap?", passages, units, [0.72, 0.7])] == [1, 0]
