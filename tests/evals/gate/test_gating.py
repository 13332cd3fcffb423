"""The gate, simulated: what benchmarks/gating.py measures, with fewer draws."""

from itertools import islice, product

import pytest

from benchmarks.gating import SCALES, planning, settling, verdicts

CHANCE = 0.018
"""By how much a share of 5 % of 1,500 draws may be higher by chance (one in a thousand)."""


@pytest.mark.parametrize(("kind", "samples"), list(product(SCALES, (20, 60, 200))))
def test_neither_verdict_is_wrong_more_often_than_it_may(kind: str, samples: int) -> None:
    found = verdicts(kind, samples, 1_500)
    for what in ("at the bound: passed", "at the bound: failed", "3 points lost: failed"):
        assert found[what] <= 0.05 + CHANCE, what
    assert found["3 points lost: failed"] <= found["10 points lost: failed"]


def test_the_gate_has_the_power_that_the_planner_says() -> None:
    found = [planning(repeats, seed, 200)["power"] for repeats in (1, 3) for seed in range(3)]
    assert 0.74 <= sum(found) / len(found) <= 0.86


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["flips", "right"])
def test_more_samples_settle_what_they_are_said_to(kind: str) -> None:
    """For a margin and for a floor, of what is as good and of what is worse."""
    for found in islice(settling(kind, 40), 2):
        assert found["could not tell"] >= 20
        assert 0.6 <= found["said, median"] / found["truly needed, median"] <= 1.8
        assert 0.65 <= found["power"] <= 0.9
