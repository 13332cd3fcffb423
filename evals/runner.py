"""Asks a release every sample of a run that has no outcome yet; an error is the sample's outcome."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from traceback import walk_tb
from typing import Any

from evals.dataset import Sample, shuffled
from evals.runs import EvalRun, PackagedRelease, SampleFailure, SampleOutcome, Timing
from graph.agent import Agent
from graph.index.manifest import read_manifest
from graph.registry import RegistryReader
from graph.registry.package import pack, snapshot_of
from graph.release import Release

GRACE = 10.0
"""Seconds past a release's own deadline after which a sample is given up."""
CALLS = 8
"""How many of the last calls of an error are kept with it."""
TIMED = 24
"""Samples that are asked alone, to take their time."""
log = logging.getLogger("warrant.evals")


@contextmanager
def packed(release: Release, index: Path) -> Iterator[PackagedRelease]:
    """The code that runs here with a Release and a Snapshot, packed as `warrant release log` logs it.

    Its digest is therefore the one that is promoted. Lasts until the end of the block; raises SnapshotError.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = pack(Path(folder), release, index, external=False)
        yield PackagedRelease(
            root=found.root,
            label=release.label,
            release=found.digest,
            snapshot=found.manifest.id,
            commit=found.commit,
        )


def registered(registry: RegistryReader, number: int, home: Path) -> PackagedRelease:
    """A version of the registry, fetched to `home`; raises a RegistryError."""
    version = registry.version(number)
    root = registry.fetch(version, home)
    snapshot = read_manifest(snapshot_of(root)).id
    return PackagedRelease(root=root, label=version.label, release=version.digest, snapshot=snapshot, version=number)


async def ask_all(sides: Sequence[tuple[Agent, EvalRun]], on_outcome: Callable[[SampleOutcome], None]) -> None:
    """Ask each release what its run misses; `on_outcome` is called once an outcome is on disk.

    Some samples are asked one at a time and of the releases in turn, so that their times can be compared; the others
    as many at once as the run says.
    """
    missing = {run.path: set(run.missing) for _, run in sides}
    alone, writing = {run.path: timed(run.dataset.samples) for _, run in sides}, asyncio.Lock()

    async def one(agent: Agent, run: EvalRun, sample: Sample, repeat: int = 0) -> None:
        if (sample.id, repeat) in missing[run.path]:
            outcome = await ask(agent, sample, repeat, alone=not repeat and sample.id in alone[run.path])
            async with writing:
                await asyncio.to_thread(run.keep, outcome)
            on_outcome(outcome)

    for name in dict.fromkeys(chain.from_iterable(alone.values())):
        for agent, run in sides:
            if name in alone[run.path]:
                await one(agent, run, run.dataset.sample(name))
    for agent, run in sides:
        rest = [
            partial(one, agent, run, sample, repeat)
            for repeat in range(run.info.repeats)
            for sample in run.dataset.samples
            if repeat or sample.id not in alone[run.path]
        ]
        await _at_once(rest, run.info.at_once)


def timed(samples: Iterable[Sample]) -> list[str]:
    """The samples that are asked alone: TIMED of them, chosen by a hash of their ids."""
    return shuffled((sample.id for sample in samples), str)[:TIMED]


async def _at_once(calls: Sequence[Callable[[], Awaitable[None]]], many: int) -> None:
    slots = asyncio.Semaphore(many)

    async def one(call: Callable[[], Awaitable[None]]) -> None:
        async with slots:
            await call()

    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(one(call))


async def ask(agent: Agent, sample: Sample, repeat: int = 0, *, alone: bool = False) -> SampleOutcome:
    """The outcome of one sample; `alone`: nothing else is asked meanwhile, and its time is taken apart."""
    before = _clock()
    try:
        async with asyncio.timeout(agent.deadline + GRACE):
            state = await _state(agent, sample)
        found = {name: state.get(name) for name in ("answer", "passages", "replies")}
    except Exception as error:
        log.warning("a sample failed", exc_info=error, extra={"sample": sample.id})
        found = {"trouble": _failure(error)}
    wall, cpu, queued = (round(now - then, 4) for now, then in zip(_clock(), before, strict=True))
    # Threads that computed or were queued side by side count as if in turn.
    timing = Timing(cpu=cpu, waiting=max(0.0, round(wall - cpu - queued, 4))) if alone else None
    return SampleOutcome(sample=sample.id, repeat=repeat, seconds=wall, timing=timing, **found)


def _clock() -> tuple[float, float, float]:
    """Seconds: of wall time, of processor time of all threads, and of their waiting for a processor.

    The last is known on Linux alone; elsewhere it counts as waiting of another kind.
    """
    return time.monotonic(), time.process_time(), _queued()


def _queued() -> float:
    """Seconds for which the threads of this process were ready to run and other ones had the processors."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # A thread that has ended since.
            total += int(path.read_text().split()[1])
    return total / 1e9


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
