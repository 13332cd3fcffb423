"""warrant eval run: every sample of a dataset is asked of one release."""

from pathlib import Path

import click

from evals.api import AT_ONCE, HOME, ask_releases, package_of
from evals.cli import FILE, FOLDER, takes_repeats
from evals.dataset import read_dataset
from graph.cli.options import settings_with, takes
from graph.cli.terminal import echo


@click.command()
@click.option("--dataset", "-d", type=FILE, required=True, help="Samples, as JSON lines.")
@takes("index", "release", "registry", "model")
@click.option("--version", help="A registered version (12, v12 or an alias) in place of --release and --index.")
@click.option("--out", type=FOLDER, default=HOME, show_default=True)
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=AT_ONCE, show_default=True, help="Samples asked at a time."
)
@takes_repeats
@click.option("--again", is_flag=True, help="Ask those again that failed.")
def run(
    dataset: Path,
    index: Path | None,
    release: Path | None,
    registry: str | None,
    model: str | None,
    version: str | None,
    out: Path,
    at_once: int,
    repeats: int,
    again: bool,
) -> None:
    """Ask a release every question of a dataset, and keep each answer as it comes.

    Prints the run's directory. A run that was broken off goes on where it was. Samples that fail are outcomes too; the
    command says how many there are. Ask several times where a model does not always answer alike: --repeats.
    """
    if version and (release or index):
        raise click.UsageError("--version brings its own release and Snapshot; leave --release and --index out.")
    settings = settings_with(index=index, release=release, registry=registry, registered_model=model)
    samples = read_dataset(dataset)
    with package_of(settings, version) as package:
        [made] = ask_releases([package], samples, out, at_once, repeats=repeats, again=again)
    echo(made.path)
