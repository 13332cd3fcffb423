"""warrant eval draft: samples for a person to edit, proposed from a Snapshot and from feedback."""

import asyncio
from collections import Counter
from pathlib import Path

import click

from evals.drafting.absent import Unanswered
from evals.drafting.drafts import Counts, answerable, unanswerable
from evals.drafting.feedback import read_feedback
from evals.drafting.proposals import Proposal
from evals.drafting.texts import Texts, read_texts
from evals.errors import DatasetInvalid
from evals.samples import Sample, read_dataset, write_dataset
from graph.backends import Scope
from graph.backends.local import EmbeddedSimilarity, open_retriever
from graph.cli.options import settings_and_release, takes
from graph.cli.terminal import Terminal, echo
from graph.release import Checking, Release
from graph.settings import Settings
from graph.state import Passage
from graph.verification.verifier import Verifier

NEAREST = 20
"""Passages that an unanswerable question is checked against."""


@click.command()
@takes("index", "release")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="A dataset to write.")
@click.option("--feedback", type=click.Path(path_type=Path), help="What `warrant feedback export` wrote.")
@click.option("--documents", type=click.IntRange(0), default=40, show_default=True, help="Questions with an answer.")
@click.option("--unanswerable", "absent", type=click.IntRange(0), default=10, show_default=True, help="And without.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--append", is_flag=True, help="Add what is new to a file that is there.")
def draft(
    index: Path | None,
    release: Path | None,
    out: Path,
    feedback: Path | None,
    documents: int,
    absent: int,
    seed: int,
    append: bool,
) -> None:
    """Propose samples for a person to edit: from the documents of a Snapshot, and from feedback.

    Each is tagged `draft` until somebody takes the tag away. A file that is there is never overwritten; with --append
    only samples with new ids are added.
    """
    before = _before(out, append=append)
    settings, told = settings_and_release(index, release)
    texts, counts = asyncio.run(read_texts(settings.index)), Counts(documents, absent, seed)
    asked = [sample.question for sample in before]
    rated = read_feedback(feedback, texts) if feedback else []
    with Terminal(stderr=True).status("Reading and checking"):
        made = [*answerable(texts, counts, asked), *asyncio.run(_absent(texts, counts, settings, told))]
    known = {sample.id for sample in before}
    new = [each for each in [*rated, *(each.sample for each in made)] if each.id not in known]
    write_dataset(out, [*before, *new])
    Terminal(stderr=True).print(_told(new, made), highlight=False)
    echo(out)


def _before(out: Path, *, append: bool) -> tuple[Sample, ...]:
    """The samples of a file that is there; raises DatasetInvalid when it may not be added to."""
    if not out.exists():
        return ()
    if not append:
        raise DatasetInvalid(f"{out} is there and may have been edited; name another file, or --append what is new.")
    return read_dataset(out).samples


async def _absent(texts: Texts, counts: Counts, settings: Settings, release: Release) -> list[Proposal]:
    """Questions without an answer, looked up in the Snapshot with every group's eyes."""
    if not counts.unanswerable:
        return []
    retriever, embedder = await open_retriever(settings.index, release, settings.cores)
    groups = sorted({group for document in texts.documents for group in document.metadata.get("allowed_groups") or ()})
    scope = Scope({}, groups, release.retrieval.pool)

    async def search(question: str) -> list[Passage]:
        return (await retriever.search(question, scope))[:NEAREST]

    verifier = Verifier(EmbeddedSimilarity(embedder), retriever.lexicon.weight, Checking())
    return await unanswerable(texts, counts, Unanswered(search, verifier))


def _told(new: list[Sample], made: list[Proposal]) -> str:
    kinds = Counter(tag for sample in new for tag in sample.tags if tag != "draft")
    found = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    return f"{len(new)} drafts ({found}); {len(made)} were proposed of the documents. Edit them, and take the tag away."
