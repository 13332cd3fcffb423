"""What CI shows of a report: summary.md for a pull request, junit.xml for test reports; pure."""

import re

import evals.report.words as words
from evals.gate.verdict import Verdict
from evals.report.contents import EvalReport
from evals.report.pairs import ORDER, status
from evals.runs import SampleOutcome

LIMIT = 65_000
"""Bytes: GitHub takes comments of 65,536 characters."""
WORST = 5
SIZES = ((500, 400, WORST), (60, 250, WORST), (25, 120, WORST), (10, 80, 2))
"""Criteria, letters of a text, and samples that are shown; the first that fits."""
ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


def summary(report: EvalReport, limit: int = LIMIT) -> str:
    """The Markdown."""
    written = (_written(report, *size) for size in SIZES)
    return next((text for text in written if len(text.encode()) <= limit), _written(report, 3, 40, 0))


def _written(report: EvalReport, criteria: int, most: int, samples: int) -> str:
    verdict, reasons = report.verdict, words.reasons(report.verdict)
    order = [each for says in words.ORDER for each in verdict.findings if each.says == says]
    means = {(each.metric, each.slice): each.champion for each in verdict.measures}
    tally = [(each, report.moved[each]) for each in ORDER if report.moved[each]]
    return words.summary(
        {
            "verdict": verdict,
            "notes": report.notes,
            "reasons": reasons[:criteria],
            "reasons_left": len(reasons[criteria:]),
            "findings": order[:criteria],
            "findings_left": len(order[criteria:]),
            "champions": {key: words.figure(value, key[0]) for key, value in means.items()},
            "pairs": report.regressions[:samples],
            "regressions": len(report.regressions),
            "tally": tally if report.champion else sorted(report.statuses(report.release).items()),
            "most": most,
            "said": _said,
            "status": status,
            "words": words,
        }
    )


def _said(outcome: SampleOutcome | None) -> str:
    if outcome is None:
        return "it was not asked"
    return str(outcome.answer.get("text", "")) if outcome.answer else str(outcome.trouble or "")


def junit(verdict: Verdict) -> str:
    """The XML: what is missed is a failure, what is not settled an error, and so is a verdict without criteria."""
    return ILLEGAL.sub("\ufffd", words.junit({"verdict": verdict, "words": words}))
