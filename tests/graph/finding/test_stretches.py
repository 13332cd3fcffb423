"""The stretches of a sentence that could be an answer, and what speaks for each."""

import numpy as np

from graph.finding.stretches import MOST_WORDS, asked, candidates, stretches
from graph.text.forms import tokens
from graph.text.words import alike


def texts(sentence: str) -> list[str]:
    words = tokens(sentence)
    return [sentence[words[a].start : words[b - 1].end] for a, b in stretches(words)]


def said(question: str, sentence: str) -> dict[str, dict[str, float]]:
    """Every feature of every stretch by its text."""
    places, values = candidates(asked(question), sentence, alike)
    return {
        sentence[start:end]: {name: float(column[n]) for name, column in values.items()}
        for n, (start, end) in enumerate(places)
    }


def test_a_stretch_begins_and_ends_with_a_word_that_says_something() -> None:
    assert texts("the seal of the pump") == ["seal", "seal of the pump", "pump"]


def test_a_stretch_does_not_reach_across_a_hard_mark_or_beyond_so_many_words() -> None:
    assert texts("seals; pumps") == ["seals", "pumps"]
    assert texts("seals, pumps") == ["seals", "seals, pumps", "pumps"]
    long = " ".join(f"pump{n}" for n in range(MOST_WORDS + 1))
    assert max(len(text.split()) for text in texts(long)) == MOST_WORDS


def test_a_sentence_of_empty_words_has_no_stretch() -> None:
    places, values = candidates(asked("Who is it?"), "It is.", alike)
    assert places == []
    assert {len(column) for column in values.values()} == {0}


def test_terms_of_the_question_count_by_their_distance_and_their_side() -> None:
    found = said("What did Ada write?", "Ada did write letters to distant uncles.")
    assert found["letters"]["before"] > found["uncles"]["before"] > 0
    assert found["letters"]["after"] == 0 == found["letters"]["asked"]
    assert found["Ada"]["asked"] == 1
    assert found["letters"]["near_last"] > found["uncles"]["near_last"]


def test_the_weight_of_a_term_counts() -> None:
    def weigh(term: str) -> float:
        return 9.0 if term == "pump" else 1.0

    _, values = candidates(asked("pump seal"), "The pump is near oil and the seal is near gas.", weigh)
    places, _ = candidates(asked("pump seal"), "The pump is near oil and the seal is near gas.", alike)
    text = "The pump is near oil and the seal is near gas."
    before = {text[a:b]: values["before"][n] for n, (a, b) in enumerate(places)}
    assert before["oil"] > before["gas"]


def test_a_name_is_not_to_be_cut() -> None:
    found = said("Who?", "the pump of Ada Byron was loud")
    assert found["Ada"]["cuts_name"] == found["Byron"]["cuts_name"] == 1
    assert found["Ada Byron"]["cuts_name"] == 0
    assert found["Ada Byron"]["whole_name"] == 1


def test_the_looks_count_only_for_the_kind_that_is_wanted() -> None:
    sentence = "Ada left Hull in 1998 with 12 pumps"
    assert said("When did she leave?", sentence)["1998"]["date_year"] == 1
    assert said("When did she leave?", sentence)["Ada"]["date_none"] == 1
    assert said("Who left?", sentence)["1998"]["date_year"] == 0
    assert said("Who left?", sentence)["Ada"]["person_capital"] == 1
    assert said("How many were there?", sentence)["12"]["count_quantity"] == 1
    assert said("Where did she leave from?", sentence)["1998"]["place_date"] == 1


def test_the_noun_that_was_asked_for_stands_beside_or_inside() -> None:
    found = said("How many pumps were there?", "there were 12 pumps and 7 seals")
    assert found["12"]["head_beside"] == 1
    assert found["12 pumps"]["head_inside"] == 1
    assert found["12"]["count_head"] == 1
    assert found["7"]["count_head"] == 0


def test_every_feature_has_a_value_for_every_stretch() -> None:
    places, values = candidates(asked("Who built it?"), "Ada Byron built it in 1998, said the firm.", alike)
    assert {len(column) for column in values.values()} == {len(places)}
    assert all(np.isfinite(column).all() for column in values.values())
