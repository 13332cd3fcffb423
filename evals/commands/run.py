"""warrant eval run: every sample of a dataset is asked of one release."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evals.asking import ask_all
from evals.drafting.proposals import is_draft
from evals.runs import Outcome, Run, open_run
from evals.samples import read_dataset
from evals.subjects import Subject, packed, registered
from graph.commands.options import needs_mlflow, settings_with, takes
from graph.registry.package import open_package
from graph.release import load_release
from graph.settings import Settings, bound_mlflow, keep_no_answers

HOME = Path(".warrant/evals")
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


@click.command()
@click.option("--dataset", "-d", type=click.Path(path_type=Path), required=True, help="Samples, as JSON lines.")
@takes("index", "release", "registry", "model")
@click.option("--version", help="A registered version (12, v12 or an alias) in place of --release and --index.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=HOME, show_default=True)
@click.option("--at-once", type=click.IntRange(1, 64), default=4, show_default=True, help="Samples asked at a time.")
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
    again: bool,
) -> None:
    """Ask a release every question of a dataset, and keep each answer as it comes.

    Prints the run's directory. A run that was broken off goes on where it was. Samples that fail are outcomes too; the
    command says how many there are.
    """
    if version and (release or index):
        raise click.UsageError("--version brings its own release and Snapshot; leave --release and --index out.")
    settings = settings_with(index=index, release=release, registry=registry, model=model)
    samples, console = read_dataset(dataset), Console(stderr=True)
    if drafts := sum(map(is_draft, samples.samples)):
        console.print(f"{drafts} of {len(samples.samples)} samples are drafts that nobody has checked.", style="yellow")
    keep_no_answers()
    with _subject(settings, version) as subject:
        made = open_run(out, samples, subject, at_once)
        with made.writing():
            forgotten = made.forget_failures() if again else 0
            if forgotten:
                console.print(f"{forgotten} samples failed and are asked again.")
            outcomes = asyncio.run(ask_missing(subject, made, console))
    console.print(_told(made, outcomes))
    click.echo(made.place)


@contextmanager
def _subject(settings: Settings, version: str | None) -> Iterator[Subject]:
    """The package that is asked; raises a RegistryError or a SnapshotError."""
    if not version:
        with packed(load_release(settings.release), settings.index) as subject:
            yield subject
        return
    bound_mlflow()
    with needs_mlflow():
        from graph.registry.client import open_registry
        from graph.registry.stages import number_of
    found = open_registry(settings.registry_uri, settings.model)
    yield registered(found, number_of(version, found.places()), HOME / "packages")


async def ask_missing(subject: Subject, made: Run, console: Console, what: str = "Asking") -> dict[str, Outcome]:
    """Ask what is missing, with a bar that says what is done; every outcome."""
    missing = len(made.missing)
    if missing:
        agent = await open_package(subject.root)
        with Progress(*COLUMNS, TimeRemainingColumn(), console=console, transient=True) as progress:
            task = progress.add_task(what, total=made.about.samples, completed=made.about.samples - missing)
            await ask_all(agent, made, lambda _: progress.advance(task))
    return made.outcomes


def _told(made: Run, outcomes: dict[str, Outcome]) -> str:
    counted = Counter(outcome.answer["status"] if outcome.answer else "failed" for outcome in outcomes.values())
    found = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
    return f"{made.about.label} on {made.about.dataset}: {found}"
