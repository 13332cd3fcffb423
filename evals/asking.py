"""Asks every sample of a run that has no outcome yet; what goes wrong is the sample's outcome."""

import asyncio
import logging
import time
from collections.abc import Callable
from traceback import walk_tb
from typing import Any

from evals.runs import Outcome, Run, Trouble
from evals.samples import Sample
from graph.agent import Agent

GRACE = 10.0
"""Seconds past a release's own deadline after which a sample is given up."""
CALLS = 8
"""How many of the last calls of an error are kept with it."""
log = logging.getLogger("warrant.evals")


async def ask_all(agent: Agent, run: Run, told: Callable[[Outcome], None]) -> None:
    """Ask what is missing, as many at once as the run says; `told` hears of each outcome once it is kept."""
    missing = set(run.missing)
    places, writing = asyncio.Semaphore(run.about.at_once), asyncio.Lock()

    async def one(sample: Sample) -> None:
        async with places:
            outcome = await ask(agent, sample)
        async with writing:
            await asyncio.to_thread(run.keep, outcome)
        told(outcome)

    async with asyncio.TaskGroup() as tasks:
        for sample in run.dataset.samples:
            if sample.id in missing:
                tasks.create_task(one(sample))


async def ask(agent: Agent, sample: Sample) -> Outcome:
    """The outcome of one sample."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(agent.deadline + GRACE):
            state = await _state(agent, sample)
    except Exception as error:
        log.warning("a sample failed", exc_info=error, extra={"sample": sample.id})
        return Outcome(sample=sample.id, trouble=_trouble(error), seconds=round(time.monotonic() - began, 4))
    seconds = round(time.monotonic() - began, 4)
    return Outcome(sample=sample.id, answer=state["answer"], passages=state.get("passages"), seconds=seconds)


def _trouble(error: Exception) -> Trouble:
    message = " ".join(str(error).split())[:1000]
    calls = [(frame.f_globals.get("__name__"), line, frame.f_code) for frame, line in walk_tb(error.__traceback__)]
    told = tuple(f"{module}:{line} {code.co_name}" for module, line, code in calls[-CALLS:])
    return Trouble(kind=type(error).__name__, message=message, calls=told)


async def _state(agent: Agent, sample: Sample) -> dict[str, Any]:
    """What the steps have filled at the end; raises LookupError when none of them made an answer."""
    found: dict[str, Any] = {}
    async for update in agent.graph.astream(sample.asked, stream_mode="updates"):
        for filled in update.values():
            found |= {name: filled[name] for name in ("answer", "passages") if name in (filled or {})}
    if "answer" not in found:
        raise LookupError("The graph ended without an answer.")
    return found
