"""warrant eval check: whether the documents and quotes that a dataset names are in an index."""

import asyncio
from pathlib import Path

import click

from evals.documents import check_dataset, read_documents
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path, dir_okay=False))
@takes("index")
def check(dataset: Path, index: Path | None) -> None:
    """Check a DATASET: its form, repeated questions, and documents and quotes that are not in the index.

    Each problem is named with its line; the exit code is then 2. The scores of a dataset that names what is not there
    are too low for every release.
    """
    count = check_dataset(dataset, asyncio.run(read_documents(settings_with(index=index).index)))
    Terminal(stderr=True).print(f"{count} samples, all of whose documents and quotes are in the index.")
