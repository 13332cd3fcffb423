"""What a report contains: a Verdict and the two runs that it rests on, which have to be exactly those; pure."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, inf, isclose
from pathlib import Path
from typing import Any, Literal

import numpy as np

from evals.calibration import mean_risk, risk_coverage
from evals.dataset import Dataset, Sample, StrictModel
from evals.errors import VerdictInvalid
from evals.gate.criteria import MeasureComparison, ScoredRelease, compare_metrics
from evals.gate.verdict import EvaluatedRelease, Verdict
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun, RunInfo, SampleOutcome
from evals.scores import Score

Moved = Literal["failed", "worse", "unmatched", "same", "better"]
ORDER: tuple[Moved, ...] = ("failed", "worse", "unmatched", "same", "better")
SAME = 0.01
"""Changes of the mean up to this much are no change."""
RIGHT = ("answer_accuracy", "factual_correctness", "token_f1")
"""Metrics of how right an answer is, the best first."""
LATENCY, POINTS, QUANTILES = "latency_ms", 200, (50, 90, 95, 99)
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
        return _known({**values, **why, "gain": self.gain})


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
        return _known(
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


class RiskCurve(StrictModel):
    """Mean loss (`y`) of the most confident answers by the share of all samples that they are (`x`).

    It ends where the release declines. `without` counts the samples that have no score or no confidence and
    are no part of it.
    """

    points: Points
    samples: int
    without: int = 0

    @property
    def coverage(self) -> float:
        """The share of the samples that was answered."""
        return self.points[-1][0] if self.points else 0.0

    def area(self, to: float) -> float | None:
        """The mean risk from no coverage up to `to`."""
        return mean_risk(self.points, to)


class LatencyCurve(StrictModel):
    """A distribution: the share of values (`y`) up to a value (`x`), and its quantiles by per cent."""

    points: Points
    quantiles: dict[int, float]
    samples: int
    without: int = 0


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

    @cached_property
    def figures(self) -> list[MeasureComparison]:
        """Every metric."""
        champion = self.champion.scored if self.champion else None
        return list(compare_metrics(self.verdict, self.dataset, self.release.scored, champion))

    @cached_property
    def right(self) -> str | None:
        """The first metric of how right an answer is of which both have a value."""
        ids = {sample.id for sample in self.dataset.samples}
        return next((name for name in RIGHT if all(ids & run.scored.values(name).keys() for run in self.runs)), None)

    @cached_property
    def risks(self) -> list[RiskCurve]:
        """The risk-coverage curves of the release and its champion; none where nothing says what is right."""
        return [risk(run, self.right) for run in self.runs] if self.right else []

    @cached_property
    def latencies(self) -> list[LatencyCurve]:
        """How long the answers of the release and its champion took."""
        return [latency(run.scored) for run in self.runs]

    def statuses(self, run: ReportedRun) -> Counter[str]:
        """How many samples have each status in a run; those that failed or were not asked are among them."""
        return Counter(status(run.outcomes.get(sample.id)) for sample in self.dataset.samples)

    def record(self) -> Json:
        """report.json, format 1, for programs (docs/evals.md); lists of two hold the release's first."""
        found = {
            "format": 1,
            "evidence": self.verdict.digest,
            "verdict": self.verdict,
            "run": self.release.info,
            "champion_run": self.champion.info if self.champion else None,
            "figures": self.figures,
            "right": self.right,
            "risks": self.risks,
            "latencies": self.latencies,
            "ordering": self.ordering,
            "moved": self.moved,
            "statuses": [self.statuses(run) for run in self.runs],
            "samples": [pair.as_json(paired=self.champion is not None) for pair in self.pairs],
            "regressions": [pair.sample.id for pair in self.regressions],
        }
        # Models become what their JSON is.
        text = json.dumps(found, default=lambda model: model.model_dump(mode="json", exclude_none=True))
        return _known(json.loads(text))


