"""report.json: the Verdict with every figure and every sample that it rests on, for machines (docs/evals.md)."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from evals.dataset import StrictModel
from evals.gate.measures import MetricComparison
from evals.gate.verdict import Verdict, read_made
from evals.report.contents import EvalReport
from evals.report.curves import LatencyCurve, RiskCurve
from evals.report.pairs import MetricChange, Moved, SamplePair, confidence, status
from evals.runs import RunInfo, SampleOutcome


class ChangeRecord(StrictModel):
    """A metric of a sample on both sides; where there is no value, why. `gain` is positive where it got better."""

    release: float | None = None
    why: str = ""
    champion: float | None = None
    champion_why: str = ""
    gain: float | None = None


class SideRecord(StrictModel):
    """What became of a sample under one release: the status of its answer, `failed` or `not asked`."""

    status: str
    confidence: float | None = None
    route: str = ""
    rung: str = ""
    seconds: float | None = None
    trouble: str = ""


class SampleRecord(StrictModel):
    """A sample under both releases; `scores` by metric."""

    sample: str
    tags: tuple[str, ...] = ()
    moved: Moved
    gain: float | None = None
    release: SideRecord
    champion: SideRecord | None = None
    scores: dict[str, ChangeRecord]


class ReportRecord(StrictModel):
    """`evidence` is the digest of the Verdict; lists of two hold the release's first, then the champion's.

    `ordering` are the metrics whose mean gain orders `samples`, the worst first; `regressions` are the ids of those
    that failed or got worse, in that order. `right` is the metric that the risk curves are made by.
    """

    format: Literal[1] = 1
    evidence: str
    verdict: Verdict
    run: RunInfo
    champion_run: RunInfo | None = None
    figures: tuple[MetricComparison, ...]
    right: str | None = None
    risks: tuple[RiskCurve, ...] = ()
    latencies: tuple[LatencyCurve, ...] = ()
    ordering: tuple[str, ...]
    moved: dict[str, int]
    statuses: tuple[dict[str, int], ...] = Field(min_length=1)
    samples: tuple[SampleRecord, ...]
    regressions: tuple[str, ...]

    def text(self) -> str:
        """Its JSON."""
        return self.model_dump_json(indent=1, exclude_none=True) + "\n"


def record_of(report: EvalReport) -> ReportRecord:
    """A report as a record."""
    return ReportRecord(
        evidence=report.verdict.digest,
        verdict=report.verdict,
        run=report.release.info,
        champion_run=report.champion.info if report.champion else None,
        figures=tuple(report.figures),
        right=report.right,
        risks=tuple(report.risks),
        latencies=tuple(report.latencies),
        ordering=report.ordering,
        moved=dict(report.moved),
        statuses=tuple(dict(report.statuses(run)) for run in report.runs),
        samples=tuple(_sample(pair, paired=report.champion is not None) for pair in report.pairs),
        regressions=tuple(pair.sample.id for pair in report.regressions),
    )


def read_record(path: Path) -> ReportRecord:
    """Read a report.json; raises VerdictInvalid that says what is wrong."""
    return read_made(path, ReportRecord, "report", "report")


def side_record(outcome: SampleOutcome | None) -> SideRecord:
    """What became of a sample, in short."""
    answer = (outcome.answer if outcome else None) or {}
    trouble = outcome.trouble if outcome else None
    return SideRecord(
        status=status(outcome),
        confidence=confidence(outcome),
        route=str(answer.get("route") or ""),
        rung=str(answer.get("rung") or ""),
        seconds=outcome.seconds if outcome else None,
        trouble=str(trouble or ""),
    )


def change_record(change: MetricChange) -> ChangeRecord:
    """Both values of a metric, and why there are none."""
    return ChangeRecord(
        release=change.release.value if change.release else None,
        why=change.release.reason if change.release else "",
        champion=change.champion.value if change.champion else None,
        champion_why=change.champion.reason if change.champion else "",
        gain=change.gain,
    )


def _sample(pair: SamplePair, *, paired: bool) -> SampleRecord:
    return SampleRecord(
        sample=pair.sample.id,
        tags=pair.sample.tags,
        moved=pair.moved,
        gain=pair.gain,
        release=side_record(pair.release),
        champion=side_record(pair.champion) if paired else None,
        scores={change.metric: change_record(change) for change in pair.changes},
    )
