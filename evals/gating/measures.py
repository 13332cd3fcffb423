"""Measures: every metric of a release beside its champion's, whole and by tag, whatever the thresholds ask; pure."""

from collections.abc import Iterator, Sequence
from math import inf

from evals.gating.criteria import Side, of_slice
from evals.gating.stats import interval
from evals.gating.verdict import Measure
from evals.metrics.known import METRICS
from evals.samples import Dataset, Sample

SHOWN, LEVEL = 1_999, 0.05
"""Resamples of intervals that decide nothing, and how often they may miss: they are 95 % intervals."""


def measures(dataset: Dataset, release: Side, champion: Side | None) -> Iterator[Measure]:
    """Every metric over all samples, with its interval, and over each tag, without."""
    for tag in ("", *dataset.tags):
        for name in METRICS:
            found = _measure(name, tag, of_slice(dataset, tag), release, champion)
            if found.samples or found.without:
                yield found if tag else _with_interval(found, dataset, release)


def _measure(name: str, tag: str, samples: Sequence[Sample], release: Side, champion: Side | None) -> Measure:
    """The means of one metric, the champion's over the samples that both have a score of."""
    asked = [sample for sample in samples if release.of(name, sample.id)]
    values = {each.id: value for each in asked if (value := release.value(name, each.id)) is not None}
    other = [value for each in values if champion and (value := champion.value(name, each)) is not None]
    return Measure(
        metric=name,
        slice=tag,
        samples=len(values),
        without=len(asked) - len(values),
        value=sum(values.values()) / len(values) if values else None,
        champion=sum(other) / len(other) if other else None,
    )


def _with_interval(measure: Measure, dataset: Dataset, release: Side) -> Measure:
    scored = [each for each in dataset.samples if release.value(measure.metric, each.id) is not None]
    if len(scored) < 2:
        return measure
    values = [release.value(measure.metric, each.id) or 0.0 for each in scored]
    found = interval(values, [each.depends_on for each in scored], LEVEL / 2, None, SHOWN)
    bounds = {"low": found.low, "high": found.high} if abs(found.low) < inf else {}
    return measure.model_copy(update=bounds)
