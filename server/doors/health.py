"""Is the process alive, and does it answer?"""

from collections import Counter
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from graph.registry.stages import STAGING
from server.live import Live
from server.releases.slots import Standing
from server.watching.tracing import Traces


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


def health_routes(live: Live, traces: Traces) -> APIRouter:
    """/healthz and /readyz."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz")
    async def alive() -> Health:
        """The process answers."""
        return Health()

    @routes.get("/readyz")
    async def ready() -> Ready:
        """Questions are answered; 503 while they are not."""
        slot, state = live.production, live.state
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
            trouble=state.trouble,
            breakers=Breakers(**Counter(state.state for state in agent.breakers())),
            traces=traces.state,
        )

    return routes
