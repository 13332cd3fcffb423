"""The plan: how many samples and repeats a margin needs."""

from collections.abc import Sequence

import numpy as np
import pytest

from evals.dataset import Dataset, Sample
from evals.errors import RunInvalid
from evals.gate.criteria import ScoredRelease
from evals.gate.plan import SamplePlan, plan
from evals.gate.thresholds import Threshold, Thresholds
from evals.runs import EvaluatedRelease
from evals.scores import Score

MANY = 120
DATASET = Dataset(
    "d", tuple(Sample(id=f"s{n}", question="?", answerable=True, tags=("few",) * (n < 30)) for n in range(MANY))
)
MARGIN = Thresholds(threshold=(Threshold(metric="answered", margin=0.05),))


def release(values: Sequence[tuple[float, ...]], digest: str = "d") -> ScoredRelease:
    scores = {f"s{n}": Score(sample=f"s{n}", metric="answered", values=each) for n, each in enumerate(values)}
    return ScoredRelease(EvaluatedRelease(label="r", release=digest, snapshot="s"), {"answered": scores})


def noisy(repeats: int, share: float) -> list[tuple[float, ...]]:
    """A share of the answers is right one time in two, the others are right."""
    chance = np.random.default_rng(1)
    unsure = int(share * MANY)
    return [tuple(map(float, chance.random(repeats) < 0.5)) if n < unsure else (1.0,) * repeats for n in range(MANY)]


def planned(champion: ScoredRelease, other: ScoredRelease | None = None, thresholds: Thresholds = MARGIN) -> SamplePlan:
    return plan(thresholds, DATASET, champion, other, (1, 4))


def test_noise_takes_more_samples_and_repeats_fewer() -> None:
    calm, torn = planned(release(noisy(4, 0.1))), planned(release(noisy(4, 0.4)))
    assert (calm.needed[1] or 0) < (torn.needed[1] or 0)
    assert 1.8 * (torn.needed[4] or 0) < (torn.needed[1] or 0)
    assert torn.chance[1] < torn.chance[4]
    assert torn.criteria[0].samples == torn.needed
    assert torn.criteria[0].spread == pytest.approx((0.4 / 2) ** 0.5, abs=0.06)


def test_a_release_that_answers_alike_needs_what_the_rule_of_three_says() -> None:
    found = planned(release([(1.0, 1.0)] * MANY))
    assert found.needed == {1: 59, 4: 59}
    assert found.chance == {1: 1.0, 4: 1.0}


def test_two_runs_of_a_release_are_two_repeats() -> None:
    both = noisy(2, 0.3)
    apart = planned(release([(first,) for first, _ in both]), release([(second,) for _, second in both]))
    assert apart == planned(release(both))


def test_another_release_shows_what_a_change_of_release_changes() -> None:
    changed = [(0.0,) if n < 20 else (1.0,) for n in range(MANY)]
    found = planned(release([(1.0,)] * MANY), release(changed, "other"))
    assert found.criteria[0].spread == pytest.approx((20 / MANY) ** 0.5)
    assert (found.needed[1] or 0) > 300


def test_one_answer_a_question_is_no_churn() -> None:
    with pytest.raises(RunInvalid, match="--repeats"):
        planned(release([(1.0,)] * MANY))


def test_a_slice_needs_the_whole_dataset_to_grow_and_a_floor_above_the_champion_is_out_of_reach() -> None:
    values = [(1.0, 1.0) if n % 10 else (0.0, 0.0) for n in range(MANY)]
    asked = Thresholds(
        threshold=(
            Threshold(metric="answered", floor=0.8),
            Threshold(metric="answered", slice="few", floor=0.8),
        )
    )
    whole, part = planned(release(values), thresholds=asked).criteria
    assert 2 * (whole.samples[1] or 0) < (part.samples[1] or 0)
    high = Thresholds(threshold=(Threshold(metric="answered", floor=0.95),))
    assert planned(release(values), thresholds=high).needed == {1: None, 4: None}
