"""warrant eval log: a run and its scores into MLflow."""

import asyncio
from pathlib import Path

import click
from rich.console import Console

from evals.judging.judged import kept_judgements
from evals.runs import Run
from evals.scoring import score_run
from graph.commands.options import needs_mlflow, settings_with, takes
from graph.settings import bound_mlflow


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@takes("registry", "model")
def log(run: Path, registry: str | None, model: str | None) -> None:
    """Log the run in a directory to MLflow, in the experiment MODEL-evals, with the dataset as an input.

    What a judge said of it (`warrant eval score --judge`) is logged too, with who judged and what it took. Prints
    MLflow's id of the run. What is there already is not logged again.
    """
    settings = settings_with(registry=registry, model=model)
    bound_mlflow()
    with needs_mlflow():
        from evals.tracking import log_run

    made = Run(run)
    scores = asyncio.run(score_run(made, settings.prices, settings.cores))
    name, new = log_run(made, scores, settings.registry_uri, settings.model, kept_judgements(made))
    Console(stderr=True).print("Logged." if new else "It is there already.")
    click.echo(name)
