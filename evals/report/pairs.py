"""Pairs: the outcomes of each sample under the release and under its champion, the worst changes first; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.dataset import Dataset, Sample
from evals.gate.criteria import ScoredRelease
from evals.gate.verdict import Verdict
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun, RunInfo, SampleOutcome
from evals.scores import Score

Moved = Literal["failed", "worse", "unmatched", "same", "better"]
ORDER: tuple[Moved, ...] = ("failed", "worse", "unmatched", "same", "better")
SAME = 0.01
"""Changes of the mean up to this much are no change."""


@dataclass(frozen=True)
class ReportedRun:
    """A run as it was read: what was asked of what, the scores, and the outcome of each sample."""

    info: RunInfo
    dataset: Dataset
    scored: ScoredRelease
    outcomes: Mapping[str, SampleOutcome]

    @classmethod
    def of_run(cls, run: EvalRun, scores: Iterable[Score]) -> "ReportedRun":
        """A run with its scores; raises RunInvalid."""
        return cls(run.info, run.dataset, ScoredRelease.of_run(run.info, scores), run.outcomes)


@dataclass(frozen=True)
class MetricChange:
    """A metric of one sample on both sides; None where it was not scored at all."""

    metric: str
    release: Score | None
    champion: Score | None

    @property
    def gain(self) -> float | None:
        """How much better the release is, in the metric's unit; None where one side has no value."""
        new, old = (score.value if score else None for score in (self.release, self.champion))
        if new is None or old is None:
            return None
        return METRICS[self.metric].sign * (new - old)


@dataclass(frozen=True)
class SamplePair:
    """A sample with both outcomes; `gain` is the mean one over the metrics that order the samples.

    `failed`: the release has no answer. `unmatched`: there is nothing to compare its answer with.
    """

    sample: Sample
    release: SampleOutcome | None
    champion: SampleOutcome | None
    changes: tuple[MetricChange, ...]
    moved: Moved
    gain: float | None
    own: float | None


def ordering(verdict: Verdict, scored: ScoredRelease) -> tuple[str, ...]:
    """The metrics that order the samples: those without a unit that criteria ask about, else all that there are."""
    asked = dict.fromkeys(each.metric for each in verdict.findings)
    plain = [name for name in METRICS if not METRICS[name].unit and scored.scores.get(name)]
    return tuple(name for name in plain if name in asked) or tuple(plain)


def pairs(dataset: Dataset, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> list[SamplePair]:
    """Every sample, the worst first: failed, then by the mean gain; without a champion, by the mean score."""
    found = [_pair(sample, release, champion, by) for sample in dataset.samples]
    return sorted(found, key=lambda pair: (ORDER.index(pair.moved), _weight(pair)))


def status(outcome: SampleOutcome | None) -> str:
    """What became of a sample: its answer's status, `failed` or `not asked`."""
    if outcome is None:
        return "not asked"
    return "failed" if outcome.answer is None else str(outcome.answer.get("status", "unknown"))


def confidence(outcome: SampleOutcome | None) -> float | None:
    """How confident an answer is; None where it does not say."""
    confidence = (outcome.answer or {}).get("confidence") if outcome else None
    return float(confidence) if isinstance(confidence, int | float) else None


def _pair(sample: Sample, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> SamplePair:
    changes = tuple(
        MetricChange(name, new, old)
        for name in METRICS
        if (new := release.scored.of(name, sample.id)) or (champion and champion.scored.of(name, sample.id))
        for old in [champion.scored.of(name, sample.id) if champion else None]
    )
    outcome = release.outcomes.get(sample.id)
    counted = [change for change in changes if change.metric in by]
    gain = _mean([change.gain for change in counted])
    failed = outcome is None or outcome.answer is None
    return SamplePair(
        sample=sample,
        release=outcome,
        champion=champion.outcomes.get(sample.id) if champion else None,
        changes=changes,
        moved="failed" if failed else _moved(gain),
        gain=gain,
        own=_mean([_turned(change) for change in counted]),
    )


def _moved(gain: float | None) -> Moved:
    if gain is None:
        return "unmatched"
    return "worse" if gain < -SAME else "better" if gain > SAME else "same"


def _weight(pair: SamplePair) -> float:
    """Less is worse."""
    return next((value for value in (pair.gain, pair.own) if value is not None), 0.0)


def _turned(change: MetricChange) -> float | None:
    """The release's value, so turned that more is better."""
    value = change.release.value if change.release else None
    return None if value is None else METRICS[change.metric].sign * value


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
