"""warrant eval report: a verdict as a page, a summary for a pull request, test cases and a record."""

from pathlib import Path

import click

from evals.cli.steps import FILE, FOLDER, HOME, reported
from evals.gate.verdict import Verdict, read_verdict
from evals.report import write_report
from evals.report.contents import report_of
from evals.runs import EvalRun, EvaluatedRelease
from graph.cli.options import settings_with
from graph.cli.terminal import echo


@click.command()
@click.argument("verdict", type=FILE)
@click.option("--run", type=FOLDER, help="The run that the verdict is about.")
@click.option("--champion", type=FOLDER, help="The champion's run, where the verdict has a champion.")
@click.option("--out", type=FOLDER, required=True, help="Where report.html and the other files are written.")
def report(verdict: Path, run: Path | None, champion: Path | None, out: Path) -> None:
    """Write what a VERDICT of `warrant eval gate --out` rests on.

    report.html stands alone; summary.md is for a pull request, junit.xml for a CI server, report.json for programs. The
    exit code says whether they were written; the gate's says what the verdict is.
    """
    found = read_verdict(verdict)
    if run is None:
        raise click.UsageError(
            f"The report needs the run that the verdict is about: --run {_like(found, found.release)}"
        )
    if found.champion and champion is None:
        raise click.UsageError(
            f"The verdict compares with {found.champion.label}; the report needs its run: "
            f"--champion {_like(found, found.champion)}"
        )
    settings = settings_with()
    other = reported(EvalRun(champion), settings) if champion else None
    echo(write_report(report_of(found, reported(EvalRun(run), settings), other), out))


def _like(verdict: Verdict, judged: EvaluatedRelease) -> Path:
    """Where `warrant eval run` keeps a run."""
    return HOME / f"{verdict.dataset_name}-{verdict.dataset[:8]}-{judged.label}-{judged.release[:8]}"
