from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from support import passage_of

from graph.finding.evidence import (
    COMPARED,
    MOST_UNITS,
    features,
    gather,
    said,
    score,
    share,
    shortlist,
    weighing,
)
from graph.learned import load
from graph.state import Evidence, Passage
from graph.text.words import Weigh, alike


def passage(text: str, **changes: Any) -> Passage:
    return passage_of(text, **{"title": "Guide", **changes})


def unit(text: str, **changes: Any) -> Evidence:
    plain = {"passage": 0, "start": 0, "end": len(text), "text": text}
    return cast(Evidence, {**plain, "similarity": 0.0, "coverage": 0.0, "score": 0.0, **changes})


def ranked(
    question: str, passages: Sequence[Passage], afresh: Mapping[int, float] | None = None, weigh: Weigh = alike
) -> list[str]:
    found = gather(passages)
    return [each["text"] for each in score(question, passages, found, afresh or {}, weigh)]


def test_every_quotable_unit_is_gathered_in_reading_order() -> None:
    found = gather([passage("Check it. Clean it."), passage("| 2 years |", header="| Interval |")])
    assert found == [
        unit("Check it."),
        unit("Clean it.", start=10, end=19),
        unit("Interval: 2 years", passage=1, end=11),
    ]


def test_a_unit_is_as_similar_as_the_index_tells_or_as_its_passage_is() -> None:
    told, untold = passage("Check it. Clean it.", similar=[0.1, 0.9]), passage("Call. Write.", vector=0.4)
    assert [each["similarity"] for each in gather([told, untold])] == [0.1, 0.9, 0.4, 0.4]


def test_a_unit_without_a_letter_is_not_worth_quoting() -> None:
    assert [each["text"] for each in gather([passage("Oil it.\n\n---\n\n12.5")])] == ["Oil it."]


def test_no_more_units_are_gathered_than_can_be_looked_at() -> None:
    found = gather([passage("Clean it.\n\n" * MOST_UNITS), passage("Check it.")])
    assert [each["passage"] for each in found] == [0] * MOST_UNITS


def test_the_units_that_the_index_finds_near_and_that_share_words_are_embedded() -> None:
    texts = [f"Note {number} them." for number in range(16)]
    passages = [passage(" ".join([*texts, "Near.", "Pump."]), similar=[0.3] * len(texts) + [0.6, 0.5])]
    short = shortlist("the pump", passages, gather(passages), alike)
    assert (len(short), short[:2]) == (COMPARED, [len(texts) + 1, len(texts)])


def test_a_share_is_weighed_and_nothing_wanted_is_all_held() -> None:
    weight = {"pump": 3.0, "oil": 1.0}
    assert share(frozenset(weight), frozenset({"pump"}), weight.__getitem__) == 0.75
    assert share(frozenset(), frozenset(), alike) == 1.0


def test_a_unit_is_seen_under_its_title_and_innermost_section_and_with_its_neighbours() -> None:
    passages = [passage("Oil it. Call us.", section="Care > Seals"), passage("Pumps.")]
    words = [row["words"] for row in features("guide seals oil pumps", passages, gather(passages), {}, alike)]
    # Share with the heading and with the neighbours too, and their mean: 3/4 and 3/4, 2/4 and 3/4, 2/4 and 2/4.
    assert words == [0.75, 0.625, 0.5]


def test_meaning_is_of_the_unit_by_itself_and_of_the_unit_in_its_passage() -> None:
    passages = [passage("Oil it. Call us.", similar=[0.5, 0.9])]
    rows = features("seal", passages, gather(passages), {0: 0.7}, alike)
    assert [row["meaning"] for row in rows] == pytest.approx([0.6 * 0.7 + 0.4 * 0.5, 0.6 * 0.7 + 0.4 * 0.9])


def test_a_unit_that_was_not_embedded_is_no_nearer_than_those_that_were() -> None:
    passages = [passage("Oil it. Call us.", similar=[0.5, 0.2])]
    assert [row["similar"] for row in features("seal", passages, gather(passages), {0: 0.7}, alike)] == [0.7, 0.2]


def test_the_score_is_the_learned_probability_and_tells_its_parts() -> None:
    passages = [passage("Oil the seal.", similar=[0.5])]
    (row,) = features("Why the seal?", passages, gather(passages), {0: 0.7}, alike)
    (found,) = score("Why the seal?", passages, gather(passages), {0: 0.7}, alike)
    assert found["score"] == load("sentences").probability(row)
    assert (found["similarity"], found["coverage"]) == (0.7, 1.0)


def test_the_units_come_best_first_by_meaning() -> None:
    passages = [passage("Call us. Oil it. Clean it.")]
    assert ranked("seal", passages, {0: 0.1, 1: 0.6, 2: 0.3}) == ["Oil it.", "Clean it.", "Call us."]


def test_a_telling_term_counts_more_than_a_common_one() -> None:
    passages = [passage("The pump."), passage("The seal.")]
    weight = {"pump": 1.0, "seal": 5.0}
    assert ranked("pump seal", passages, weigh=lambda term: weight.get(term, 1.0))[0] == "The seal."


def test_a_unit_with_something_of_the_wanted_kind_comes_before_one_without() -> None:
    passages = [passage("The seal is changed soon."), passage("The seal is changed in 1998.")]
    assert ranked("When is the seal changed?", passages)[0] == "The seal is changed in 1998."


def test_a_question_in_the_text_is_no_answer() -> None:
    passages = [passage("We ask. How long is the seal covered? The seal is covered for five years.")]
    assert ranked("How long is the seal covered?", passages, {1: 0.9, 2: 0.8})[0].startswith("The seal is")


def test_an_answer_is_found_by_the_question_before_it_and_says_the_answer_alone() -> None:
    passages = [passage("## How many guests come?\n\nTwo.\n\n## Who pays?\n\nThe hotel pays for guests.")]
    best = score("How many guests come?", passages, gather(passages), {0: 0.8, 1: 0.8}, alike)[0]
    assert (said(best), passages[0]["text"][best["start"] : best["end"]]) == ("Two.", "Two.")


def test_a_rule_that_a_later_version_replaced_comes_after_the_one_in_force() -> None:
    old, new = ({"metadata": {"effective_date": date}, "title": "Guide"} for date in ("2022-01-01", "2024-01-01"))
    passages = [passage("The cap is 5.", **old), passage("The cap is 7.", **new)]
    assert ranked("What is the cap?", passages, {0: 0.72, 1: 0.7}) == ["The cap is 7.", "The cap is 5."]


def test_nothing_gathered_is_nothing_scored() -> None:
    assert score("pump", [], [], {}, alike) == []


def test_without_an_index_a_term_of_few_sentences_is_telling() -> None:
    weigh = weighing([passage("The pump runs. The pump stops. Oil the seal.")])
    assert weigh("seal") > weigh("pump") > 0
