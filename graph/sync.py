"""Lets sync callers, MLflow's pyfunc among them, use a graph whose steps are async only."""

import queue
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

from anyio.from_thread import BlockingPortal, BlockingPortalProvider
from langgraph.graph.state import CompiledStateGraph

Graph = CompiledStateGraph[Any, Any, Any, Any]
LOOP = BlockingPortalProvider()
"""An event loop in a thread of its own, there as long as a sync call is under way."""


class GraphWithSync(CompiledStateGraph[Any, Any, Any, Any]):
    """A compiled graph whose `invoke` and `stream` run its async twins."""

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """A compiled graph as one of this class; LangGraph's own `copy` makes its copies in this way."""
        return cls(**{name: value for name, value in vars(graph).items() if name != "__orig_class__"})

    def invoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        with LOOP as portal:
            return portal.call(partial(self.ainvoke, input, config, **options))

    def stream(self, input: Any, config: Any = None, **options: Any) -> Iterator[Any]:
        with LOOP as portal:
            yield from _pumped(portal, partial(self.astream, input, config, **options))


def _pumped(portal: BlockingPortal, make: Any) -> Iterator[Any]:
    """Iterate an async stream from a thread; it runs in one task, so that its context variables hold."""
    items: queue.Queue[Any] = queue.Queue()
    end = object()

    async def pump() -> None:
        try:
            async for item in make():
                items.put(item)
        finally:
            items.put(end)

    running = portal.start_task_soon(pump)
    try:
        while (item := items.get()) is not end:
            yield item
    finally:
        if not running.done():
            running.cancel()
    running.result()
