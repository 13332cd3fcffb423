"""warrant eval compare: several runs of one dataset, metric by metric."""

from pathlib import Path

import click
from rich.table import Table

from evals.cli.steps import FILE, FOLDER, reported
from evals.report.trend import cell, draw, trends
from evals.runs import EvalRun
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole


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
