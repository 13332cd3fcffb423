"""Asks a release every sample of a run that has no outcome yet; an error is the sample's outcome."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

from evals.dataset import Sample
from evals.runs import EvalRun, PackagedRelease, SampleFailure, SampleOutcome
from graph.agent import Agent
from graph.index.manifest import read_manifest
from graph.registry import RegistryReader
from graph.registry.package import pack, snapshot_of
from graph.release import Release

GRACE = 10.0
"""Seconds past a release's own deadline after which a sample is given up."""
CALLS = 8
"""How many of the last calls of an error are kept with it."""
log = logging.getLogger("warrant.evals")


@contextmanager
def packed(release: Release, index: Path) -> Iterator[PackagedRelease]:
    """The code that runs here with a Release and a Snapshot, packed as `warrant release log` logs it.

    Its digest is therefore the one that is promoted. Lasts until the end of the block; raises SnapshotError.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = pack(Path(folder), release, index, external=False)
        yield PackagedRelease(found.root, release.label, found.digest, found.manifest.id, commit=found.commit)


def registered(registry: RegistryReader, number: int, home: Path) -> PackagedRelease:
    """A version of the registry, fetched to `home`; raises a RegistryError."""
    version = registry.version(number)
    root = registry.fetch(version, home)
    return PackagedRelease(root, version.label, version.digest, read_manifest(snapshot_of(root)).id, number)


async def ask_all(agent: Agent, run: EvalRun, on_outcome: Callable[[SampleOutcome], None]) -> None:
    """Ask what is missing, as many at once as the run says; `on_outcome` is called once an outcome is on disk."""
    missing = set(run.missing)
    slots, writing = asyncio.Semaphore(run.info.at_once), asyncio.Lock()

    async def one(sample: Sample) -> None:
        async with slots:
            outcome = await ask(agent, sample)
        async with writing:
            await asyncio.to_thread(run.keep, outcome)
        on_outcome(outcome)

    async with asyncio.TaskGroup() as tasks:
        for sample in run.dataset.samples:
            if sample.id in missing:
                tasks.create_task(one(sample))


async def ask(agent: Agent, sample: Sample) -> SampleOutcome:
    """The outcome of one sample."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(agent.deadline + GRACE):
            state = await _state(agent, sample)
    except Exception as error:
        log.warning("a sample failed", exc_info=error, extra={"sample": sample.id})
        return SampleOutcome(sample=sample.id, trouble=_failure(error), seconds=round(time.monotonic() - began, 4))
    seconds = round(time.monotonic() - began, 4)
    return SampleOutcome(
        sample=sample.id,
        answer=state["answer"],
        passages=state.get("passages"),
        replies=state.get("replies"),
        seconds=seconds,
    )


def _failure(error: Exception) -> SampleFailure:
    message = " ".join(str(error).split())[:1000]
    calls = [(frame.f_globals.get("__name__"), line, frame.f_code) for frame, line in walk_tb(error.__traceback__)]
    last = tuple(f"{module}:{line} {code.co_name}" for module, line, code in calls[-CALLS:])
    return SampleFailure(kind=type(error).__name__, message=message, calls=last)


async def _state(agent: Agent, sample: Sample) -> dict[str, Any]:
    """What the steps have filled at the end; raises LookupError when none of them made an answer."""
    found: dict[str, Any] = {}
    async for update in agent.graph.astream(sample.as_question, stream_mode="updates"):
        for filled in update.values():
            found |= {name: filled[name] for name in ("answer", "passages", "replies") if name in (filled or {})}
    if "answer" not in found:
        raise LookupError("The graph ended without an answer.")
    return found
