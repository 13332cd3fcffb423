"""Every metric of a release beside its champion's, with the intervals of both and of their difference; pure."""

from collections.abc import Iterator, Sequence
from math import inf

from evals.gating.criteria import Side
from evals.gating.measures import LEVEL, SHOWN
from evals.gating.stats import interval
from evals.gating.verdict import Measure, Verdict
from evals.runs import Kept
from evals.samples import Dataset, Sample


class Spanned(Kept):
    """A mean and the ends of its 95 % interval; no ends where there are too few samples."""

    value: float
    low: float | None = None
    high: float | None = None


class Beside(Kept):
    """A measure of the Verdict, the champion's mean over the samples that both have, and the release's minus it."""

    measure: Measure
    champion: Spanned | None = None
    difference: Spanned | None = None


def beside(verdict: Verdict, dataset: Dataset, release: Side, champion: Side | None) -> Iterator[Beside]:
    """Every measure over all samples."""
    for measure in verdict.measures:
        if not measure.slice:
            yield _beside(measure, dataset, release, champion)


def _beside(measure: Measure, dataset: Dataset, release: Side, champion: Side | None) -> Beside:
    if champion is None:
        return Beside(measure=measure)
    both = [
        (sample, new, old)
        for sample in dataset.samples
        if (new := release.value(measure.metric, sample.id)) is not None
        and (old := champion.value(measure.metric, sample.id)) is not None
    ]
    samples = [sample for sample, _, _ in both]
    return Beside(
        measure=measure,
        champion=_spanned(samples, [old for _, _, old in both]),
        difference=_spanned(samples, [new - old for _, new, old in both]),
    )


def _spanned(samples: Sequence[Sample], values: Sequence[float]) -> Spanned | None:
    """The mean with its interval over clusters."""
    if len(values) < 2:
        return Spanned(value=values[0]) if values else None
    found = interval(values, [sample.depends_on for sample in samples], LEVEL / 2, None, SHOWN)
    if abs(found.low) == inf:
        return Spanned(value=found.value)
    return Spanned(value=found.value, low=found.low, high=found.high)
