"""warrant eval adapt: a published question set as a dataset."""

from pathlib import Path

import click

from evals.adapters import adapt as adapted
from evals.dataset import write_dataset
from graph.cli.terminal import echo


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The dataset to write.")
@click.option("--most", type=click.IntRange(min=1), help="No more samples than this, chosen by a hash of their ids.")
def adapt(folder: Path, out: Path, most: int | None) -> None:
    """Turn FOLDER, with queries.jsonl and qrels.tsv as BEIR and its kin have them, into a dataset of samples.

    Index its corpus with `warrant index FOLDER/corpus.jsonl`; both may be gzipped.
    """
    dataset, left = adapted(folder, most)
    write_dataset(out, dataset.samples)
    left_out = "".join(f"; {number} {kind} left out" for kind, number in sorted(left.items()))
    echo(f"{len(dataset.samples)} samples{left_out}.", err=True)
