"""Is the process alive, and does it answer?"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from graph.agent import Agent
from graph.registry.stages import STAGING
from server.errors import Refused, refuse
from server.live import Live
from server.releases.slots import Standing
from server.watching.tracing import Traces

log = logging.getLogger("warrant.health")
SECONDS = 5.0
"""How long the index may take to answer."""


class Health(BaseModel):
    """`ok`."""

    status: str = "ok"


class Breakers(BaseModel):
    """How many model endpoints are asked, tried again, or left alone; not which."""

    closed: int = 0
    half_open: int = 0
    open: int = 0


class Ready(Health):
    """What is being served, and what this process has trouble with.

    `standing` is how production stands: with a warrant, or by an `override` and why. `split` are the shares of its
    questions that go to other versions. `trouble` does not keep it from answering. `traces` are `off`, `sent`, or
    `lost`: at least one was dropped or failed within the last minute.
    """

    release: str
    version: str
    snapshot: str
    standing: Standing
    override: str
    staging: str
    split: dict[str, float]
    registry: Literal["none", "ok", "away"]
    trouble: list[str]
    breakers: Breakers
    traces: Literal["off", "sent", "lost"]


class Pulse:
    """Asks whether the index answers; of several at once the first asks for all."""

    def __init__(self) -> None:
        self._asking: dict[int, asyncio.Task[None]] = {}

    async def feel(self, agent: Agent) -> None:
        """Raises Refused (503) when the Snapshot of an agent does not answer, or not in time."""
        asking = self._asking.get(id(agent)) or self._begin(agent)
        # A disk that hangs must not take a thread for each who asks.
        await asyncio.wait([asking], timeout=SECONDS)
        if not asking.done():
            raise _dead(agent, f"does not answer within {SECONDS:g} seconds")
        if error := asking.exception():
            log.error("the index does not answer", extra={"snapshot": agent.snapshot, "trouble": str(error)})
            raise _dead(agent, f"cannot be read ({type(error).__name__}). Index the documents again, or put it back")

    def _begin(self, agent: Agent) -> asyncio.Task[None]:
        task = self._asking[id(agent)] = asyncio.create_task(_ping(agent))
        task.add_done_callback(partial(self._ended, id(agent)))
        return task

    def _ended(self, asked: int, task: "asyncio.Task[None]") -> None:
        del self._asking[asked]
        if not task.cancelled():
            # Nobody may have waited so long.
            task.exception()


async def _ping(agent: Agent) -> None:
    # An agent whose code is older than the server's may have none.
    if ping := getattr(agent, "ping", None):
        await ping()


def _dead(agent: Agent, why: str) -> Refused:
    return refuse(503, f"The Snapshot {agent.snapshot} {why}.", "snapshot_unavailable")


def health_routes(live: Live, traces: Traces, trouble: Callable[[], list[str]] = list) -> APIRouter:
    """/healthz and /readyz; `trouble` gives what there is beside what `live` has, in sentences."""
    routes, pulse = APIRouter(tags=["operations"]), Pulse()

    @routes.get("/healthz")
    async def alive() -> Health:
        """The process answers."""
        return Health()

    @routes.get("/readyz")
    async def ready() -> Ready:
        """Questions are answered, and the index answers; 503 while they are not."""
        slot, state = live.production, live.state
        await pulse.feel(slot.agent)
        agent, staging = slot.agent, state.slots.get(STAGING)
        return Ready(
            release=agent.label,
            version=slot.version,
            snapshot=agent.snapshot,
            standing=slot.standing,
            override=slot.reason,
            staging=staging.version if staging else "",
            split=state.split,
            registry=state.registry,
            trouble=[*state.trouble, *trouble()],
            breakers=Breakers(**Counter(state.state for state in agent.breakers())),
            traces=traces.state,
        )

    return routes
