from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.release import Routing
from graph.routing import Signs, choose_route, complexity, signs
from graph.state import Passage

NONE = Signs(False, False, False, False, False, False, 0.0)


def passage(document: str, score: float) -> Passage:
    return cast(Passage, {"document": document, "score": score})


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How long is the warranty?", {}),
        ("Is Kaldera cheaper than Corrento?", {"compares": True}),
        ("Compare Kaldera with Corrento", {"compares": True}),
        ("Do I need the seal; is oil needed?", {"joins": True}),
        ("Is the pump covered? The valve?", {"joins": True}),
        ("Who signs and who pays?", {"joins": True, "asks_twice": True}),
        ("Why is the limit needed?", {"explains": True}),
        ("Summarise the policy", {"explains": True}),
        ("Which is the newest model?", {"ranks": True}),
        (" ".join(f"pump{letter}" for letter in "abcdefghijklmn"), {"long": True}),
        (" ".join(f"pump{letter}" for letter in "abcdefghijklm"), {}),
    ],
)
def test_each_sign_is_read_off_the_question(question: str, found: dict[str, Any]) -> None:
    assert signs(question, []) == replace(NONE, **found)


def test_spread_is_how_near_another_document_comes_to_the_best() -> None:
    passages = [passage("a", 0.8), passage("a", 0.7), passage("b", 0.4), passage("c", 0.2)]
    assert signs("How long is the warranty?", passages).spread == 0.5


@pytest.mark.parametrize("passages", [[], [passage("a", 0.8), passage("a", 0.7)], [passage("a", 0.0), passage("b", 0)]])
def test_one_document_or_none_has_no_spread(passages: list[Passage]) -> None:
    assert signs("How long is the warranty?", passages).spread == 0.0


@pytest.mark.parametrize(
    ("found", "total"),
    [
        ({}, 0.0),
        ({"compares": True}, 0.45),
        ({"joins": True}, 0.3),
        ({"asks_twice": True}, 0.3),
        ({"explains": True}, 0.3),
        ({"ranks": True}, 0.15),
        ({"long": True}, 0.15),
        ({"spread": 0.5}, 0.05),
        ({"compares": True, "joins": True, "asks_twice": True, "explains": True}, 1.0),
    ],
)
def test_each_sign_has_its_weight_and_all_are_at_most_one(found: dict[str, Any], total: float) -> None:
    assert complexity(replace(NONE, **found)) == pytest.approx(total)


@settings(max_examples=50, deadline=None)
@given(st.builds(Signs, spread=st.floats(0, 1)))
def test_complexity_is_a_share(found: Signs) -> None:
    assert 0.0 <= complexity(found) <= 1.0


def test_a_question_takes_the_complex_route_from_the_releases_threshold_on() -> None:
    question = "Is Kaldera cheaper than Corrento?"
    assert choose_route(question, [], Routing(complex_from=0.45)) == "complex"
    assert choose_route(question, [], Routing(complex_from=0.46)) == "simple"


def test_what_was_found_can_make_a_question_complex() -> None:
    question, routing = "Is Kaldera cheaper than Corrento?", Routing(complex_from=0.5)
    assert choose_route(question, [passage("a", 0.8), passage("b", 0.1)], routing) == "simple"
    assert choose_route(question, [passage("a", 0.8), passage("b", 0.8)], routing) == "complex"
