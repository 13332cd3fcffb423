"""Measures: every metric of a release beside its champion's, whole and by tag, whatever the thresholds ask; pure."""

from collections.abc import Iterator, Sequence
from math import isfinite

from evals.dataset import Dataset, Sample, StrictModel
from evals.gate.criteria import ScoredRelease, of_slice, scale_of
from evals.gate.stats import Levels, interval
from evals.gate.verdict import Measure, Verdict
from evals.metrics.catalog import METRICS, Metric


class MeanInterval(StrictModel):
    """A mean and the ends of its interval, at the levels of the Verdict; no ends where there are too few samples."""

    value: float
    low: float | None = None
    high: float | None = None


class MeasureComparison(StrictModel):
    """A measure of the Verdict, the champion's mean over the samples that both have, and the release's minus it."""

    measure: Measure
    champion: MeanInterval | None = None
    difference: MeanInterval | None = None


def measures(
    dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None, levels: Levels
) -> Iterator[Measure]:
    """Every metric over all samples, with its interval, and over each tag, without."""
    for tag in ("", *dataset.tags):
        for metric in METRICS.values():
            found = _measure(metric, tag, of_slice(dataset, tag), release, champion, levels)
            if found.samples or found.without:
                yield found


def compare_metrics(
    verdict: Verdict, dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None
) -> Iterator[MeasureComparison]:
    """Every measure over all samples, beside the champion's over the samples that both have."""
    levels = Levels(verdict.alpha, verdict.alpha_missed)
    for measure in verdict.measures:
        if measure.slice:
            continue
        metric = METRICS[measure.metric]
        new, old = release.values(metric.name), champion.values(metric.name) if champion else {}
        both = [sample for sample in dataset.samples if sample.id in new and sample.id in old]
        changes = [new[sample.id] - old[sample.id] for sample in both]
        yield MeasureComparison(
            measure=measure,
            champion=mean_interval(metric, both, [old[sample.id] for sample in both], levels),
            difference=mean_interval(metric, both, changes, levels, paired=True),
        )


def mean_interval(
    metric: Metric, samples: Sequence[Sample], values: Sequence[float], levels: Levels, *, paired: bool = False
) -> MeanInterval | None:
    """The mean with its interval over clusters; None without values."""
    if not values:
        return None
    clusters, turned = [sample.depends_on for sample in samples], [metric.sign * value for value in values]
    found = interval(turned, clusters, levels, scale_of(metric, paired=paired))
    low, high = sorted((metric.sign * found.low, metric.sign * found.high))
    ends = {"low": low, "high": high} if isfinite(low) and isfinite(high) else {}
    return MeanInterval(value=metric.sign * found.value, **ends)


def _measure(
    metric: Metric,
    tag: str,
    samples: Sequence[Sample],
    release: ScoredRelease,
    champion: ScoredRelease | None,
    levels: Levels,
) -> Measure:
    """The means of one metric, the champion's over the samples that both have a score of."""
    name = metric.name
    values, theirs = release.values(name), champion.values(name) if champion else {}
    asked = [sample for sample in samples if release.of(name, sample.id)]
    scored = [sample for sample in asked if sample.id in values]
    own, other = ([found[each.id] for each in scored if each.id in found] for found in (values, theirs))
    spread = None if tag else mean_interval(metric, scored, own, levels)
    return Measure(
        metric=name,
        slice=tag,
        samples=len(own),
        without=len(asked) - len(own),
        value=sum(own) / len(own) if own else None,
        low=spread.low if spread else None,
        high=spread.high if spread else None,
        champion=sum(other) / len(other) if other else None,
    )
