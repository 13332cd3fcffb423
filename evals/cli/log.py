"""warrant eval log: a run and its scores into MLflow, with the verdict on it and its report."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evals.cli import FILE, FOLDER
from evals.errors import VerdictInvalid
from evals.gate.verdict import read_verdict
from evals.judge.scores import kept_judged_scores
from evals.report import PAGE, RECORD
from evals.report.contents import check_run, evidence_of
from evals.runs import EvalRun
from evals.scores import score_run
from graph.cli.options import needs_mlflow, settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.settings import bound_mlflow

if TYPE_CHECKING:
    from evals.tracking import VerdictFiles

AGAIN = "Write it again with `warrant eval report`."


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
