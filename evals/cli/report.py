"""warrant eval report, compare and log: a verdict as files, several runs side by side, and a run into MLflow."""

from pathlib import Path

import click
from rich.table import Table

from evals.api import reported, write_report
from evals.cli import FILE, FOLDER
from evals.gate.verdict import read_verdict
from evals.judge.scores import kept_judged_scores
from evals.report import VERDICT
from evals.report.contents import check_run
from evals.report.trend import cell, draw, trends
from evals.runs import EvalRun
from evals.scores import score_run
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole
from graph.settings import bound_mlflow


@click.command()
@click.argument("verdict", type=FILE)
@click.option("--run", type=FOLDER, required=True, help="The run that the verdict is about.")
@click.option("--champion", type=FOLDER, help="The champion's run, where the verdict has a champion.")
@click.option("--out", type=FOLDER, required=True, help="Where report.html and the other files are written.")
def report(verdict: Path, run: Path, champion: Path | None, out: Path) -> None:
    """Write what a VERDICT of `warrant eval gate --out` rests on.

    report.html stands alone; summary.md is for a pull request, junit.xml for a CI server, verdict.json for programs.
    The exit code says whether they were written; the gate's says what the verdict is.
    """
    other = EvalRun(champion) if champion else None
    echo(write_report(read_verdict(verdict), EvalRun(run), other, out))


@click.command()
@click.argument("runs", type=FOLDER, nargs=-1, required=True)
@click.option("--metric", "metrics", multiple=True, help="Only this metric; repeatable.")
@click.option("--picture", type=FILE, help="Draw the trend here, as PNG.")
def compare(runs: tuple[Path, ...], metrics: tuple[str, ...], picture: Path | None) -> None:
    """Show the metrics of RUNS on the same dataset side by side, in the order in which they are given.

    Intervals are 95 % intervals. An arrow stands where the change from the run before, on the samples that both have,
    lies wholly on one side of nothing. The command decides nothing: `warrant eval gate` does.
    """
    read = [reported(EvalRun(path)) for path in runs]
    found = trends(read, metrics)
    labels = [f"v{run.info.version} {run.info.label}" if run.info.version else run.info.label for run in read]
    table = Table("metric", *labels, show_edge=False)
    for name, points in found.items():
        table.add_row(name, *map(cell, points))
    Terminal().print(table)
    if picture:
        write_whole(picture, draw(found, labels))
        echo(picture)


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--report", type=FOLDER, help="What `warrant eval report --out` wrote about the run.")
@takes("registry", "model")
def log(run: Path, report: Path | None, registry: str | None, model: str | None) -> None:
    """Log the run in a directory to MLflow, in the experiment MODEL-evals, with the dataset and the model as inputs.

    Each answer is a trace there, and each of its scores an assessment, those of a judge (`warrant eval score --judge`)
    too, with who judged and what it took. A report and its verdict become artifacts of the run, and what the verdict
    says the tag `warrant.verdict`. Prints MLflow's id of the run. What is there already is not logged again.
    """
    settings = settings_with(registry=registry, registered_model=model)
    bound_mlflow()
    from evals.tracking import attach_report, log_run

    evaluated, uri = EvalRun(run), settings.registry_uri
    if report:
        verdict = read_verdict(report / VERDICT)
        check_run(verdict, evaluated.info, verdict.release)
    scores, judged = score_run(evaluated, settings.prices, settings.cores), kept_judged_scores(evaluated)
    name, new = log_run(evaluated, scores, uri, settings.registered_model, settings.who, judged)
    if report:
        new = attach_report(name, verdict, report, uri) or new
    Terminal(stderr=True).print("Logged." if new else "It is there already.")
    echo(name)
