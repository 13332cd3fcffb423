"""The answers of two runs side by side, sample by sample; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evals.dataset import Dataset, Sample
from evals.gate.criteria import ScoredRelease
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun, RunInfo, SampleOutcome
from evals.scores import Score

Moved = Literal["failed", "worse", "unmatched", "same", "better"]


ORDER: tuple[Moved, ...] = ("failed", "worse", "unmatched", "same", "better")
SAME = 0.01
"""Changes of the mean up to this much are no change."""
Points = tuple[tuple[float, float], ...]


Json = dict[str, Any]


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
    def own(self) -> float | None:
        """The release's value, so turned that more is better."""
        value = self.release.value if self.release else None
        return None if value is None else METRICS[self.metric].sign * value

    @property
    def gain(self) -> float | None:
        """How much better the release is, in the metric's unit; None where one side has no value."""
        old = self.champion.value if self.champion else None
        return None if self.own is None or old is None else self.own - METRICS[self.metric].sign * old

    def as_json(self) -> Json:
        """Both values, and why there are none."""
        sides = {"release": self.release, "champion": self.champion}
        values = {name: score.value if score else None for name, score in sides.items()}
        reasons = {"why": self.release, "champion_why": self.champion}
        why = {name: score.reason if score else None for name, score in reasons.items()}
        return known({**values, **why, "gain": self.gain})


@dataclass(frozen=True)
class SamplePair:
    """A sample with both outcomes; `gain` and `own` are means over the metrics that order the samples.

    `failed`: the release has no answer. `unmatched`: there is nothing to compare its answer with.
    """

    sample: Sample
    release: SampleOutcome | None
    champion: SampleOutcome | None
    changes: tuple[MetricChange, ...]
    moved: Moved
    gain: float | None
    own: float | None

    def as_json(self, *, paired: bool) -> Json:
        return known(
            {
                "sample": self.sample.id,
                "tags": self.sample.tags,
                "moved": self.moved,
                "gain": self.gain,
                "release": side_json(self.release),
                "champion": side_json(self.champion) if paired else None,
                "scores": {change.metric: change.as_json() for change in self.changes},
            }
        )


def pairs(dataset: Dataset, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> list[SamplePair]:
    """Every sample, the worst first: failed, then by the mean gain; without a champion, by the mean score."""
    found = [_pair(sample, release, champion, by) for sample in dataset.samples]
    weights = {pair.sample.id: pair.own or 0.0 if pair.gain is None else pair.gain for pair in found}
    return sorted(found, key=lambda pair: (ORDER.index(pair.moved), weights[pair.sample.id]))


def status(outcome: SampleOutcome | None) -> str:
    """What became of a sample: its answer's status, `failed` or `not asked`."""
    if outcome is None:
        return "not asked"
    return "failed" if outcome.answer is None else str(outcome.answer.get("status", "unknown"))


def confidence(outcome: SampleOutcome | None) -> float | None:
    """How confident an answer is; None where it does not say."""
    confidence = (outcome.answer or {}).get("confidence") if outcome else None
    return float(confidence) if isinstance(confidence, int | float) else None


def side_json(outcome: SampleOutcome | None) -> Json:
    """What became of a sample under one release."""
    answer = (outcome.answer if outcome else None) or {}
    return known(
        {
            "status": status(outcome),
            "confidence": confidence(outcome),
            "route": answer.get("route"),
            "rung": answer.get("rung"),
            "seconds": outcome.seconds if outcome else None,
            "trouble": str(outcome.trouble) if outcome and outcome.trouble else None,
        }
    )


def _pair(sample: Sample, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> SamplePair:
    found = [
        MetricChange(name, *(run.scored.of(name, sample.id) if run else None for run in (release, champion)))
        for name in METRICS
    ]
    changes = tuple(each for each in found if each.release or each.champion)
    outcome = release.outcomes.get(sample.id)
    ordering = [each for each in changes if each.metric in by]
    gain, own = (_mean([getattr(each, name) for each in ordering]) for name in ("gain", "own"))
    return SamplePair(
        sample=sample,
        release=outcome,
        champion=champion.outcomes.get(sample.id) if champion else None,
        changes=changes,
        moved="failed" if outcome is None or outcome.answer is None else _moved(gain, ordering),
        gain=gain,
        own=own,
    )


def _moved(gain: float | None, changes: Sequence[MetricChange]) -> Moved:
    """Which way a sample went by its mean gain; where gains and losses cancel each other, it got worse."""
    if gain is None:
        return "unmatched"
    if gain > SAME:
        return "better"
    return "worse" if any((each.gain or 0.0) < -SAME for each in changes) else "same"


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def known(fields: Json) -> Json:
    """What there is; what is not known is left out."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
