"""report.json: the Verdict with every figure and every sample that it rests on, for machines (docs/evals.md)."""

import json
from pathlib import Path
from typing import Any

from evals.errors import VerdictInvalid
from evals.report.contents import EvalReport
from evals.report.pairs import MetricChange, SamplePair, confidence, status
from evals.runs import SampleOutcome

Json = dict[str, Any]


def record_of(report: EvalReport) -> Json:
    """A report as a record, format 1; lists of two hold the release's first, then the champion's."""
    found = {
        "format": 1,
        "evidence": report.verdict.digest,
        "verdict": report.verdict,
        "run": report.release.info,
        "champion_run": report.champion.info if report.champion else None,
        "figures": report.figures,
        "right": report.right,
        "risks": report.risks,
        "latencies": report.latencies,
        "ordering": report.ordering,
        "moved": report.moved,
        "statuses": [report.statuses(run) for run in report.runs],
        "samples": [_sample(pair, paired=report.champion is not None) for pair in report.pairs],
        "regressions": [pair.sample.id for pair in report.regressions],
    }
    # Models become what their JSON is.
    plain: Json = json.loads(json.dumps(found, default=lambda model: model.model_dump(mode="json", exclude_none=True)))
    return _known(plain)


def evidence_of(path: Path) -> str:
    """The digest of the Verdict that a report.json is about; raises VerdictInvalid when it is none."""
    try:
        return str(json.loads(path.read_text("utf-8"))["evidence"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerdictInvalid(f"{path} is no report of `warrant eval report`: {error}.") from None


def side_record(outcome: SampleOutcome | None) -> Json:
    """What became of a sample under one release: the status of its answer, `failed` or `not asked`, and more."""
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


def change_record(change: MetricChange) -> Json:
    """Both values of a metric, and why there are none; `gain` is positive where it got better."""
    sides = {"release": change.release, "champion": change.champion}
    values = {name: score.value if score else None for name, score in sides.items()}
    return _known(
        {
            **values,
            "why": change.release.reason if change.release else None,
            "champion_why": change.champion.reason if change.champion else None,
            "gain": change.gain,
        }
    )


def _sample(pair: SamplePair, *, paired: bool) -> Json:
    return _known(
        {
            "sample": pair.sample.id,
            "tags": pair.sample.tags,
            "moved": pair.moved,
            "gain": pair.gain,
            "release": side_record(pair.release),
            "champion": side_record(pair.champion) if paired else None,
            "scores": {change.metric: change_record(change) for change in pair.changes},
        }
    )


def _known(fields: Json) -> Json:
    """What there is; what is not known is left out."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
