"""Curves: coverage only grows, ties stay together, and a bound is on its side of what was seen."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.calibration.curves import area, between, bounds, risk_coverage

CONFIDENCES = st.one_of(st.sampled_from([-inf, 0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
ANSWERS = st.lists(st.tuples(CONFIDENCES, st.booleans()), min_size=1, max_size=40)


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


def test_the_area_on_values() -> None:
    assert area(risk_coverage([0.9, 0.8, 0.7, 0.6], [False, False, True, True])) == pytest.approx(
        (0 + 0 + 1 / 3 + 0.5) / 4
    )


def test_bounds_are_those_of_clopper_and_pearson_where_no_sample_depends_on_another() -> None:
    found = bounds([True] * 3 + [False] * 17, [str(n) for n in range(20)], 0.025)
    assert (found.value, found.low, found.high) == pytest.approx((0.15, 0.0321, 0.3789), abs=1e-4)
    assert bounds([False] * 50, [str(n) for n in range(50)], 0.05).high == pytest.approx(1 - 0.05 ** (1 / 50))
    assert (bounds([], [], 0.05).low, bounds([], [], 0.05).high) == (0.0, 1.0)


def test_samples_of_one_cluster_tell_less() -> None:
    wrong = [True] * 5 + [False] * 15
    apart = bounds(wrong, [str(n) for n in range(20)], 0.05)
    together = bounds(wrong, [str(n // 5) for n in range(20)], 0.05)
    assert together.high > apart.high
    assert bounds(wrong, ["one"] * 20, 0.05).high > together.high


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef")), min_size=1, max_size=30), st.floats(0.001, 0.4))
def test_bounds_hold_the_share(told: list[tuple[bool, str]], alpha: float) -> None:
    found = bounds([wrong for wrong, _ in told], [cluster for _, cluster in told], alpha)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_threshold_parts_what_it_stands_between(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert low < between(low, high) <= high or low == high
