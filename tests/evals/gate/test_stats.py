"""Statistics: intervals that hold what they promise, tests that are exact where they can be, and sizes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from evals.gate.stats import (
    RESAMPLES,
    below,
    holm,
    interval,
    samples_to_settle,
    share_bounds,
    smallest_effect,
    summed,
    worse,
)

SHARE = (0.0, 1.0)
CHANGE = (-1.0, 1.0)


def alone(many: int) -> list[str]:
    return [str(number) for number in range(many)]


def test_clusters_are_summed_in_the_order_of_their_names() -> None:
    sums = summed([1, 0, 1, 1], ["b", "a", "b", "a"])
    assert (list(sums.totals), list(sums.sizes)) == ([1, 2], [2, 2])


def test_no_change_in_n_samples_is_not_certainty() -> None:
    found = interval([0.0] * 100, alone(100), 0.05, CHANGE)
    assert found.value == 0
    assert -0.05 < found.low < -0.02
    assert 0.02 < found.high < 0.05


def test_dependent_samples_make_the_interval_wider() -> None:
    values = [float(number // 5 % 2) for number in range(100)]
    wide = interval(values, [str(number // 5) for number in range(100)], 0.05, SHARE)
    narrow = interval(values, alone(100), 0.05, SHARE)
    assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)
    assert (wide.clusters, narrow.clusters) == (20, 100)


def test_one_cluster_bounds_nothing() -> None:
    found = interval([1.0, 0.0, 1.0], ["a", "a", "a"], 0.05, None)
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_the_interval_is_the_same_every_time() -> None:
    values = list(np.random.default_rng(1).random(50))
    assert interval(values, alone(50), 0.05, SHARE) == interval(values, alone(50), 0.05, SHARE)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_bound_is_wrong_no_more_often_than_it_may(share: float) -> None:
    chance, wrong = np.random.default_rng(3), 0
    for _ in range(300):
        values = list((chance.random(80) < share).astype(float))
        wrong += interval(values, alone(80), 0.05, SHARE, 499).low > share
    assert wrong / 300 < 0.085


def test_pass_and_fail_of_independent_samples_are_compared_by_mcnemar() -> None:
    differences = [-1.0] * 9 + [1.0] * 2 + [0.0] * 50
    exact = binomtest(9, 11, alternative="greater").pvalue
    assert worse(differences, alone(61)) == pytest.approx(exact)


def test_clusters_that_move_together_count_once() -> None:
    differences = [-1.0] * 10 + [0.0] * 20
    together = ["one"] * 10 + alone(20)
    assert worse(differences, alone(30)) < 0.01
    assert worse(differences, together) > 0.2


def test_few_clusters_are_turned_exactly() -> None:
    assert worse([-0.5, -0.25, -0.1], ["a", "b", "c"]) == pytest.approx(1 / 8)


def test_nothing_that_differs_is_nothing_worse() -> None:
    assert worse([0.0] * 20, alone(20)) == 1.0


def test_a_share_below_its_floor_is_tested_exactly() -> None:
    values = [1.0] * 30 + [0.0] * 20
    assert below(values, alone(50), 0.8, SHARE) == pytest.approx(binomtest(30, 50, 0.8, alternative="less").pvalue)


def test_a_mean_below_its_floor_is_tested_over_clusters() -> None:
    values = [0.5, 0.6, 0.4, 0.55] * 10
    assert below(values, alone(40), 0.9, SHARE) < 1e-6
    assert below(values, alone(40), 0.3, SHARE) > 0.99


def test_a_constant_is_what_it_is() -> None:
    assert below([3.0, 3.0, 3.0], alone(3), 5.0, None) == 0.0
    assert below([3.0, 3.0, 3.0], alone(3), 2.0, None) == 1.0
    assert below([3.0], ["a"], 5.0, None) == 1.0


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 80), st.floats(0.02, 0.3))
def test_more_samples_show_smaller_effects(many: int, spread: float) -> None:
    def effect(times: int) -> float:
        values = [spread, -spread] * many * times
        return smallest_effect(interval(values, alone(len(values)), 0.05, None, 99), 0.05)

    assert effect(4) == pytest.approx(effect(1) / 2, rel=0.1)


def test_how_many_more_would_settle_it() -> None:
    values = [0.1] * 30 + [-0.06] * 30
    found = interval(values, alone(60), 0.05, None)
    more = samples_to_settle(found, 0.0, 0.05)
    assert more is not None
    grown = values * math.ceil(1 + more / 60)
    assert interval(grown, alone(len(grown)), 0.05, None).low > 0
    assert samples_to_settle(found, found.value, 0.05) is None


def test_what_chance_draws_is_enough() -> None:
    assert RESAMPLES >= 9_999


def test_bounds_are_those_of_clopper_and_pearson_where_no_sample_depends_on_another() -> None:
    found = share_bounds([True] * 3 + [False] * 17, [str(n) for n in range(20)], 0.025)
    assert (found.value, found.low, found.high) == pytest.approx((0.15, 0.0321, 0.3789), abs=1e-4)
    assert share_bounds([False] * 50, [str(n) for n in range(50)], 0.05).high == pytest.approx(1 - 0.05 ** (1 / 50))
    assert (share_bounds([], [], 0.05).low, share_bounds([], [], 0.05).high) == (0.0, 1.0)


def test_samples_of_one_cluster_tell_less() -> None:
    wrong = [True] * 5 + [False] * 15
    apart = share_bounds(wrong, [str(n) for n in range(20)], 0.05)
    together = share_bounds(wrong, [str(n // 5) for n in range(20)], 0.05)
    assert together.high > apart.high
    assert share_bounds(wrong, ["one"] * 20, 0.05).high > together.high


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef")), min_size=1, max_size=30), st.floats(0.001, 0.4))
def test_bounds_hold_the_share(told: list[tuple[bool, str]], alpha: float) -> None:
    found = share_bounds([wrong for wrong, _ in told], [cluster for _, cluster in told], alpha)
    assert 0 <= found.low <= found.value <= found.high <= 1
