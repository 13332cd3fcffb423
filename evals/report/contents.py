"""What a report contains: a Verdict and the two runs that it rests on, sample by sample; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, nan
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np

from evals.dataset import Dataset, Sample
from evals.errors import VerdictInvalid
from evals.gate.criteria import ScoredRelease
from evals.gate.verdict import Verdict
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun, EvaluatedRelease, RunInfo, SampleOutcome
from evals.scores import MeanInterval, Score

Moved = Literal["failed", "worse", "unmatched", "same", "better"]
MOVES: tuple[Moved, ...] = ("failed", "worse", "unmatched", "same", "better")
SAME = 0.01
"""Changes of the mean up to this much are no change."""
PERCENTILES = (50, 95, 99)


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

    @property
    def statuses(self) -> Counter[str]:
        """How many samples have each status; those that failed or were not asked are among them."""
        return Counter(status(self.outcomes.get(sample.id)) for sample in self.dataset.samples)

    @property
    def latency(self) -> dict[int, float]:
        """Percentiles of the time of an answer, in milliseconds; none where no time is known."""
        times = list(self.scored.values("latency_ms").values())
        return {percent: float(np.percentile(times, percent)) for percent in PERCENTILES} if times else {}


class MetricChange(NamedTuple):
    """A metric of one sample on both sides; None where it was not scored at all."""

    metric: str
    release: Score | None
    champion: Score | None

    @property
    def values(self) -> list[float | None]:
        """Both values, so turned that more is better."""
        sign = METRICS[self.metric].sign
        scores = (self.release, self.champion)
        return [sign * score.value if score and score.value is not None else None for score in scores]

    @property
    def gain(self) -> float | None:
        """How much better the release is, in the metric's unit; None where one side has no value."""
        new, old = self.values
        return None if new is None or old is None else new - old


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


@dataclass(frozen=True)
class EvalReport:
    """A Verdict and the runs of its release and its champion; `notes` are said before anything else."""

    verdict: Verdict
    release: ReportedRun
    champion: ReportedRun | None
    notes: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        return self.release.dataset

    @property
    def runs(self) -> list[ReportedRun]:
        """The release's run, then the champion's."""
        return [run for run in (self.release, self.champion) if run]

    @cached_property
    def ordering(self) -> tuple[str, ...]:
        """The metrics that order the samples: those without a unit that criteria ask about, else all that there are."""
        asked = {each.metric for each in self.verdict.findings}
        plain = [name for name in METRICS if not METRICS[name].unit and self.release.scored.scores.get(name)]
        return tuple(name for name in plain if name in asked) or tuple(plain)

    @cached_property
    def pairs(self) -> list[SamplePair]:
        """Every sample, the worst first."""
        return pairs(self.dataset, self.release, self.champion, self.ordering)

    @cached_property
    def moved(self) -> Counter[str]:
        """How many samples went which way."""
        return Counter(pair.moved for pair in self.pairs)

    @property
    def regressions(self) -> list[SamplePair]:
        """What failed or got worse."""
        return [pair for pair in self.pairs if pair.moved in ("failed", "worse")]


def report_of(
    verdict: Verdict, release: ReportedRun, champion: ReportedRun | None, notes: tuple[str, ...] = ()
) -> EvalReport:
    """The report; raises VerdictInvalid when the verdict is about other runs or rests on other scores."""
    if bool(champion) != bool(verdict.champion):
        problem = f"compares with {verdict.champion.label}" if verdict.champion else "has no champion"
        raise VerdictInvalid(f"The verdict {problem}; give the champion's run exactly when there is one.")
    check_run(verdict, release.info, verdict.release)
    if champion and verdict.champion:
        check_run(verdict, champion.info, verdict.champion)
    for measure in verdict.measures:
        name = measure.metric
        if not measure.slice and name in release.scored.scores:
            own, other = release.scored.values(name), champion.scored.values(name) if champion else {}
            _check_mean(name, measure.mean, list(own.values()))
            _check_mean(name, measure.champion, [other[sample] for sample in own if sample in other])
    return EvalReport(verdict, release, champion, notes)


def check_run(verdict: Verdict, info: RunInfo, judged: EvaluatedRelease) -> None:
    """Raises VerdictInvalid unless a run asked what was judged the samples that it was judged by."""
    for what, wanted, met in (
        ("about", (judged.label, judged.release), (info.label, info.release)),
        ("on", (verdict.dataset_name, verdict.dataset), (info.dataset, info.dataset_digest)),
    ):
        if wanted[1] != met[1]:
            named = f" of {info.label}" if what == "on" else ""
            raise VerdictInvalid(
                f"The verdict is {what} {wanted[0]} ({wanted[1][:12]}), the run{named} {what} {met[0]} "
                f"({met[1][:12]}). Give the run that `warrant eval gate` was given."
            )


def _check_mean(metric: str, mean: MeanInterval | None, values: Sequence[float]) -> None:
    claimed, found = mean.value if mean else nan, fmean(values) if values else nan
    if bool(mean) != bool(values) or (mean and not isclose(claimed, found, rel_tol=1e-6)):
        raise VerdictInvalid(
            f"The verdict was made from other scores than the runs have now: {metric} was {claimed}, and is {found}. "
            "Make it again with `warrant eval gate`."
        )


def status(outcome: SampleOutcome | None) -> str:
    """What became of a sample: its answer's status, `failed` or `not asked`."""
    if outcome is None:
        return "not asked"
    return "failed" if outcome.answer is None else str(outcome.answer.get("status", "unknown"))


def pairs(dataset: Dataset, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> list[SamplePair]:
    """Every sample, the worst first: failed, then by the mean gain; without a champion, by the mean score."""

    def weight(pair: SamplePair) -> tuple[int, float]:
        return MOVES.index(pair.moved), pair.own or 0.0 if pair.gain is None else pair.gain

    return sorted((_pair(sample, release, champion, by) for sample in dataset.samples), key=weight)


def _pair(sample: Sample, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> SamplePair:
    outcome, other = (run.outcomes.get(sample.id) if run else None for run in (release, champion))
    found = [
        MetricChange(name, *(run.scored.of(name, sample.id) if run else None for run in (release, champion)))
        for name in METRICS
    ]
    changes = tuple(each for each in found if each.release or each.champion)
    ordering = [each for each in changes if each.metric in by]
    gain, own = _mean(each.gain for each in ordering), _mean(each.values[0] for each in ordering)
    moved: Moved = "failed" if outcome is None or outcome.answer is None else _moved(gain, ordering)
    return SamplePair(sample, outcome, other, changes, moved, gain, own)


def _moved(gain: float | None, changes: Sequence[MetricChange]) -> Moved:
    """Which way a sample went by its mean gain; where gains and losses cancel each other, it got worse."""
    if gain is None:
        return "unmatched"
    if gain > SAME:
        return "better"
    return "worse" if any((each.gain or 0.0) < -SAME for each in changes) else "same"


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there else None
