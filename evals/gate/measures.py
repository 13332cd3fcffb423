"""Measures: every metric of a release beside its champion's, whole and by tag, whatever the thresholds ask; pure."""

from collections.abc import Iterator, Sequence
from math import inf

from evals.dataset import Dataset, Sample, StrictModel
from evals.gate.criteria import ScoredRelease, of_slice
from evals.gate.stats import interval
from evals.gate.verdict import Measure, Verdict
from evals.metrics.catalog import METRICS

RESAMPLES, LEVEL = 1_999, 0.05
"""For intervals that decide nothing: they are 95 % intervals."""


class MeanInterval(StrictModel):
    """A mean and the ends of its 95 % interval; no ends where there are too few samples."""

    value: float
    low: float | None = None
    high: float | None = None


class MetricComparison(StrictModel):
    """A measure of the Verdict, the champion's mean over the samples that both have, and the release's minus it."""

    measure: Measure
    champion: MeanInterval | None = None
    difference: MeanInterval | None = None


def measures(dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None) -> Iterator[Measure]:
    """Every metric over all samples, with its interval, and over each tag, without."""
    for tag in ("", *dataset.tags):
        for name in METRICS:
            found = _measure(name, tag, of_slice(dataset, tag), release, champion)
            if found.samples or found.without:
                yield found


def compare_metrics(
    verdict: Verdict, dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None
) -> Iterator[MetricComparison]:
    """Every measure over all samples, beside the champion's over the samples that both have."""
    for measure in verdict.measures:
        if measure.slice:
            continue
        new, old = release.values(measure.metric), champion.values(measure.metric) if champion else {}
        both = [sample for sample in dataset.samples if sample.id in new and sample.id in old]
        yield MetricComparison(
            measure=measure,
            champion=mean_interval(both, [old[sample.id] for sample in both]),
            difference=mean_interval(both, [new[sample.id] - old[sample.id] for sample in both]),
        )


def mean_interval(samples: Sequence[Sample], values: Sequence[float]) -> MeanInterval | None:
    """The mean with its interval over clusters; None without values."""
    if not values:
        return None
    if len(values) < 2:
        return MeanInterval(value=values[0])
    found = interval(values, [sample.depends_on for sample in samples], LEVEL / 2, None, RESAMPLES)
    ends = {"low": found.low, "high": found.high} if abs(found.low) < inf else {}
    return MeanInterval(value=found.value, **ends)


def _measure(
    name: str, tag: str, samples: Sequence[Sample], release: ScoredRelease, champion: ScoredRelease | None
) -> Measure:
    """The means of one metric, the champion's over the samples that both have a score of."""
    values, theirs = release.values(name), champion.values(name) if champion else {}
    asked = [sample for sample in samples if release.of(name, sample.id)]
    scored = [sample for sample in asked if sample.id in values]
    own, other = ([found[each.id] for each in scored if each.id in found] for found in (values, theirs))
    spread = mean_interval(scored, own) if not tag else None
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
