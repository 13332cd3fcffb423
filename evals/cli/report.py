"""warrant eval report and compare: a verdict as files for people and programs, and several runs side by side."""

from pathlib import Path

import click
from rich.table import Table

from evals.api import HOME, reported
from evals.cli import FILE, FOLDER
from evals.gate.verdict import Verdict, read_verdict
from evals.report import write_files
from evals.report.contents import report_of
from evals.report.trend import cell, draw, trends
from evals.runs import EvalRun, EvaluatedRelease
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole


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
    echo(write_files(report_of(found, reported(EvalRun(run), settings), other), out))


def _like(verdict: Verdict, judged: EvaluatedRelease) -> Path:
    """Where `warrant eval run` keeps a run."""
    return HOME / f"{verdict.dataset_name}-{verdict.dataset[:8]}-{judged.label}-{judged.release[:8]}"


@click.command()
@click.argument("runs", type=FOLDER, nargs=-1, required=True)
@click.option("--metric", "metrics", multiple=True, help="Only this metric; repeatable.")
@click.option("--picture", type=FILE, help="Draw the trend here, as PNG.")
def compare(runs: tuple[Path, ...], metrics: tuple[str, ...], picture: Path | None) -> None:
    """Show the metrics of RUNS on the same dataset side by side, in the order in which they are given.

    Intervals are 95 % intervals. An arrow stands where the change from the run before, on the samples that both have,
    lies wholly on one side of nothing. The command decides nothing: `warrant eval gate` does.
    """
    settings, evaluated = settings_with(), [EvalRun(path) for path in runs]
    read = [reported(run, settings) for run in evaluated]
    found = trends(read, metrics)
    labels = [f"v{run.info.version} {run.info.label}" if run.info.version else run.info.label for run in read]
    table = Table("metric", *labels, show_edge=False)
    for each in found:
        table.add_row(each.metric, *map(cell, each.points))
    Terminal().print(table)
    if picture:
        write_whole(picture, draw(found, labels))
        echo(picture)
