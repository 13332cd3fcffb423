"""A compiled graph that answers equal questions asked at the same moment once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from langgraph.config import get_config

from ..sync import GraphWithSync
from .single_flight import Leader

LEADER = "__warrant_leader"
"""Names that begin so stay out of a checkpoint's metadata and of traces."""


def leader_of_this_run() -> Leader | None:
    """The leader of the run that a step belongs to; None when the graph was compiled without."""
    leader: Leader | None = get_config()["configurable"].get(LEADER)
    return leader


class SingleFlightGraph(GraphWithSync):
    """A compiled graph each of whose runs can lead.

    A run can finish, fail, be cancelled, or be left half-way by whoever was reading its stream: no step sees all of
    these.
    """

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        leader, completed = Leader(), True
        configurable = {**(config or {}).get("configurable", {}), LEADER: leader}
        run: Any = super().astream
        try:
            async with aclosing(run(input, {**(config or {}), "configurable": configurable}, **options)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except (asyncio.CancelledError, GeneratorExit):
            completed = False
            raise
        finally:
            leader.end(completed=completed)
