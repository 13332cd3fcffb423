"""Makes a registered version of the release that runs here: packed, logged, cross-checked, registered."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow

from ..errors import PackageBroken
from ..release import Release
from .address import check_workspace
from .log_model import RunMetadata, log_agent, log_package, register, registered, tracking
from .mlflow_models import open_logged
from .package import Packed, open_package, pack

QUESTIONS = 3
"""Questions of a cross-check that names none."""
COMMON_WORDS = 12
"""Common words by which documents are found to ask about."""
COMPARED = ("text", "status", "citations", "release", "snapshot")


@dataclass(frozen=True)
class LogOptions:
    """How a release is to be logged (see `warrant release log --help`)."""

    questions: Sequence[str] = ()
    cross_check: bool = False
    external: bool = False
    as_agent: bool = False
    again: bool = False
    metadata: RunMetadata = field(default_factory=RunMetadata)


@dataclass(frozen=True)
class LoggedVersion:
    """A version; `new` unless one was there that is the same; `checked` questions were answered alike.

    `agent` is the version of the ResponsesAgent over it, where one is wanted.
    """

    number: int
    snapshot: str
    new: bool = True
    checked: int = 0
    agent: int | None = None


def log_release(
    release: Release, index: Path, uri: str, model: str, options: LogOptions, report: Callable[[str], None]
) -> LoggedVersion:
    """Log a release over the Snapshot at `index` and register it; raises PackageBroken or a SnapshotError."""
    check_workspace(uri)
    with tempfile.TemporaryDirectory() as folder:
        report("Packing")
        packed = pack(Path(folder), release, index, external=options.external)
        if not options.again and (same := registered(uri, model, packed.digest)):
            number, run_id, new, checked = int(same.version), same.run_id or "", False, 0
        else:
            number, run_id, checked = _log(packed, uri, model, options, report)
            new = True
        agent = _log_agent(packed, uri, f"{model}-agent", run_id, options, report) if options.as_agent else None
        return LoggedVersion(number, packed.manifest.id, new, checked, agent)


def _log(
    packed: Packed, uri: str, model: str, options: LogOptions, report: Callable[[str], None]
) -> tuple[int, str, int]:
    """The new version's number and run, and how many questions were answered alike before and after."""
    questions = list(options.questions) or asyncio.run(_questions(packed, QUESTIONS if options.cross_check else 1))
    before = _answers(packed, questions) if options.cross_check else []
    report("Logging with MLflow, which asks the release its input example")
    logged = log_package(packed, uri, model, questions[0], options.metadata)
    if options.cross_check:
        report(f"Asking the logged release {len(questions)} questions")
        _compare(uri, logged.uri, questions, before)
    return register(uri, model, logged, packed, options.metadata.who), logged.run_id, len(before)


def _log_agent(
    packed: Packed, uri: str, model: str, run_id: str, options: LogOptions, report: Callable[[str], None]
) -> int:
    """The version of the ResponsesAgent over a package, which is logged in the package's run unless it is there."""
    if not options.again and (same := registered(uri, model, packed.digest)):
        return int(same.version)
    if not run_id:
        raise PackageBroken(f"{model} cannot be logged: the version that is there has no run. --again makes another.")
    report("Logging it as a ResponsesAgent")
    return register(uri, model, log_agent(packed, uri, run_id), packed, options.metadata.who)


def _compare(uri: str, logged: str, questions: list[str], before: list[dict[str, Any]]) -> None:
    """Raise PackageBroken where the logged model, loaded anew as any user of MLflow does, answers otherwise."""
    with tracking(uri):
        after = mlflow.pyfunc.load_model(logged).predict([{"question": question} for question in questions])
    pairs = zip(questions, map(_compared, before), map(_compared, after), strict=True)
    if found := [each for each in pairs if each[1] != each[2]]:
        question, was, now = found[0]
        what = f"The logged release answers {question!r} with {now!s:.300} instead of {was!s:.300}"
        raise PackageBroken(f"{what}; {len(found)} of {len(questions)} answers differ. It was not registered.")


async def _questions(packed: Packed, most: int) -> list[str]:
    """Questions about documents that everybody may see, found by their commonest words; raises PackageBroken."""
    agent = await open_package(packed.root, packed.digest)
    lexicon = agent.backend.retriever.lexicon
    titles: dict[str, None] = {}
    for word in lexicon.commonest(COMMON_WORDS) if lexicon else []:
        found = await agent.search(word, {}, [], 1)
        titles.update({passage["title"]: None for passage in found})
    if not titles:
        raise PackageBroken("The Snapshot has nothing that everybody may see; name a question with --question.")
    return [f"What does {title} say?" for title in list(titles)[:most]]


def _answers(packed: Packed, questions: Sequence[str]) -> list[dict[str, Any]]:
    graph = open_logged(packed.root)
    return [graph.invoke({"question": question}) for question in questions]


def _compared(reply: dict[str, Any]) -> Any:
    answer = reply["answer"]
    return {name: answer[name] for name in COMPARED} if answer else reply["error"]
