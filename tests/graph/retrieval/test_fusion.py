from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.retrieval.fusion import best_by_document, blend, fuse, interleave, min_max
from graph.state import Passage

scores = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e6, 1e6))


def row(key: str, **changes: Any) -> dict[str, Any]:
    plain = {"id": key, "document": key, "file": "guide.md", "title": "Guide", "section": "Care", "header": ""}
    place = {"page": 2, "page_breaks": [9], "start": 3, "end": 12, "text": "Check it."}
    return {**plain, **place, "metadata": {"region": "EU"}, **changes}


def test_the_best_score_becomes_one_and_the_worst_zero() -> None:
    assert min_max({"a": 12.0, "b": 8.0, "c": 9.0}) == {"a": 1.0, "b": 0.0, "c": 0.25}


def test_scores_that_are_all_the_same_become_one() -> None:
    assert min_max({"a": 0.0, "b": 0.0}) == {"a": 1.0, "b": 1.0}


def test_no_scores_stay_none() -> None:
    assert min_max({}) == {}


def test_both_legs_are_weighed_and_what_one_did_not_find_counts_as_its_worst() -> None:
    lexical, vector = {"a": 12.0, "b": 8.0, "c": 10.0}, {"c": 0.9, "d": 0.5, "a": 0.6}
    assert fuse(lexical, vector, 0.25) == pytest.approx({"a": 0.8125, "c": 0.625, "b": 0.0, "d": 0.0})
    assert list(fuse(lexical, vector, 0.25)) == ["a", "c", "b", "d"]


@pytest.mark.parametrize(("weight", "fused"), [(0.0, {"a": 1.0, "b": 0.0}), (1.0, {"b": 1.0, "a": 0.0})])
def test_a_leg_without_weight_has_no_say(weight: float, fused: dict[str, float]) -> None:
    assert fuse({"a": 2.0, "b": 1.0}, {"b": 2.0, "a": 1.0}, weight) == fused


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    assert list(fuse({"b": 1.0, "c": 1.0, "a": 1.0}, {}, 0.5)) == ["a", "b", "c"]


@settings(max_examples=50, deadline=None)
@given(scores, scores, st.floats(0, 1))
def test_fusing_keeps_every_passage_with_a_share_as_score_best_first(
    lexical: dict[str, float], vector: dict[str, float], weight: float
) -> None:
    fused = fuse(lexical, vector, weight)
    assert set(fused) == set(lexical) | set(vector)
    assert list(fused.values()) == sorted(fused.values(), reverse=True)
    assert [score for score in fused.values() if not 0 <= score <= 1 + 1e-9] == []


def test_only_the_best_passage_of_each_document_is_left() -> None:
    found = [cast(Passage, row(key, document=document)) for key, document in (("1", "b"), ("2", "a"), ("3", "b"))]
    assert [each["id"] for each in best_by_document(found)] == ["1", "2"]


def found(*names: str, score: float = 1.0) -> list[Passage]:
    return [cast(Passage, {"id": name, "score": score, "text": f"{name} {score}"}) for name in names]


def ids(passages: list[Passage]) -> list[str]:
    return [passage["id"] for passage in passages]


def test_scores_are_averaged_by_weight_and_a_miss_counts_as_nothing() -> None:
    blended = blend([found("a", score=0.6) + found("b", score=0.5), found("b", score=0.9)], [1.0, 2.0])
    assert ids(blended) == ["b", "a"]
    assert [passage["score"] for passage in blended] == pytest.approx([2.3 / 3, 0.2])


def test_a_passage_is_taken_as_the_first_search_gave_it() -> None:
    assert blend([found("a", score=0.6), found("a", score=0.9)], [1.0, 1.0])[0]["text"] == "a 0.6"


def test_one_search_stays_as_it_is() -> None:
    alone = found("a", score=0.6) + found("b", score=0.5)
    assert blend([alone], [1.5]) == alone


def test_no_search_finds_nothing() -> None:
    assert blend([], []) == []


def test_each_ranking_gets_its_turn_and_no_passage_comes_twice() -> None:
    rankings = [found("a", "b", "c", "d"), found("a", "x", "y"), found("z")]
    assert ids(interleave(rankings)) == ["a", "x", "z", "b", "y", "c", "d"]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=4))
def test_everything_that_was_found_is_there_once(names: list[list[str]]) -> None:
    taken = ids(interleave([found(*each) for each in names]))
    assert sorted(taken) == sorted({name for each in names for name in each})
