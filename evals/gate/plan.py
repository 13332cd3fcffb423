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
from evals.gate.stats import FAR, Decision, Floats, Levels, Sums, bounds, clusters_needed, power, summed
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


class Plan(StrictModel):
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
class Asked:
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
) -> Plan:
    """The plan for all criteria, from a run of the champion and its churn; raises RunInvalid where it shows none.

    Churn is what differs between repeats of the same question. `other` is a second run: of the same release, it adds
    repeats; of another release, the differences between the two are the churn, and `repeats` should be 1.
    """
    asked = [
        Asked(threshold, kind, *_values(dataset, threshold, kind, champion, other))
        for threshold in thresholds.threshold
        for kind in threshold.kinds
    ]
    asked = [each for each in asked if each.samples]
    clusters = sorted({sample.depends_on for sample in dataset.samples})
    drawings, size = max(len(values) for each in asked for values in each.values), len(dataset.samples) / len(clusters)

    def needed(decision: Decision) -> int | None:
        found = clusters_needed(drawings * len(clusters), decision, 2, FAR * len(clusters))
        return None if found is None else round(found * size)

    met = {k: [_passes(each, clusters, drawings, k, thresholds.alpha) for each in asked] for k in repeats}
    both = {k: _all(decisions) for k, decisions in met.items()}
    return Plan(
        dataset=dataset.name,
        samples=len(dataset.samples),
        criteria=tuple(
            PlannedCriterion(
                metric=each.threshold.metric,
                slice=each.threshold.slice,
                kind=each.kind,
                bound=each.threshold.kinds[each.kind],
                spread=float(np.std([drawing(each, values, 1, n) for values in each.values for n in range(drawings)])),
                samples={k: needed(met[k][place]) for k in repeats},
            )
            for place, each in enumerate(asked)
        ),
        chance={k: power(drawings * len(clusters), each, len(clusters)) for k, each in both.items()},
        needed={k: needed(each) for k, each in both.items()},
    )


def drawing(asked: Asked, values: Sequence[float], repeats: int, number: int) -> float:
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
                raise RunInvalid("One answer a question shows no churn: give a run with --repeats, or a second run.")
        else:
            change = (fmean(sides[0]) - fmean(sides[-1])) / 2
            values = [change, -change]
        samples.append(sample)
        found.append(tuple(metric.sign * value for value in values))
    return tuple(samples), tuple(found)


def _passes(asked: Asked, clusters: Sequence[str], drawings: int, repeats: int, alpha: float) -> Decision:
    """Whether the criterion is met by datasets of the clusters, each of which is there once for every drawing."""
    metric, names = METRICS[asked.threshold.metric], [sample.depends_on for sample in asked.samples]
    sums = [
        summed([drawing(asked, values, repeats, number) for values in asked.values], names)
        for number in range(drawings)
    ]
    joined = Sums(np.concatenate([each.totals for each in sums]), np.concatenate([each.sizes for each in sums]))
    places = np.searchsorted(clusters, sorted(set(names)))
    columns = np.concatenate([places + number * len(clusters) for number in range(drawings)])
    limit = asked.threshold.kinds[asked.kind]
    bound = -limit if asked.kind == "margin" else metric.sign * limit
    scale = scale_of(metric, paired=asked.kind == "margin")

    def met(counts: Floats) -> NDArray[np.bool_]:
        there = counts[:, columns]
        enough = there.sum(1) > 0
        found = np.zeros(len(counts), bool)
        found[enough] = bounds(joined, there[enough], Levels(alpha, alpha), scale)[0] >= bound
        return found

    return met


def _all(decisions: Sequence[Decision]) -> Decision:
    return lambda counts: np.logical_and.reduce([decision(counts) for decision in decisions])
