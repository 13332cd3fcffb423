"""Liveness, readiness and metrics, for load balancers and Prometheus."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Literal, Protocol

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from graph.agent import Agent
from graph.errors import SnapshotError
from graph.registry.stages import STAGING
from server.errors import RequestRefused, refuse
from server.observability.metric_definitions import CONTENT_TYPE
from server.observability.metrics import Metrics
from server.observability.trace_export import TraceExporter
from server.releases.deployments import Deployments, Standing

log = logging.getLogger("warrant.health")
PING_TIMEOUT = 5.0
"""Seconds in which the index must answer."""


class Health(BaseModel):
    """`ok`."""

    status: str = "ok"


class Breakers(BaseModel):
    """How many circuit breakers of model endpoints are in each state."""

    closed: int = 0
    half_open: int = 0
    open: int = 0


class Readiness(Health):
    """What is deployed, and current problems of this process.

    `standing`: production holds a warrant, or is served by `override`, with its reason. `split` has the shares of its
    questions that other versions answer. `trouble` lists problems in spite of which questions are answered. `traces`:
    `off`, `sent`, or `lost` when one was dropped or failed within the last minute.
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


class IndexCheck:
    """Checks that the index answers; checks share a ping, so that a hanging disk does not occupy a thread for each."""

    def __init__(self) -> None:
        self._ping: tuple[Agent, asyncio.Task[None]] | None = None

    async def check(self, agent: Agent) -> None:
        """Raises RequestRefused (503) when the Snapshot of an agent does not answer in time."""
        if self._ping is None or self._ping[0] is not agent or self._ping[1].done():
            self._ping = agent, asyncio.create_task(agent.ping())
        _, ping = self._ping
        await asyncio.wait([ping], timeout=PING_TIMEOUT)
        if not ping.done():
            raise _not_ready(agent, f"does not answer within {PING_TIMEOUT:g} seconds")
        if error := ping.exception():
            log.error("the index does not answer", extra={"snapshot": agent.snapshot, "trouble": str(error)})
            raise _not_ready(
                agent, f"cannot be read ({type(error).__name__}). Index the documents again, or put it back"
            )


def _not_ready(agent: Agent, why: str) -> RequestRefused:
    return refuse(SnapshotError, f"The Snapshot {agent.snapshot} {why}.")


class HasTrouble(Protocol):
    """A store that reports its last failure."""

    trouble: str


def health_routes(
    deployments: Deployments, traces: TraceExporter, metrics: Metrics, stores: Sequence[HasTrouble]
) -> APIRouter:
    """/healthz, /readyz and /metrics."""
    routes, index = APIRouter(tags=["operations"]), IndexCheck()

    @routes.get("/healthz")
    async def alive() -> Health:
        """The process is alive."""
        return Health()

    @routes.get("/readyz")
    async def ready() -> Readiness:
        """Questions can be answered; 503 otherwise."""
        production, state = deployments.production, deployments.state
        agent, staging = production.agent, state.deployments.get(STAGING)
        await index.check(agent)
        return Readiness(
            release=agent.label,
            version=production.version,
            snapshot=agent.snapshot,
            standing=production.standing,
            override=production.reason,
            staging=staging.version if staging else "",
            split=state.split,
            registry=state.registry,
            trouble=[*state.trouble, *(store.trouble for store in stores if store.trouble)],
            breakers=Breakers(**Counter(state.state for state in agent.breakers())),
            traces=traces.state,
        )

    # Without async it runs in a thread: the values of several workers are read from files.
    @routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def read_metrics() -> Response:
        """Counters, histograms and gauges in Prometheus' text format."""
        return Response(metrics.page(deployments), headers={"content-type": CONTENT_TYPE})

    return routes
