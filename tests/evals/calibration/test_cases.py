"""Cases: what a forced run says of each sample, and what counts as a right answer without a model."""

from math import inf
from typing import Any

import pytest

from evals.calibration.calibrate import forced, routes_of, threshold_of
from evals.calibration.cases import cases_of
from evals.dataset import Sample
from evals.metrics.keyless import is_right
from evals.runs import SampleFailure, SampleOutcome
from graph.release import Models, Release

SAMPLE = Sample(id="s", question="What is the limit?", answerable=True, reference="EUR 145")
OTHER = SAMPLE.model_copy(update={"id": "t"})
BOTH = ("simple", "complex")


def outcome(text: str, status: str = "answered", name: str = "s", route: str = "simple") -> SampleOutcome:
    told: dict[str, Any] = {"text": text, "status": status, "confidence": 0.7, "citations": [], "route": route}
    return SampleOutcome(sample=name, answer=told, seconds=1.0)


def test_each_sample_is_told_with_its_confidence_and_one_that_is_declined_has_none() -> None:
    found, _ = cases_of([SAMPLE, OTHER], {"s": outcome("EUR 145"), "t": outcome("", "declined", "t")}, BOTH, {})
    assert [(case.sample, case.confidence, case.right) for case in found] == [
        ("s", 0.7, True),
        ("t", -inf, False),
    ]


def test_what_failed_or_tells_no_right_answer_is_left_out_with_its_reason() -> None:
    failed = SampleOutcome(sample="t", trouble=SampleFailure(kind="Timeout", message=""), seconds=1.0)
    mute = SAMPLE.model_copy(update={"id": "u", "reference": None})
    later = SAMPLE.model_copy(update={"id": "v"})
    outcomes = {"s": outcome("EUR 145"), "t": failed, "u": outcome("x", name="u")}
    found, left_out = cases_of([SAMPLE, OTHER, mute, later], outcomes, BOTH, {})
    assert [case.sample for case in found] == ["s"]
    assert left_out == {
        "t": "it failed: Timeout",
        "u": "it has neither a right answer nor quotes nor documents",
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
    found, left_out = cases_of([SAMPLE, OTHER], outcomes, routes, {})
    assert len(found) == len(routes)
    told = {} if "complex" in routes else {"t": "its route is complex, which another threshold decides"}
    assert left_out == told


def test_a_judge_is_heard_where_there_is_one() -> None:
    outcomes = {"s": outcome("EUR 145"), "t": outcome("a hundred and forty-five", name="t")}
    found, _ = cases_of([SAMPLE, OTHER], outcomes, BOTH, {"s": 0.25, "t": 1.0})
    assert [case.right for case in found] == [False, True]


def cited(text: str, *quotes: str, status: str = "answered") -> SampleOutcome:
    citations = [{"quote": quote, "document": "travel.md"} for quote in quotes]
    return SampleOutcome(
        sample="s", answer={"text": text, "status": status, "citations": citations}, passages=[], seconds=1
    )


LIMIT = Sample(
    id="s",
    question="What is the hotel limit?",
    answerable=True,
    reference="At most EUR 145 per night.",
    alternatives=("EUR 145", "No"),
    documents=("travel.md",),
    quotes=("Hotel | **EUR 145**", "per night"),
)
PENSION = Sample(id="s", question="What is my pension?", answerable=False)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (cited("It is EUR 145. [1]"), True),
        (cited("EUR 1,145"), False),
        (cited("the night costs at most 145 EUR"), True),
        (cited("See the table. [1]", "Hotel |  EUR 145", "limits are per night"), True),
        (cited("See the table. [1]", "Hotel | EUR 145"), False),
        (cited("No, it has none."), True),
        (cited("There is no limit."), False),
        (cited("EUR 145", status="declined"), False),
    ],
)
def test_an_answer_is_right_by_its_words_or_by_its_quotes(answer: SampleOutcome, right: bool) -> None:
    assert is_right(LIMIT, answer) is right


def test_an_unanswerable_question_is_right_when_it_is_declined() -> None:
    assert is_right(PENSION, cited("None.", status="declined"))
    assert is_right(PENSION, cited("EUR 20.")) is False


def test_a_judge_decides_where_there_is_one() -> None:
    assert is_right(LIMIT, cited("EUR 145"), 0.5) is False
    assert is_right(LIMIT, cited("A hundred and forty-five"), 0.75)


def test_documents_alone_are_the_last_resort_and_nothing_is_no_judgement() -> None:
    bare = LIMIT.model_copy(update={"reference": None, "alternatives": (), "quotes": ()})
    assert is_right(bare, cited("Something. [1]", "any"))
    assert is_right(bare, cited("Something.")) is False
    assert is_right(bare.model_copy(update={"documents": ()}), cited("Something.")) is None
