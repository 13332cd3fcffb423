"""warrant eval report, compare and log: a verdict as files, several runs side by side, and a run into MLflow."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from evals.api import HOME, reported
from evals.cli import FILE, FOLDER
from evals.errors import VerdictInvalid
from evals.gate.verdict import Verdict, read_verdict
from evals.judge.scores import kept_judged_scores
from evals.report import PAGE, RECORD, write_files
from evals.report.contents import check_run, evidence_of, report_of
from evals.report.trend import cell, draw, trends
from evals.runs import EvalRun, EvaluatedRelease
from evals.scores import score_run
from graph.cli.options import needs_mlflow, settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole
from graph.settings import bound_mlflow

if TYPE_CHECKING:
    from evals.tracking import VerdictFiles

AGAIN = "Write it again with `warrant eval report`."


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
    other = reported(EvalRun(champion)) if champion else None
    echo(write_files(report_of(found, reported(EvalRun(run)), other), out))


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
@click.option("--verdict", type=FILE, help="A verdict on the run.")
@click.option("--report", type=FOLDER, help="What `warrant eval report --out` wrote of the verdict.")
@takes("registry", "model")
def log(run: Path, verdict: Path | None, report: Path | None, registry: str | None, model: str | None) -> None:
    """Log the run in a directory to MLflow, in the experiment MODEL-evals, with the dataset and the model as inputs.

    Each answer is a trace there, and each of its scores an assessment, those of a judge (`warrant eval score --judge`)
    too, with who judged and what it took. A verdict and its report become artifacts of the run, and what the verdict
    says the tag `warrant.verdict`. Prints MLflow's id of the run. What is there already is not logged again.
    """
    if report and not verdict:
        raise click.UsageError("A --report is of a verdict; give the --verdict too.")
    settings = settings_with(registry=registry, registered_model=model)
    bound_mlflow()
    with needs_mlflow():
        from evals.tracking import attach_verdict, log_run

    evaluated = EvalRun(run)
    attached = _attached(evaluated, verdict, report) if verdict else None
    scores = asyncio.run(score_run(evaluated, settings.prices, settings.cores))
    uri, judged = settings.registry_uri, kept_judged_scores(evaluated)
    name, new = log_run(evaluated, scores, uri, settings.registered_model, settings.who, judged)
    if attached:
        new = attach_verdict(name, attached, uri) or new
    Terminal(stderr=True).print("Logged." if new else "It is there already.")
    echo(name)


def _attached(run: EvalRun, verdict: Path, report: Path | None) -> "VerdictFiles":
    """The verdict and its report; raises VerdictInvalid when they are about something else."""
    from evals.tracking import VerdictFiles

    found = read_verdict(verdict)
    check_run(found, run.info, found.release)
    if report and evidence_of(report / RECORD) != found.digest:
        raise VerdictInvalid(f"The report in {report} is of another verdict. {AGAIN}")
    if report and not (report / PAGE).exists():
        raise VerdictInvalid(f"The report in {report} has no {PAGE}. {AGAIN}")
    return VerdictFiles(found, report)
