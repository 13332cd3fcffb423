"""Thresholds: what is promised holds on the half that chose them, and what cannot be shown is not chosen."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from evals.calibration.cases import CalibrationCase
from evals.calibration.selection import at_cost, at_coverage, at_risk, curve, cut, in_fitting_half, rungs
from evals.curves import risk_coverage
from evals.gate.stats import share_bounds


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
    choice = at_risk(0.1, 0.05)(told)
    assert len(answered(told, choice.threshold)) == 150
    assert len(answered(told, at_risk(0.45, 0.05)(told).threshold)) == 225


def test_a_risk_that_cannot_be_shown_gives_no_threshold() -> None:
    choice = at_risk(0.1, 0.05)(cases(SURE[:20]))
    assert choice.threshold is None
    assert "cannot be reached with 20 samples" in choice.why
    assert "takes 51 answers" in choice.why
    assert at_risk(0.1, 0.05)(cases([(-inf, True)])).threshold is None


@given(CASES, st.floats(0.05, 0.9), st.floats(0.01, 0.3))
def test_the_risk_of_the_fitting_half_is_never_above_its_target(
    told: list[CalibrationCase], target: float, alpha: float
) -> None:
    choice = at_risk(target, alpha)(told)
    if choice.threshold is not None:
        inside = answered(told, choice.threshold)
        assert sum(inside) / len(inside) <= target
        assert share_bounds(inside, [str(n) for n in range(len(inside))], alpha).high <= target


@given(CASES, st.floats(0, 1))
def test_a_coverage_is_reached_by_the_highest_threshold_or_said_to_be_out_of_reach(
    told: list[CalibrationCase], target: float
) -> None:
    choice = at_coverage(target)(told)
    most = sum(case.confidence > -inf for case in told) / len(told)
    if choice.threshold is None:
        assert most < target or most == 0
    else:
        share = len(answered(told, choice.threshold)) / len(told)
        assert share >= target - 1e-9
        higher = [point for point in curve(told) if point.coverage < share - 1e-9]
        assert all(point.coverage < target for point in higher)


def test_answers_of_one_confidence_are_answered_or_declined_together() -> None:
    told = cases([(0.9, False), (0.5, True), (0.5, False), (0.5, False), (0.1, False)])
    choice = at_coverage(0.4)(told)
    assert len(answered(told, choice.threshold)) == 4
    assert choice.threshold == 0.3


def test_costs_decide_between_wrong_answers_and_refusals() -> None:
    told = cases([(0.9, False), (0.6, True), (0.4, False), (0.2, True)], [True, True, True, False])
    assert at_cost(10, 1)(told).threshold == 0.75
    assert at_cost(0, 1)(told).threshold == 0.195
    assert at_cost(0.4, 1)(told).threshold == 0.3
    assert at_cost(1, 0)(cases([(0.9, True)])).threshold == 1.0


def test_a_tenth_of_the_coverage_is_tried_at_a_time() -> None:
    points = risk_coverage([number / 100 for number in range(100)], [False] * 100)
    assert [point.answered for point in rungs(points)] == list(range(10, 101, 10))
    assert rungs(()) == []
    assert cut(points, points[-1]) == 0.0


def test_clusters_stay_in_their_half() -> None:
    names = [f"handbook/{number}.md" for number in range(200)]
    assert 70 < sum(map(in_fitting_half, names)) < 130
    assert [in_fitting_half(name) for name in names] == [in_fitting_half(name) for name in names]
