"""Statistics: bounds that hold what they promise, and sizes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import dirichlet

from evals.gate.stats import Levels, bounds, interval, samples_to_settle, summed

SHARE = (0.0, 1.0)
CHANGE = (-1.0, 1.0)
LEVELS = Levels(0.05, 0.05)


def alone(many: int) -> list[str]:
    return [str(number) for number in range(many)]


def test_clusters_are_summed_in_the_order_of_their_names() -> None:
    sums = summed([1, 0, 1, 1], ["b", "a", "b", "a"])
    assert (list(sums.totals), list(sums.sizes)) == ([1, 2], [2, 2])


def test_no_change_in_n_samples_is_not_certainty() -> None:
    """The rule of three."""
    found = interval([0.0] * 100, alone(100), LEVELS, CHANGE)
    assert (found.value, found.low, found.high) == pytest.approx((0, -0.03, 0.03), abs=0.001)


def test_a_share_has_the_bounds_of_clopper_and_pearson() -> None:
    found = interval([1.0] * 3 + [0.0] * 17, alone(20), Levels(0.025, 0.025), SHARE)
    assert (found.value, found.low, found.high) == pytest.approx((0.15, 0.0321, 0.3789), abs=1e-4)
    turned = interval([-1.0] * 3 + [0.0] * 17, alone(20), Levels(0.025, 0.025), (-1.0, 0.0))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_more_samples_that_are_all_right_never_show_less() -> None:
    found = [interval([1.0] * many, alone(many), LEVELS, SHARE).low >= 0.9 for many in range(20, 80)]
    assert found == sorted(found)
    assert found.index(True) + 20 == 29


@pytest.mark.parametrize("values", [[1.0] * 40 + [0.3, 0.0], [0.0] * 50 + [1.0, -1.0, -0.5], [0.2, 0.9, 0.4] * 9])
def test_a_bound_is_a_quantile_of_means_under_dirichlet_weights_with_one_sample_at_the_worst_end(
    values: list[float],
) -> None:
    found = interval(values, alone(len(values)), LEVELS, CHANGE)
    weights = dirichlet.rvs([1] * (len(values) + 1), 40_000, random_state=np.random.default_rng(1))
    error = float(np.std(values)) / math.sqrt(len(values))
    for end, side, quantile in ((-1.0, found.low, 0.05), (1.0, found.high, 0.95)):
        assert side == pytest.approx(np.quantile(weights @ [*values, end], quantile), abs=0.1 * error)


def test_each_end_has_a_level_of_its_own() -> None:
    values = list(np.random.default_rng(1).random(50))
    plain, corrected = (interval(values, alone(50), levels, SHARE) for levels in (LEVELS, Levels(0.05, 0.005)))
    assert corrected.low == plain.low
    assert corrected.high > plain.high


def test_dependent_samples_make_the_interval_wider() -> None:
    values = [float(number // 5 % 2) for number in range(100)]
    wide = interval(values, [str(number // 5) for number in range(100)], LEVELS, SHARE)
    narrow = interval(values, alone(100), LEVELS, SHARE)
    assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)
    assert (wide.clusters, narrow.clusters) == (20, 100)


def test_one_cluster_bounds_nothing_but_what_the_scale_does() -> None:
    found = interval([3.0, 4.0], ["a", "a"], LEVELS, None)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert interval([1.0, 0.0, 1.0], ["a", "a", "a"], LEVELS, SHARE).low < 0.05


def test_values_without_ends_are_bounded_by_what_was_met() -> None:
    found = interval([3.0, 4.0, 5.0, 9.0] * 6, alone(24), LEVELS, None)
    assert 3 < found.low < 5.25 < found.high < 9
    assert found.high - found.value > found.value - found.low


def test_datasets_are_bounded_as_many_at_once_as_one_by_one() -> None:
    values, counts = [0.1, 0.5, 1.0], np.array([[3.0, 1.0, 2.0], [0.0, 4.0, 1.0]])
    low, high = bounds(summed(values, alone(3)), counts, LEVELS, SHARE)
    for row, ends in zip(counts.astype(int), zip(low, high, strict=True), strict=True):
        drawn = [value for value, many in zip(values, row, strict=True) for _ in range(many)]
        found = interval(drawn, alone(len(drawn)), LEVELS, SHARE)
        assert (found.low, found.high) == pytest.approx(ends)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.floats(0.001, 0.2))
def test_bounds_hold_the_mean(values: list[float], alpha: float) -> None:
    found = interval(values, alone(len(values)), Levels(alpha, alpha), CHANGE)
    assert -1 <= found.low <= found.value <= found.high <= 1


def test_how_many_more_would_settle_it() -> None:
    sums = summed([1.0] * 20, alone(20))
    assert samples_to_settle(sums, sums, 0.9, LEVELS, SHARE) == 9
    at_the_bound = summed([1.0] * 9 + [0.0], alone(10))
    assert samples_to_settle(at_the_bound, at_the_bound, 0.9, LEVELS, SHARE, mean_is_known=True) is None
    assert 50 < (samples_to_settle(at_the_bound, at_the_bound, 0.9, LEVELS, SHARE) or 0) < 200


@pytest.mark.parametrize("values", [[0.0], [0.3], [1.0, 1.0], [-1.0, 0.0], [0.0, 0.1, 0.0]])
def test_whatever_was_met_there_is_a_number_or_none(values: list[float]) -> None:
    sums = summed(values, alone(len(values)))
    assert all((samples_to_settle(sums, sums, bound, LEVELS, CHANGE) or 1) > 0 for bound in (-0.5, 0.0, 0.3, 1.0))
