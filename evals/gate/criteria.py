"""Criteria: what each threshold asks of the scores of a release, and of its champion's; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

from evals.dataset import Dataset, Sample
from evals.gate.stats import Interval, Levels, Scale, interval
from evals.gate.thresholds import Kind, Threshold, Thresholds
from evals.gate.verdict import Measure
from evals.metrics.catalog import METRICS
from evals.metrics.metric import Metric
from evals.runs import EvaluatedRelease, RunInfo
from evals.scores import FAILED, MeanInterval, Score, by_metric

ALL_FAILED = "; all of these failed"
"""How the problem of a criterion ends where every score that is missing is of a sample that failed."""
ByMetric = Mapping[str, Mapping[str, Score]]


@dataclass(frozen=True)
class ScoredRelease:
    """A release, and its scores by metric and sample."""

    release: EvaluatedRelease
    scores: ByMetric

    @classmethod
    def of_run(cls, run: RunInfo, scores: Iterable[Score]) -> "ScoredRelease":
        """What a run asked, with the scores of the run."""
        release = EvaluatedRelease(**run.model_dump(include=set(EvaluatedRelease.model_fields)))
        return cls(release, by_metric(scores))

    def of(self, metric: str, sample: str) -> Score | None:
        return self.scores.get(metric, {}).get(sample)

    def value(self, metric: str, sample: str) -> float | None:
        score = self.of(metric, sample)
        return score.value if score else None

    def values(self, metric: str) -> dict[str, float]:
        """The values of a metric by sample; samples without one are left out."""
        scores = self.scores.get(metric, {})
        return {sample: value for sample, score in scores.items() if (value := score.value) is not None}


@dataclass(frozen=True)
class Criterion:
    """What is asked: that the mean of `values`, so turned that more is better, is shown to reach `bound`.

    `champion` are the champion's values where it has those of all samples. `problem` says why it cannot be met,
    whatever the values.
    """

    threshold: Threshold
    kind: Kind
    values: tuple[float, ...]
    clusters: tuple[str, ...]
    champion: tuple[float, ...] = ()
    problem: str = ""

    @property
    def metric(self) -> Metric:
        return METRICS[self.threshold.metric]

    @property
    def asked(self) -> float:
        """The bound as people wrote it."""
        return self.threshold.kinds[self.kind]

    @property
    def bound(self) -> float:
        return -self.asked if self.kind == "margin" else self.metric.sign * self.asked

    @property
    def moved(self) -> tuple[int, int]:
        """Of a margin: the samples on which the release is worse than the champion, and better."""
        worse, better = (sum(sign * value < 0 for value in self.values) for sign in (1, -1))
        return (worse, better) if self.kind == "margin" else (0, 0)

    @property
    def scale(self) -> Scale | None:
        return scale_of(self.metric, paired=self.kind == "margin")


def scale_of(metric: Metric, *, paired: bool) -> Scale | None:
    """What the values can be, so turned that more is better, or their differences; None for seconds and dollars."""
    if metric.unit:
        return None
    low, high = max(metric.low, 0.0), metric.high
    if paired:
        return low - high, high - low
    return (low, high) if metric.sign > 0 else (-high, -low)


def criteria(
    thresholds: Thresholds, dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None
) -> Iterator[Criterion]:
    """All that is asked; without a champion no margins are."""
    for threshold in thresholds.threshold:
        for kind in threshold.kinds:
            if champion is not None or kind != "margin":
                yield _criterion(dataset, release, champion, threshold, kind)


def of_slice(dataset: Dataset, tag: str) -> list[Sample]:
    """The samples with a tag; all of them where there is none."""
    return [sample for sample in dataset.samples if not tag or tag in sample.tags]


def _criterion(
    dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None, threshold: Threshold, kind: Kind
) -> Criterion:
    sides = [release, champion] if kind == "margin" and champion else [release]
    samples, name = of_slice(dataset, threshold.slice), threshold.metric
    asked = [sample for sample in samples if _asked(name, sample, release, champion, sides)]
    scored = [sample for sample in asked if all(side.value(name, sample.id) is not None for side in sides)]
    sign = METRICS[name].sign
    theirs = [champion.value(name, sample.id) for sample in scored] if champion else []
    return Criterion(
        threshold=threshold,
        kind=kind,
        values=tuple(sign * _gained(sides, name, sample) for sample in scored),
        clusters=tuple(sample.depends_on for sample in scored),
        champion=() if None in theirs else tuple(sign * value for value in theirs if value is not None),
        problem=_problem(dataset, threshold, samples, asked, scored, sides),
    )


def _asked(
    name: str, sample: Sample, release: ScoredRelease, champion: ScoredRelease | None, sides: Sequence[ScoredRelease]
) -> bool:
    """Whether a metric applies to a sample, and each of the sides has something that it tests."""
    known = any(side.of(name, sample.id) for side in (release, champion) if side)
    return known and not any(score.untested for side in sides if (score := side.of(name, sample.id)))


def _gained(sides: Sequence[ScoredRelease], name: str, sample: Sample) -> float:
    """What the release has, over the champion where there are two sides."""
    found = [side.value(name, sample.id) or 0.0 for side in sides]
    return found[0] - sum(found[1:])


def _problem(
    dataset: Dataset,
    threshold: Threshold,
    samples: Sequence[Sample],
    asked: Sequence[Sample],
    scored: Sequence[Sample],
    sides: Sequence[ScoredRelease],
) -> str:
    """Why a criterion cannot be met; empty when it can."""
    if not samples:
        return f"no sample has the tag {threshold.slice!r}; there are {', '.join(dataset.tags) or 'no tags'}"
    if not asked and METRICS[threshold.metric].judged:
        return f"no judge scored {threshold.metric}; configure one with --judge or WARRANT_JUDGE_MODEL"
    if not asked:
        return f"{threshold.metric} applies to none of the {len(samples)} samples"
    there, name = {sample.id for sample in scored}, threshold.metric
    if left := [sample for sample in asked if sample.id not in there]:
        why = next((reason for side in sides if (reason := _reason(side, threshold.metric, left[0]))), "")
        failed = all((score := sides[0].of(name, each.id)) and score.reason.startswith(FAILED) for each in left)
        return f"{len(left)} of {len(asked)} samples have no score ({left[0].id}: {why}){ALL_FAILED if failed else ''}"
    return ""


def _reason(side: ScoredRelease, name: str, sample: Sample) -> str:
    """Why one side has no value for a sample; empty when it has one."""
    score = side.of(name, sample.id)
    whose = f"{side.release.label} "
    return f"{whose}has none at all" if score is None else f"{whose}{score.reason}" if score.reason else ""


def measures(
    dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None, levels: Levels
) -> Iterator[Measure]:
    """Every metric over all samples, with its intervals, and over each tag, without."""
    for tag in ("", *dataset.tags):
        for metric in METRICS.values():
            found = measure(metric, of_slice(dataset, tag), release, champion, None if tag else levels)
            if found.samples or found.without:
                yield found.model_copy(update={"slice": tag})


def measure(
    metric: Metric,
    samples: Sequence[Sample],
    release: ScoredRelease,
    champion: ScoredRelease | None,
    levels: Levels | None,
) -> Measure:
    """One metric over some samples, beside the champion's; without levels there are no intervals."""
    new, old = release.values(metric.name), champion.values(metric.name) if champion else {}
    asked = [sample for sample in samples if (score := release.of(metric.name, sample.id)) and not score.untested]
    own = [sample for sample in asked if sample.id in new]
    both = [sample for sample in own if sample.id in old]
    changes = [new[sample.id] - old[sample.id] for sample in both]
    return Measure(
        metric=metric.name,
        samples=len(own),
        without=len(asked) - len(own),
        mean=_mean(metric, own, [new[sample.id] for sample in own], levels),
        champion=_mean(metric, both, [old[sample.id] for sample in both], levels),
        difference=_mean(metric, both, changes, levels, paired=True),
    )


def _mean(
    metric: Metric, samples: Sequence[Sample], values: Sequence[float], levels: Levels | None, *, paired: bool = False
) -> MeanInterval | None:
    """The mean with its interval over clusters; None without values."""
    if not values:
        return None
    if levels is None:
        return MeanInterval(value=fmean(values))
    clusters, turned = [sample.depends_on for sample in samples], [metric.sign * value for value in values]
    return in_unit(metric, interval(turned, clusters, levels, scale_of(metric, paired=paired)))


def in_unit(metric: Metric, found: Interval) -> MeanInterval:
    """An interval of values so turned that more is better, as the metric has them; without ends where it has none."""
    low, high = sorted((metric.sign * found.low, metric.sign * found.high))
    ends = {"low": low, "high": high} if isfinite(low) and isfinite(high) else {}
    return MeanInterval(value=metric.sign * found.value, **ends)
