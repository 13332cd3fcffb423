"""The features by which candidates are weighed."""

from typing import Any, cast

from graph.learned import load
from graph.retrieval.features import FEATURES, features
from graph.state import Passage

QUESTION = "How long is the warranty of the storage battery?"


def passage(text: str, title: str = "", **changes: Any) -> Passage:
    fields: dict[str, Any] = {"id": text, "document": text, "title": title, "section": "", "text": text}
    return cast(Passage, {**fields, "similar": [], "vector": None, "lexical": None, **changes})


def rows(*passages: Passage, question: str = QUESTION) -> list[dict[str, float]]:
    return features(question, passages, lambda term: 1.0)


def pair(name: str, more: Passage, less: Passage, question: str = QUESTION) -> bool:
    one, other = rows(more, less, question=question)
    return one[name] > other[name]


def test_nothing_found_has_no_features() -> None:
    assert rows() == []


def test_every_candidate_has_every_feature_that_the_model_weighs() -> None:
    found = rows(passage("The warranty lasts ten years."), passage(""), passage("...", "Storage battery"))
    assert all(row.keys() >= set(FEATURES) for row in found)
    assert set(load("rerank").weights) <= set(FEATURES)


def test_a_question_without_terms_has_features_too() -> None:
    assert all(row.keys() >= set(FEATURES) for row in rows(passage("Call us."), passage(""), question="?"))


def test_words_count_in_other_forms_and_in_the_title() -> None:
    assert pair("words_spread", passage("Warranties differ."), passage("Pumps differ."))
    assert pair("words_spread", passage("Ten years.", "Warranty"), passage("Ten years.", "Pumps"))


def test_part_of_a_longer_number_is_not_the_number() -> None:
    assert pair("words_spread", passage("It is 25 kW."), passage("It is 1.25 kW."), question="What has 25 kW?")
    assert pair("words_spread", passage("It is 25 kW."), passage("It is 250 kW."), question="What has 25 kW?")


def test_terms_that_follow_one_another_as_in_the_question_count() -> None:
    assert pair("pairs", passage("The storage battery."), passage("The battery in storage."))
    assert pair("pairs", passage("The warranty of the storage."), passage("The warranty costs storage."))


def test_a_title_that_a_leader_names_and_the_question_does_not_is_linked() -> None:
    leader = passage("The storage battery is made by Corrento Works.", "Storage battery")
    maker, other = passage("It was founded in 1910.", "Corrento Works"), passage("It is large.", "Lake Garda")
    assert [row["linked"] for row in rows(leader, maker, other)] == [0.0, 1.0, 0.0]


def test_what_several_candidates_carry_as_their_title_or_name_is_less_of_a_pointer() -> None:
    leader = passage("It is made by Corrento Works.", "Battery")
    maker, again = passage("Founded in 1910.", "Corrento Works"), passage("Moved in 1950.", "Corrento Works")
    other = passage("Corrento Works closed it.", "Lake Garda")
    assert [row["linked"] for row in rows(leader, maker, again)][1:] == [0.5, 0.5]
    assert rows(leader, maker, other)[1]["linked"] == 0.5


def test_a_title_within_a_longer_word_is_not_linked() -> None:
    assert [row["linked"] for row in rows(passage("Visit Correntown."), passage("It is large.", "Corrent"))] == [0, 0]


def test_a_title_beyond_the_leaders_reach_is_not_linked() -> None:
    fillers = [passage(f"Filler {number}.", f"Filler {number}") for number in range(3)]
    late = passage("It is made by Corrento Works.", "Late")
    assert rows(*fillers, late, passage("Founded in 1910.", "Corrento Works"))[-1]["linked"] == 0


def test_the_best_sentence_speaks_for_a_passage_and_the_whole_where_there_is_none() -> None:
    found = rows(passage("a", similar=[0.2, 0.7], vector=0.4), passage("b", vector=0.5), passage("c"))
    assert [row["sentence"] for row in found] == [0.7, 0.5, 0.0]


def test_a_spread_is_the_share_of_the_way_from_worst_to_best_and_1_where_all_are_the_same() -> None:
    found = rows(passage("A warranty."), passage("A warranty of the storage battery."), passage("Pumps."))
    assert [row["words_spread"] for row in found[1:]] == [1.0, 0.0]
    assert 0 < found[0]["words_spread"] < 1
    assert {row["words_spread"] for row in rows(passage("a"), passage("b"))} == {1.0}


def test_telling_terms_weigh_more() -> None:
    weigh = {"warranti": 3.0}
    one, other = features(QUESTION, [passage("A warranty."), passage("A battery.")], lambda t: weigh.get(t, 1.0))
    assert one["words_spread"] > other["words_spread"]