def report_of(verdict: Verdict, release: ReportedRun, champion: ReportedRun | None) -> EvalReport:
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
            _check_mean(name, measure.value, list(own.values()))
            _check_mean(name, measure.champion, [other[sample] for sample in own if sample in other])
    return EvalReport(verdict, release, champion)


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


def _check_mean(metric: str, claimed: float | None, values: Sequence[float]) -> None:
    found = fsum(values) / len(values) if values else None
    if not (claimed == found or (claimed is not None and found is not None and isclose(claimed, found, rel_tol=1e-6))):
        raise VerdictInvalid(
            f"The verdict was made from other scores than the runs have now: {metric} was {claimed}, and is {found}. "
            "Make it again with `warrant eval gate`."
        )


def evidence_of(path: Path) -> str:
    """The digest of the Verdict that a report.json is about; raises VerdictInvalid when it is none."""
    try:
        return str(json.loads(path.read_text("utf-8"))["evidence"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerdictInvalid(f"{path} is no report of `warrant eval report`: {error}.") from None


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
    return _known(
        {
            "status": status(outcome),
            "confidence": confidence(outcome),
            "route": answer.get("route"),
            "rung": answer.get("rung"),
            "seconds": outcome.seconds if outcome else None,
            "trouble": str(outcome.trouble) if outcome and outcome.trouble else None,
        }
    )


def risk(run: ReportedRun, right: str) -> RiskCurve:
    """The risk-coverage curve (El-Yaniv and Wiener, 2010) of a release.

    An answer to what is answerable is as wrong as `right` says, an answer to what is not, wholly. What was declined is
    not covered. Samples of equal confidence are covered together.
    """
    trials = [trial for sample in run.dataset.samples if (trial := _trial(sample, run, right))]
    points = risk_coverage([confidence for confidence, _ in trials], [loss for _, loss in trials])
    covered = tuple((point.coverage, point.risk) for point in points)
    return RiskCurve(points=covered, samples=len(trials), without=len(run.dataset.samples) - len(trials))


def latency(release: ScoredRelease) -> LatencyCurve:
    """How long the answers took, in milliseconds."""
    values = sorted(release.values(LATENCY).values())
    shown = sorted({round(place) for place in np.linspace(0, len(values) - 1, min(POINTS, len(values)))})
    return LatencyCurve(
        points=tuple((values[place], (place + 1) / len(values)) for place in shown),
        quantiles={each: float(np.quantile(values, each / 100)) for each in QUANTILES} if values else {},
        samples=len(values),
        without=len(release.scores.get(LATENCY, {})) - len(values),
    )


def _trial(sample: Sample, run: ReportedRun, right: str) -> tuple[float, float] | None:
    """The confidence of an answer, minus infinity where it declines, and how wrong it is; None where one is unknown."""
    outcome = run.outcomes.get(sample.id)
    if outcome is None or outcome.answer is None:
        return None
    if outcome.answer.get("status") == "declined":
        return -inf, 0.0
    sure, value = confidence(outcome), run.scored.value(right, sample.id) if sample.answerable else 0.0
    return None if sure is None or value is None else (sure, 1.0 - value)


def _pair(sample: Sample, release: ReportedRun, champion: ReportedRun | None, by: Sequence[str]) -> SamplePair:
    found = [
        MetricChange(name, *(run.scored.of(name, sample.id) if run else None for run in (release, champion)))
        for name in METRICS
    ]
    changes = tuple(each for each in found if each.release or each.champion)
    outcome = release.outcomes.get(sample.id)
    gain, own = (_mean([getattr(each, name) for each in changes if each.metric in by]) for name in ("gain", "own"))
    moved: Moved = "unmatched" if gain is None else "worse" if gain < -SAME else "better" if gain > SAME else "same"
    return SamplePair(
        sample=sample,
        release=outcome,
        champion=champion.outcomes.get(sample.id) if champion else None,
        changes=changes,
        moved="failed" if outcome is None or outcome.answer is None else moved,
        gain=gain,
        own=own,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _known(fields: Json) -> Json:
    """What there is; what is not known is left out."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
