"""How many samples and repeats it takes for a release that is as good as the champion to pass; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from evals.dataset import Dataset, Sample, StrictModel
from evals.errors import RunInvalid
from evals.gate.criteria import ScoredRelease, of_slice, scale_of
from evals.gate.stats import FAR, Decision, Floats, Levels, Sums, bounds, clusters_needed, power
from evals.gate.thresholds import Kind, Threshold, Thresholds
from evals.metrics.catalog import METRICS


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
    """A criterion, the samples that it is about, and the values of each: for a margin, those of the differences."""

    threshold: Threshold
    kind: Kind
    samples: tuple[Sample, ...]
    values: tuple[tuple[float, ...], ...]


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
    asked = [
        CriterionValues(threshold, kind, *_values(dataset, threshold, kind, champion, other))
        for threshold in thresholds.threshold
        for kind in threshold.kinds
    ]
    margins, asked = any(each.kind == "margin" for each in asked), [each for each in asked if each.samples]
    if not asked or (margins and all(each.kind != "margin" for each in asked)):
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
                metric=each.threshold.metric,
                slice=each.threshold.slice,
                kind=each.kind,
                bound=each.threshold.kinds[each.kind],
                spread=float(np.std([drawing(each, values, 1, n) for values in each.values for n in range(drawings)])),
                samples={k: needed[k][place] for k in repeats},
            )
            for place, each in enumerate(asked)
        ),
        chance=chance,
        needed={k: needed[k][-1] for k in repeats},
    )


def drawing(asked: CriterionValues, values: Sequence[float], repeats: int, number: int) -> float:
    """What a sample of these values has if it is asked so many times: one of as many drawings as it has values.

    A margin compares as many repeats with as many others; where there are too few, a difference of fewer is scaled.
    """
    margin = asked.kind == "margin"
    many = min(repeats, len(values) // (1 + margin) or 1)
    first, second = (
        fmean(values[(number + shift + step) % len(values)] for step in range(many)) for shift in (0, many)
    )
    return (first - second) * sqrt(many / repeats) if margin else first


def _values(
    dataset: Dataset, threshold: Threshold, kind: Kind, champion: ScoredRelease, other: ScoredRelease | None
) -> tuple[tuple[Sample, ...], tuple[tuple[float, ...], ...]]:
    """The samples with values, and their values, so turned that more is better."""
    metric = METRICS[threshold.metric]
    samples: list[Sample] = []
    found: list[tuple[float, ...]] = []
    same = other is None or other.release.release == champion.release.release
    for sample in of_slice(dataset, threshold.slice):
        sides = [score.values for side in (champion, other) if side and (score := side.of(metric.name, sample.id))]
        if not sides or not all(sides):
            continue
        if same or kind != "margin":
            values = [value for side in (sides if same else sides[:1]) for value in side]
            if kind == "margin" and len(values) < 2:
                continue
        else:
            change = (fmean(sides[0]) - fmean(sides[-1])) / 2
            values = [change, -change]
        samples.append(sample)
        found.append(tuple(metric.sign * value for value in values))
    return tuple(samples), tuple(found)


def _decisions(
    asked: Sequence[CriterionValues], clusters: Sequence[str], drawings: int, repeats: int, alpha: float
) -> tuple[Floats, list[Decision]]:
    """Whether each criterion is met, and at last whether all are, by datasets of clusters that have these weights.

    Every cluster is there once for each drawing; those that are alike for all criteria are one.
    """
    sums = [_sums(each, clusters, drawings, repeats) for each in asked]
    rows = np.concatenate([[each.totals, each.sizes] for each in sums])
    different, many = np.unique(rows, axis=1, return_counts=True)
    met = [_met(each, Sums(*different[2 * n : 2 * n + 2]), alpha) for n, each in enumerate(asked)]
    return many / many.sum(), [*met, lambda counts: np.logical_and.reduce([each(counts) for each in met])]


def _sums(asked: CriterionValues, clusters: Sequence[str], drawings: int, repeats: int) -> Sums:
    place = np.searchsorted(clusters, [sample.depends_on for sample in asked.samples])
    totals = [
        np.bincount(place, [drawing(asked, values, repeats, n) for values in asked.values], len(clusters))
        for n in range(drawings)
    ]
    return Sums(np.concatenate(totals), np.tile(np.bincount(place, minlength=len(clusters)).astype(float), drawings))


def _met(asked: CriterionValues, sums: Sums, alpha: float) -> Decision:
    metric, limit, margin = METRICS[asked.threshold.metric], asked.threshold.kinds[asked.kind], asked.kind == "margin"
    bound, scale, about = -limit if margin else metric.sign * limit, scale_of(metric, paired=margin), sums.sizes > 0
    there = Sums(sums.totals[about], sums.sizes[about])

    def met(counts: Floats) -> NDArray[np.bool_]:
        found = np.zeros(len(counts), bool)
        some = counts[:, about].sum(1) > 0
        found[some] = bounds(there, counts[some][:, about], Levels(alpha, alpha), scale)[0] >= bound
        return found

    return met
