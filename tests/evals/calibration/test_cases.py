"""Cases: what a forced run says of each sample, and what it cannot say."""

from math import inf
from typing import Any

import pytest

from evals.calibration.calibrate import forced, routes_of, threshold_of
from evals.calibration.cases import cases_of
from evals.runs import Outcome, Trouble
from evals.samples import Sample
from graph.release import Models, Release

SAMPLE = Sample(id="s", question="What is the limit?", answerable=True, reference="EUR 145")
OTHER = SAMPLE.model_copy(update={"id": "t"})
BOTH = ("simple", "complex")


def outcome(text: str, status: str = "answered", name: str = "s", route: str = "simple") -> Outcome:
    told: dict[str, Any] = {"text": text, "status": status, "confidence": 0.7, "citations": [], "route": route}
    return Outcome(sample=name, answer=told, seconds=1.0)


def test_each_sample_is_told_with_its_confidence_and_one_that_is_declined_has_none() -> None:
    found = cases_of([SAMPLE, OTHER], {"s": outcome("EUR 145"), "t": outcome("", "declined", "t")}, BOTH, {})
    assert [(case.sample, case.confidence, case.right) for case in found.cases] == [
        ("s", 0.7, True),
        ("t", -inf, False),
    ]


def test_what_failed_or_tells_no_right_answer_is_left_out_with_its_reason() -> None:
    failed = Outcome(sample="t", trouble=Trouble(kind="Timeout", message=""), seconds=1.0)
    mute = SAMPLE.model_copy(update={"id": "u", "reference": None})
    later = SAMPLE.model_copy(update={"id": "v"})
    outcomes = {"s": outcome("EUR 145"), "t": failed, "u": outcome("x", name="u")}
    found = cases_of([SAMPLE, OTHER, mute, later], outcomes, BOTH, {})
    assert [case.sample for case in found.cases] == ["s"]
    assert found.left_out == {
        "t": "it failed: Timeout",
        "u": "it tells neither a right answer nor quotes nor documents",
        "v": "it was not asked",
    }


@pytest.mark.parametrize(
    ("models", "threshold", "routes"),
    [
        (Models(), "answer_from", ["simple", "complex"]),
        (Models(simple="openai:a", complex="openai:b"), "read_from", ["simple", "complex"]),
        (Models(complex="openai:b"), "answer_from", ["simple"]),
        (Models(simple="openai:a"), "read_from", ["simple"]),
    ],
)
def test_a_threshold_is_chosen_by_the_answers_that_depend_on_it(
    models: Models, threshold: str, routes: list[str]
) -> None:
    release = Release(models=models)
    assert (threshold_of(release), routes_of(release)) == (threshold, routes)
    changed = {name for name, value in forced(release).routing if value != getattr(release.routing, name)}
    assert (changed, getattr(forced(release).routing, threshold)) == ({threshold}, 0.0)
    outcomes = {"s": outcome("EUR 145"), "t": outcome("EUR 145", name="t", route="complex")}
    found = cases_of([SAMPLE, OTHER], outcomes, routes, {})
    assert len(found.cases) == len(routes)
    told = {} if "complex" in routes else {"t": "its route is complex, which another threshold decides"}
    assert found.left_out == told


def test_a_judge_is_heard_where_there_is_one() -> None:
    outcomes = {"s": outcome("EUR 145"), "t": outcome("a hundred and forty-five", name="t")}
    found = cases_of([SAMPLE, OTHER], outcomes, BOTH, {"s": 0.25, "t": 1.0})
    assert [case.right for case in found.cases] == [False, True]
