"""Writes a report: the page, the summary, the test cases and the verdict, each whole or not at all."""

from pathlib import Path

from evals.report.contents import EvalReport
from evals.report.page import page
from evals.report.words import junit, summary
from graph.files import write_whole

PAGE, SUMMARY, CASES, VERDICT = "report.html", "summary.md", "junit.xml", "verdict.json"
FILES = (PAGE, SUMMARY, CASES, VERDICT)


def write_files(report: EvalReport, out: Path) -> Path:
    """The page's path; the same verdict and runs give the same bytes. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / SUMMARY, summary(report))
    write_whole(out / CASES, junit(report.verdict))
    write_whole(out / VERDICT, report.verdict.text())
    write_whole(out / PAGE, page(report))
    return out / PAGE
