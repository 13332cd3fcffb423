import json
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ROOT

from graph.learned import Logistic, load
from graph.question.routing import JOINED, UNKNOWN_GAIN, choose_route, complexity, features, gain
from graph.question.subquestions import split
from graph.release import Routing
from graph.state import Passage

PLAIN = "How long is the warranty?"


def passage(text: str) -> Passage:
    return cast(Passage, {"title": "", "section": "", "text": text})


def shown(question: str) -> set[str]:
    """The signs that a question shows, but for its length and what was found."""
    return {name for name, value in features(question).items() if value and name not in ("words", "gain")}


@pytest.mark.parametrize(
    ("question", "sign"),
    [
        ("Why is Kaldera cheaper?", "compares"),
        ("What do they have in common?", "both"),
        ("Salt or oil?", "alternatives"),
        ("Name the tallest model", "superlative"),
        ("Name the 3rd model", "ordinal"),
        ("How many models exist?", "counts"),
        ("Name models without fans", "excludes"),
        ("Who signs and pays?", "joins"),
        ("Who signed and won?", "joins_predicates"),
        ("Which model?", "selects"),
        ("Name models that leak", "relatives"),
        ("Name models after repair", "times"),
        ("Name models built inside", "described"),
        ("Was ist das, is it?", "verbs"),
        ("Name models from 2019", "numbers"),
        ("Name models from Oslo", "names"),
        ("How old was the director of films?", "roles"),
    ],
)
def test_each_sign_is_read_off_the_question(question: str, sign: str) -> None:
    assert sign in shown(question)


@pytest.mark.parametrize(
    "question",
    [
        "Why rest in a forest?",
        "How many years?",
        "Why wait at least for the first time?",
        "Why a 65-180 pump?",
        "When?",
    ],
)
def test_idioms_measures_and_product_numbers_are_no_signs(question: str) -> None:
    assert shown(question) == set()


def test_a_role_that_is_itself_asked_for_is_no_detour() -> None:
    assert "roles" not in shown("Who is the director of films?")


def test_gain_is_what_a_second_passage_adds_to_the_best() -> None:
    found = [passage("The pump in Oslo."), passage("Nothing."), passage("The valve leaks in Oslo.")]
    assert gain("Why do pump valves leak Oslo", found) == 0.5


@pytest.mark.parametrize("found", [[], [passage("The pump")]])
def test_without_two_passages_the_gain_is_not_known(found: list[Passage]) -> None:
    assert gain("pump", found) == UNKNOWN_GAIN
    assert gain("is it so?", [passage("a"), passage("b")]) == UNKNOWN_GAIN


def test_every_learned_weight_speaks_for_complex_and_has_a_feature() -> None:
    model = load("router")
    assert isinstance(model, Logistic)
    assert set(model.weights) == set(features(PLAIN))
    assert min(model.weights.values()) > 0


def test_what_was_found_can_make_a_question_complex() -> None:
    question = "Who made the pump that failed in Oslo?"
    one, two = [passage("pump failed Oslo"), passage("")], [passage("pump"), passage("failed Oslo made")]
    assert complexity(question, one) < complexity(question, two)


def test_a_question_with_parts_is_probably_complex() -> None:
    assert complexity(PLAIN, []) < 0.5
    assert complexity(PLAIN, [], ["Who pays?", "Who signs?"]) == JOINED


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_complexity_is_a_share(question: str) -> None:
    assert 0.0 <= complexity(question, []) <= 1.0


def test_a_question_takes_the_complex_route_from_the_releases_threshold_on() -> None:
    at = complexity(PLAIN, [])
    assert choose_route(PLAIN, [], [], Routing(complex_from=at)) == "complex"
    assert choose_route(PLAIN, [], [], Routing(complex_from=at + 0.001)) == "simple"


def test_two_part_sample_questions_are_complex_and_most_plain_ones_simple() -> None:
    lines = (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()
    asked = [(each["kind"], each["question"]) for each in map(json.loads, lines)]
    parted = [question for kind, question in asked if kind == "two_documents" and split(question)]
    routes = {question: choose_route(question, [], split(question), Routing()) for _, question in asked}
    assert len(parted) >= 7
    assert {routes[question] for question in parted} == {"complex"}
    plain = [routes[question] for kind, question in asked if kind in ("simple", "filtered", "version_conflict")]
    assert plain.count("simple") >= 0.75 * len(plain)
