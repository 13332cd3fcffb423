"""How many samples and repeats it takes for a release that is as good as the champion to pass; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from evals.dataset import Dataset, Sample, StrictModel
from evals.errors import RunInvalid
from evals.gate.criteria import Criterion, ScoredRelease, of_slice
from evals.gate.stats import FAR, Decision, Floats, Levels, Sums, bounds, clusters_needed, power
from evals.gate.thresholds import Kind, Thresholds


class PlannedCriterion(StrictModel):
    """A criterion, and by repeats how many samples a dataset needs so that four of five as good releases meet it.

    `spread` is the standard deviation of a sample that is asked once: of the metric, or for a margin of the difference.
    None: out of reach with FAR times as many.
    """

    metric: str
    slice: str = ""
    kind: Kind
    bound: float
    spread: float
    samples: dict[int, int | None]


class SamplePlan(StrictModel):
    """What a dataset can show, by repeats.

    `chance` is that of a release as good as the champion to meet all criteria with the samples that there are, `needed`
    are those with which it is four in five.
    """

    dataset: str
    samples: int
    criteria: tuple[PlannedCriterion, ...]
    chance: dict[int, float]
    needed: dict[int, int | None]


@dataclass(frozen=True)
class CriterionValues:
    """What is asked, the samples that it is about, and the values of each: for a margin, those of the differences."""

    asked: Criterion
    samples: Sequence[Sample]
    values: Sequence[Sequence[float]]

    def drawn(self, repeats: int, number: int) -> list[float]:
        """What each sample has if it is asked so many times: one of as many drawings as it has values.

        A margin compares as many repeats with as many others; where there are too few, a difference of fewer is scaled.
        """
        margin = self.asked.kind == "margin"
        found = []
        for values in self.values:
            many = min(repeats, len(values) // (1 + margin) or 1)
            first, second = (
                fmean(values[(number + shift + step) % len(values)] for step in range(many)) for shift in (0, many)
            )
            found.append((first - second) * sqrt(many / repeats) if margin else first)
        return found

    def sums(self, clusters: Sequence[str], drawings: int, repeats: int) -> Sums:
        """The sums of each cluster, for one drawing after the other."""
        place = np.searchsorted(clusters, [sample.depends_on for sample in self.samples])
        totals = [np.bincount(place, self.drawn(repeats, n), len(clusters)) for n in range(drawings)]
        sizes = np.bincount(place, minlength=len(clusters)).astype(float)
        return Sums(np.concatenate(totals), np.tile(sizes, drawings))


def plan(
    thresholds: Thresholds,
    dataset: Dataset,
    champion: ScoredRelease,
    other: ScoredRelease | None,
    repeats: Sequence[int],
) -> SamplePlan:
    """The plan for all criteria, from a run of the champion and its churn; raises RunInvalid where it shows none.

    Churn is what differs between repeats of the same question; margins of what has no repeats are left out. `other` is
    a second run: of the same release, it adds repeats; of another release, the differences between the two are the
    churn, and `repeats` should be 1.
    """
    wanted = [Criterion(threshold, kind, (), ()) for threshold in thresholds.threshold for kind in threshold.kinds]
    asked = [each for each in (_values(dataset, each, champion, other) for each in wanted) if each.samples]
    lacking = {each.kind for each in wanted} - {each.asked.kind for each in asked}
    if not asked or "margin" in lacking:
        raise RunInvalid("One answer a question shows no churn: give a run with --repeats, or a second run.")
    clusters = sorted({sample.depends_on for sample in dataset.samples})
    drawings, size = max(len(values) for each in asked for values in each.values), len(dataset.samples) / len(clusters)
    chance: dict[int, float] = {}
    needed: dict[int, list[int | None]] = {}
    for k in repeats:
        weights, decisions = _decisions(asked, clusters, drawings, k, thresholds.alpha)
        chance[k] = power(weights, decisions[-1], len(clusters))
        found = [clusters_needed(weights, decision, FAR * len(clusters)) for decision in decisions]
        needed[k] = [None if many is None else round(many * size) for many in found]
    return SamplePlan(
        dataset=dataset.name,
        samples=len(dataset.samples),
        criteria=tuple(
            PlannedCriterion(
                metric=each.asked.threshold.metric,
                slice=each.asked.threshold.slice,
                kind=each.asked.kind,
                bound=each.asked.asked,
                spread=float(np.std([each.drawn(1, n) for n in range(drawings)])),
                samples={k: needed[k][place] for k in repeats},
            )
            for place, each in enumerate(asked)
        ),
        chance=chance,
        needed={k: needed[k][-1] for k in repeats},
    )


def _values(
    dataset: Dataset, asked: Criterion, champion: ScoredRelease, other: ScoredRelease | None
) -> CriterionValues:
    """The samples with values, and their values, so turned that more is better."""
    metric, margin = asked.metric, asked.kind == "margin"
    samples: list[Sample] = []
    found: list[list[float]] = []
    same = other is None or other.release.release == champion.release.release
    for sample in of_slice(dataset, asked.threshold.slice):
        sides = [score.values for side in (champion, other) if side and (score := side.of(metric.name, sample.id))]
        if not sides or not all(sides):
            continue
        if margin and not same:
            change = (fmean(sides[0]) - fmean(sides[-1])) / 2
            values = [change, -change]
        else:
            values = [value for side in (sides if same else sides[:1]) for value in side]
        if len(values) > margin:
            samples.append(sample)
            found.append([metric.sign * value for value in values])
    return CriterionValues(asked, samples, found)


def _decisions(
    asked: Sequence[CriterionValues], clusters: Sequence[str], drawings: int, repeats: int, alpha: float
) -> tuple[Floats, list[Decision]]:
    """Whether each criterion is met, and at last whether all are, by datasets of clusters that have these weights.

    Every cluster is there once for each drawing; those that are alike for all criteria are one.
    """
    sums = [each.sums(clusters, drawings, repeats) for each in asked]
    rows = np.concatenate([[each.totals, each.sizes] for each in sums])
    different, many = np.unique(rows, axis=1, return_counts=True)
    met = [_met(each.asked, Sums(*different[2 * n : 2 * n + 2]), alpha) for n, each in enumerate(asked)]
    return many / many.sum(), [*met, lambda counts: np.logical_and.reduce([each(counts) for each in met])]


def _met(asked: Criterion, sums: Sums, alpha: float) -> Decision:
    about = sums.sizes > 0
    there = Sums(sums.totals[about], sums.sizes[about])

    def met(counts: Floats) -> NDArray[np.bool_]:
        found = np.zeros(len(counts), bool)
        some = counts[:, about].sum(1) > 0
        found[some] = bounds(there, counts[some][:, about], Levels(alpha, alpha), asked.scale)[0] >= asked.bound
        return found

    return met
