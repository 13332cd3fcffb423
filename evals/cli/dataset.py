"""warrant eval adapt, check and draft: where the samples of a dataset come from, and whether they fit an index."""

import asyncio
from collections import Counter
from pathlib import Path

import click

from evals.adapters import adapt as adapted
from evals.cli import FILE, FOLDER, takes_judge
from evals.dataset import DRAFT, Sample, write_dataset
from evals.documents import check_dataset, read_documents
from evals.errors import DatasetInvalid, JudgeInvalid
from evals.judge.config import JudgeConfig, judge_config
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.settings import Settings

QUESTIONS = 40


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", type=FILE, required=True, help="The dataset to write.")
@click.option("--most", type=click.IntRange(min=1), help="No more samples than this, chosen by a hash of their ids.")
def adapt(folder: Path, out: Path, most: int | None) -> None:
    """Turn FOLDER, with queries.jsonl and qrels.tsv as BEIR and its kin have them, into a dataset of samples.

    Index its corpus with `warrant index FOLDER/corpus.jsonl`; both may be gzipped.
    """
    dataset, left = adapted(folder, most)
    write_dataset(out, dataset.samples)
    left_out = "".join(f"; {number} {kind} left out" for kind, number in sorted(left.items()))
    echo(f"{len(dataset.samples)} samples{left_out}.", err=True)


@click.command()
@click.argument("dataset", type=FILE)
@takes("index")
def check(dataset: Path, index: Path | None) -> None:
    """Check a DATASET: its form, repeated questions, and documents and quotes that are not in the index.

    Each problem is named with its line; the exit code is then 2. The scores of a dataset that names what is not there
    are too low for every release.
    """
    count = check_dataset(dataset, asyncio.run(read_documents(settings_with(index=index).index)))
    Terminal(stderr=True).print(f"{count} samples, all of whose documents and quotes are in the index.")


@click.command()
@takes("index")
@click.option("--out", type=FILE, required=True, help="A dataset to write.")
@click.option("--feedback", type=click.Path(path_type=Path), help="What `warrant feedback export` wrote.")
@click.option(
    "--documents", type=click.IntRange(0), help="Questions on documents. [default: 40, or 0 with what needs no model]"
)
@click.option("--probe-access", is_flag=True, help="Ask for each restricted document as a caller who may not read it.")
@takes_judge
def draft(
    index: Path | None,
    out: Path,
    feedback: Path | None,
    documents: int | None,
    probe_access: bool,
    judge: str | None,
) -> None:
    """Propose samples for a person to edit: questions that a model writes, rated ones, and probes of access.

    The model is the judge's. Each sample is tagged `draft` until somebody takes the tag away. A file that is there is
    never overwritten.
    """
    if out.exists():
        raise DatasetInvalid(f"{out} is there and may have been edited; name another file.")
    settings = settings_with(index=index, judge_model=judge)
    count = documents if documents is not None else 0 if feedback or probe_access else QUESTIONS
    config = judge_config(settings)
    if count and config is None:
        raise JudgeInvalid(
            "Questions on documents are written by a model; name one with --judge or WARRANT_JUDGE_MODEL, "
            "or give --feedback or --probe-access alone."
        )
    made = asyncio.run(_made(settings, feedback, count, config, probing=probe_access))
    first: dict[str, Sample] = {}
    for sample in made:
        first.setdefault(sample.asked, sample)
    new = list(first.values())
    write_dataset(out, new)
    Terminal(stderr=True).print(_counted(new), highlight=False)
    echo(out)


async def _made(
    settings: Settings, feedback: Path | None, count: int, config: JudgeConfig | None, *, probing: bool
) -> list[Sample]:
    # ragas takes seconds to import.
    from evals.drafts import generate, probes, read_feedback

    documents = await read_documents(settings.index, passages=bool(count))
    made = probes(documents.values()) if probing else []
    made += read_feedback(feedback, documents) if feedback else []
    return made + (generate(documents, count, config) if count and config else [])


def _counted(new: list[Sample]) -> str:
    tags = Counter(tag for sample in new for tag in sample.tags if tag != DRAFT)
    found = ", ".join(f"{number} {tag}" for tag, number in tags.most_common())
    return f"{len(new)} drafts{f' ({found})' if found else ''}. Edit them, and take the tag away."
