from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.finding.merging import blend, take_turns
from graph.state import Passage


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


def test_each_ranking_gets_its_turns_and_no_passage_comes_twice() -> None:
    rankings = [found("a", "b", "c", "d", "e"), found("b", "x", "y"), found("z")]
    assert ids(take_turns(rankings, [2, 1, 1])) == ["a", "b", "x", "z", "c", "d", "y", "e"]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=4), st.data())
def test_everything_that_was_found_is_there_once(names: list[list[str]], data: st.DataObject) -> None:
    turns = data.draw(st.lists(st.integers(1, 3), min_size=len(names), max_size=len(names)))
    taken = ids(take_turns([found(*each) for each in names], turns))
    assert sorted(taken) == sorted({name for each in names for name in each})


def test_a_short_ranking_leaves_its_turns_to_the_others() -> None:
    assert ids(take_turns([found("a"), found("x", "y", "z")], [2, 1])) == ["a", "x", "y", "z"]
