"""warrant eval report: a verdict as a page, a summary for a pull request, test cases and a record."""

import webbrowser
from pathlib import Path

import click

from evals.commands.asked import HOME
from evals.commands.compared import scored
from evals.gating.verdict import Judged, Verdict, read_verdict
from evals.report.contents import report_of
from evals.report.files import write_report
from evals.runs import Run
from graph.cli.options import settings_with
from graph.cli.terminal import echo

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("verdict", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--run", type=FOLDER, help="The run that the verdict is about.")
@click.option("--champion", type=FOLDER, help="The champion's run, where the verdict has a champion.")
@click.option("--out", type=FOLDER, required=True, help="Where report.html and the other files are written.")
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
def report(verdict: Path, run: Path | None, champion: Path | None, out: Path, opened: bool) -> None:
    """Write what a VERDICT of `warrant eval gate --out` rests on.

    report.html stands alone; summary.md is for a pull request, junit.xml for a CI server, report.json for programs. The
    exit code says whether they were written; the gate's says what the verdict is.
    """
    told = read_verdict(verdict)
    if run is None:
        raise click.UsageError(f"The report needs the run that the verdict is about: --run {_like(told, told.release)}")
    if told.champion and champion is None:
        raise click.UsageError(
            f"The verdict compares with {told.champion.label}; the report needs its run: "
            f"--champion {_like(told, told.champion)}"
        )
    settings = settings_with()
    other = scored(Run(champion), settings) if champion else None
    page = write_report(report_of(told, scored(Run(run), settings), other), out)
    echo(page)
    if opened:
        webbrowser.open(page.resolve().as_uri())


def _like(verdict: Verdict, judged: Judged) -> Path:
    """Where `warrant eval run` keeps a run."""
    return HOME / f"{verdict.dataset_name}-{verdict.dataset[:8]}-{judged.label}-{judged.release[:8]}"
