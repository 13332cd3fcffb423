"""Gives each run of a compiled graph a lease, which ends when the run does.

A run can finish, fail, be cancelled, or be left half-way by whoever was reading its stream: no step sees all of these.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from langgraph.config import get_config

from ..sync import Graph, GraphWithSync
from .flights import Lease

LEASE = "__warrant_lease"
"""Names that begin so stay out of a checkpoint's metadata and of traces."""


def lease_of_this_run() -> Lease | None:
    """The lease of the run that a step belongs to; None when the graph was compiled without."""
    lease: Lease | None = get_config()["configurable"].get(LEASE)
    return lease


class LeasedGraph(GraphWithSync):
    """A compiled graph each of whose runs has a lease."""

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        lease, finished = Lease(), True
        told = {**(config or {}), "configurable": {**(config or {}).get("configurable", {}), LEASE: lease}}
        run: Any = super().astream
        try:
            async with aclosing(run(input, told, **options)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (asyncio.CancelledError, GeneratorExit):
            finished = False
            raise
        finally:
            lease.end(finished=finished)


def with_leases(graph: Graph) -> Graph:
    """The same graph with a lease for each run. LangGraph makes the object, so its class is changed afterwards."""
    graph.__class__ = LeasedGraph
    return graph
