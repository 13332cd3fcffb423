"""summary.md: the Verdict for a pull request, short enough for a comment; pure."""

from collections.abc import Iterator

from evals.gating.verdict import Finding
from evals.report import wording
from evals.report.contents import Report
from evals.report.pairs import ORDER, status
from evals.report.templates import summary
from evals.runs import Outcome

LIMIT = 65_000
"""Bytes: GitHub takes comments of 65,536 characters."""
WORST = 5
SIZES = ((500, 400, WORST), (60, 250, WORST), (25, 120, WORST), (10, 80, 2))
"""Criteria and letters of a text that are told, and samples; the first that fits."""


def short(report: Report, limit: int = LIMIT) -> str:
    """The Markdown."""
    written = (_written(report, *size) for size in SIZES)
    return next((text for text in written if len(text.encode()) <= limit), _written(report, 3, 40, 0))


def _written(report: Report, criteria: int, most: int, samples: int) -> str:
    verdict, reasons = report.verdict, wording.reasons(report.verdict)
    order = [each for says in wording.ORDER for each in verdict.findings if each.says == says]
    return summary(
        {
            "verdict": verdict,
            "reasons": reasons[:criteria],
            "reasons_left": len(reasons[criteria:]),
            "findings": order[:criteria],
            "findings_left": len(order[criteria:]),
            "champions": dict(_champions(report, order)),
            "pairs": report.regressions[:samples],
            "regressions": len(report.regressions),
            "tally": _tally(report),
            "most": most,
            "said": _said,
            "status": status,
            "words": wording,
        }
    )


def _champions(report: Report, findings: list[Finding]) -> Iterator[tuple[tuple[str, str], str]]:
    """What the champion has, by metric and slice."""
    means = {(each.metric, each.slice): each.champion for each in report.verdict.measures}
    for each in findings:
        yield (each.metric, each.slice), wording.figure(means.get((each.metric, each.slice)), each.metric)


def _tally(report: Report) -> str:
    if report.champion:
        return ", ".join(f"{report.moved[each]} {each}" for each in ORDER if report.moved[each])
    return ", ".join(f"{many} {each}" for each, many in sorted(report.statuses(report.release).items()))


def _said(outcome: Outcome | None) -> str:
    if outcome is None:
        return "it was not asked"
    return str(outcome.answer.get("text", "")) if outcome.answer else str(outcome.trouble or "")
