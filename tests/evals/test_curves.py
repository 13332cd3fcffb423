"""Curves: coverage only grows, ties stay together, and the area lies between the risks."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.curves import Point, between, mean_risk, risk_coverage

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


def test_the_area_on_values() -> None:
    assert area(risk_coverage([0.9, 0.8, 0.7, 0.6], [False, False, True, True])) == pytest.approx(
        (0 + 0 + 1 / 3 + 0.5) / 4
    )


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_threshold_parts_what_it_stands_between(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert low < between(low, high) <= high or low == high
