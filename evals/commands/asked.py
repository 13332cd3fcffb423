"""What several commands do to have a release asked: open it, ask what is missing, tell how it goes."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evals.asking import ask_all
from evals.drafting.proposals import is_draft
from evals.runs import Run, open_run
from evals.samples import Dataset
from evals.subjects import Subject
from graph.cli.options import needs_mlflow
from graph.registry.package import open_package
from graph.settings import Settings, bound_mlflow, keep_no_answers

if TYPE_CHECKING:
    from graph.registry.client import Registry

HOME = Path(".warrant/evals")
AT_ONCE = 4
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


def asked(
    subject: Subject, dataset: Dataset, home: Path, console: Console, at_once: int = AT_ONCE, *, again: bool = False
) -> Run:
    """The run of a dataset and a package below `home`, with every outcome; one that was broken off goes on.

    `again` lets the samples that failed be asked once more. Raises RunInvalid when another process is at it.
    """
    if drafts := sum(map(is_draft, dataset.samples)):
        console.print(f"{drafts} of {len(dataset.samples)} samples are drafts that nobody has checked.", style="yellow")
    keep_no_answers()
    made = open_run(home, dataset, subject, at_once)
    with made.writing():
        forgotten = made.forget_failures() if again else 0
        if forgotten:
            console.print(f"{forgotten} samples failed and are asked again.")
        asyncio.run(ask_missing(subject, made, console))
    console.print(_told(made))
    return made


def registry_of(settings: Settings) -> "Registry":
    """The registry that the settings name; raises ExtraMissing."""
    bound_mlflow()
    with needs_mlflow():
        from graph.registry.client import open_registry
    return open_registry(settings.registry_uri, settings.model)


async def ask_missing(subject: Subject, made: Run, console: Console, what: str = "Asking") -> None:
    """Ask what is missing, with a bar that says what is done."""
    missing = len(made.missing)
    if not missing:
        return
    agent = await open_package(subject.root)
    with Progress(*COLUMNS, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=made.about.samples, completed=made.about.samples - missing)
        await ask_all(agent, made, lambda _: progress.advance(task))


def _told(made: Run) -> str:
    outcomes = made.outcomes.values()
    counted = Counter(outcome.answer["status"] if outcome.answer else "failed" for outcome in outcomes)
    found = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
    return f"{made.about.label} on {made.about.dataset}: {found}"
