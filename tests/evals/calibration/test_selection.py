"""Thresholds: what is promised holds on the half that chose them, and what cannot be shown is not chosen."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.calibration.calibrate import ALPHA, Aim, choose, curve, in_fitting_half, risk_of
from evals.calibration.cases import CalibrationCase


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
    choice = choose(told, Aim("risk", 0.1))
    assert len(answered(told, choice.threshold)) == 150
    assert len(answered(told, choose(told, Aim("risk", 0.45)).threshold)) == 225


def test_a_risk_that_cannot_be_shown_gives_no_threshold() -> None:
    choice = choose(cases(SURE[:20]), Aim("risk", 0.1))
    assert choice.threshold is None
    assert "cannot be reached with 20 samples" in choice.why
    assert "takes 51 answers" in choice.why
    assert choose(cases([(-inf, True)]), Aim("risk", 0.1)).threshold is None


@given(CASES, st.floats(0.05, 0.9))
def test_the_risk_of_the_fitting_half_is_never_above_its_target(told: list[CalibrationCase], target: float) -> None:
    choice = choose(told, Aim("risk", target))
    if choice.threshold is not None:
        inside = [case for case in told if case.confidence >= choice.threshold]
        assert risk_of(inside, ALPHA).value <= risk_of(inside, ALPHA).high <= target


@given(CASES, st.floats(0, 1))
def test_a_coverage_is_reached_by_the_highest_threshold_or_said_to_be_out_of_reach(
    told: list[CalibrationCase], target: float
) -> None:
    choice = choose(told, Aim("coverage", target))
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
    choice = choose(told, Aim("coverage", 0.4))
    assert len(answered(told, choice.threshold)) == 4
    assert choice.threshold == 0.3


def test_costs_decide_between_wrong_answers_and_refusals() -> None:
    told = cases([(0.9, False), (0.6, True), (0.4, False), (0.2, True)], [True, True, True, False])
    found = {cost: choose(told, Aim("cost", cost)).threshold for cost in (10, 0, 0.4)}
    assert found == {10: 0.75, 0: 0.195, 0.4: 0.3}
    assert choose(cases([(0.9, True)]), Aim("cost", 100)).threshold == 1.0


def test_ten_coverages_are_tried_and_the_whole_one_too() -> None:
    told = cases([(number / 200, False) for number in range(200)])
    choice = choose(told, Aim("risk", 0.1))
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
