"""A threshold is chosen by right and wrong answers on one half, and written without touching anything else."""

from itertools import pairwise
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.calibration import (
    ALPHA,
    CalibrationCase,
    at_risk,
    between,
    cases_of,
    in_fitting_half,
    risk_of,
    routes_of,
    threshold_of,
    with_threshold,
)
from evals.cli.calibrate import calibrated, rewritten
from evals.dataset import Sample
from evals.metrics.keyless import is_right
from evals.report.curves import Point, mean_risk, risk_coverage
from evals.runs import SampleFailure, SampleOutcome
from graph.errors import ReleaseInvalid
from graph.release import Models, Release
from graph.release_yaml import parse_release

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
    forced = with_threshold(release, 0.0)
    changed = {name for name, value in forced.routing if value != getattr(release.routing, name)}
    assert (changed, getattr(forced.routing, threshold)) == ({threshold}, 0.0)
    outcomes = {"s": outcome("EUR 145"), "t": outcome("EUR 145", name="t", route="complex")}
    found, left_out = cases_of([SAMPLE, OTHER], outcomes, routes, {})
    assert len(found) == len(routes)
    told = {} if "complex" in routes else {"t": "its route is complex, which another threshold decides"}
    assert left_out == told


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


def cases(told: list[tuple[float, bool]], answerable: list[bool] | None = None) -> list[CalibrationCase]:
    can = answerable or [True] * len(told)
    return [CalibrationCase(str(n), str(n), can[n], sure, not wrong) for n, (sure, wrong) in enumerate(told)]


SURE = [(0.99 - number / 1000, False) for number in range(150)]
UNSURE = [(0.5 - number / 1000, True) for number in range(100)]
CASES = st.lists(st.tuples(st.sampled_from([-inf, 0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans()), min_size=1).map(cases)


def answered(told: list[CalibrationCase], threshold: float | None) -> list[bool]:
    assert threshold is not None
    return [not case.right for case in told if case.confidence >= threshold]


def test_the_largest_coverage_that_holds_is_chosen() -> None:
    told = cases(SURE + UNSURE)
    choice = at_risk(told, 0.1)
    assert len(answered(told, choice.threshold)) == 150
    assert len(answered(told, at_risk(told, 0.45).threshold)) == 225


def test_a_risk_that_cannot_be_shown_gives_no_threshold() -> None:
    choice = at_risk(cases(SURE[:20]), 0.1)
    assert choice.threshold is None
    assert "cannot be reached with 20 samples" in choice.why
    assert "takes 51 answers" in choice.why
    assert at_risk(cases([(-inf, True)]), 0.1).threshold is None


@given(CASES, st.floats(0.05, 0.9))
def test_the_risk_of_the_fitting_half_is_never_above_its_target(told: list[CalibrationCase], target: float) -> None:
    choice = at_risk(told, target)
    if choice.threshold is not None:
        inside = [case for case in told if case.confidence >= choice.threshold]
        assert risk_of(inside, ALPHA).value <= risk_of(inside, ALPHA).high <= target


def test_answers_of_one_confidence_are_answered_or_declined_together() -> None:
    told = cases([*[(0.9, False)] * 200, *[(0.5, False), (0.5, True)] * 25])
    choice = at_risk(told, 0.05)
    assert (choice.threshold, len(answered(told, choice.threshold))) == (0.7, 200)


def test_ten_coverages_are_tried_and_the_whole_one_too() -> None:
    told = cases([(number / 200, False) for number in range(200)])
    choice = at_risk(told, 0.1)
    assert (choice.threshold, "the largest of 10 coverages" in choice.why) == (0.0, True)


def test_samples_of_one_cluster_tell_less() -> None:
    def alike(size: int) -> list[CalibrationCase]:
        return [CalibrationCase(str(n), str(n // size), True, 0.5, n >= 5) for n in range(20)]

    assert risk_of(alike(20), 0.05).high > risk_of(alike(5), 0.05).high > risk_of(alike(1), 0.05).high
    assert risk_of(cases([(0.5, False)] * 50), 0.05).high == pytest.approx(1 - 0.05 ** (1 / 50))
    assert (risk_of([], 0.05).low, risk_of([], 0.05).high) == (0.0, 1.0)


def test_clusters_stay_in_their_half() -> None:
    names = [f"handbook/{number}.md" for number in range(200)]
    assert 70 < sum(map(in_fitting_half, names)) < 130
    assert [in_fitting_half(name) for name in names] == [in_fitting_half(name) for name in names]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "name: default-calibrated\nrouting:\n  answer_from: 0.25\n"),
        ("# nothing yet", "# nothing yet\nname: default-calibrated\nrouting:\n  answer_from: 0.25\n"),
        (
            "# ours\nname: old   # the name\nrouting:\n  answer_from: 0.4  # decided in May\n\nretrieval: {pool: 50}\n",
            "# ours\nname: old-calibrated # the name\nrouting:\n  answer_from: 0.25 # decided in May\n\n"
            "retrieval: {pool: 50}\n",
        ),
        ("routing: {read_from: 0.3}", "routing: {read_from: 0.3, answer_from: 0.25}\nname: default-calibrated\n"),
        ("name: '2025'\nrouting: {}\n", "name: '2025-calibrated'\nrouting:\n  answer_from: 0.25\n"),
        ("prompts:\n  answer: |\n    Answer.\n\n    Cite.\n", None),
    ],
)
def test_only_the_name_and_the_threshold_change(old: str, new: str | None) -> None:
    wanted = calibrated(parse_release(old, "x"), 0.25)
    found = rewritten(old, wanted, "release.yaml")
    assert found == new if new else found.startswith(old)
    assert parse_release(found, "x") == wanted


def test_a_release_with_aliases_is_refused_and_not_changed() -> None:
    old = "routing: &r {answer_from: &low 0.3, read_from: *low}\n"
    with pytest.raises(ReleaseInvalid, match=r"release.yaml"):
        rewritten(old, calibrated(Release(), 0.25), "release.yaml")


CONFIDENCES = st.one_of(st.sampled_from([-inf, 0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
ANSWERS = st.lists(st.tuples(CONFIDENCES, st.booleans()), min_size=1, max_size=40)


def area(points: tuple[Point, ...]) -> float | None:
    return mean_risk([(point.coverage, point.risk) for point in points])


@given(ANSWERS)
def test_coverage_grows_and_every_point_counts_what_it_answers(told: list[tuple[float, bool]]) -> None:
    points = risk_coverage([sure for sure, _ in told], [wrong for _, wrong in told])
    assert [point.threshold for point in points] == sorted({sure for sure, _ in told if sure > -inf}, reverse=True)
    assert all(one.coverage < other.coverage for one, other in pairwise(points))
    for point in points:
        inside = [wrong for sure, wrong in told if sure >= point.threshold]
        assert (point.answered, point.wrong) == (len(inside), sum(inside))
        assert (point.coverage, point.risk) == (len(inside) / len(told), sum(inside) / len(inside))


@given(ANSWERS)
def test_the_area_lies_between_the_least_and_the_largest_risk(told: list[tuple[float, bool]]) -> None:
    points = risk_coverage([sure for sure, _ in told], [wrong for _, wrong in told])
    found = area(points)
    if found is None:
        assert points == ()
    else:
        risks = [point.risk for point in points]
        assert min(risks) - 1e-9 <= found <= max(risks) + 1e-9


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_threshold_parts_what_it_stands_between(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert low < between(low, high) <= high or low == high
