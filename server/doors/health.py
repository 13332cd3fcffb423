"""Is the process alive, and does it answer?"""

from collections import Counter
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from server.live import Live
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

    `traces` are `off`, `sent`, or `lost`: at least one was dropped or failed within the last minute.
    """

    release: str
    snapshot: str
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
        agent = live.agent
        return Ready(
            release=agent.label,
            snapshot=agent.snapshot,
            breakers=Breakers(**Counter(state.state for state in agent.breakers())),
            traces=traces.state,
        )

    return routes
