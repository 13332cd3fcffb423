"""Runs the work for one question in a task of its own, which is stopped when nobody follows it any longer.

The task has an empty context, because LangChain passes callbacks on through context variables and would copy the
graph's state into the outer call's streams.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

from server.schemas import Item

Emit = Callable[[Item], None]
Work = Callable[[Emit], Coroutine[Any, Any, None]]
"""Emits items through the function that it is given."""
TERMINAL = ("final", "error")


class AnswerTask:
    """The task of one question; `last` is the last item that it has emitted."""

    def __init__(self, work: Work, on_item: Emit = lambda item: None) -> None:
        self.last: Item | None = None
        self._count, self._on_item = 0, on_item
        self.task = asyncio.create_task(work(self._emit), context=Context())

    def _emit(self, item: Item) -> None:
        self.last = {**item, "seq": self._count}
        self._count += 1
        self._on_item(self.last)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Stop the work at the end of the block, unless all items were emitted and it is only finishing."""
        try:
            yield
            if self.task.done() and not self.task.cancelled():
                self.task.result()
        finally:
            if self.last is None or self.last["event"] not in TERMINAL:
                self.task.cancel()


async def follow(work: Work) -> AsyncGenerator[Item, None]:
    """Every item that the work emits, with its number as `seq`; raises what the work failed with."""
    items: asyncio.Queue[Item | None] = asyncio.Queue()
    answering = AnswerTask(work, items.put_nowait)
    answering.task.add_done_callback(lambda _: items.put_nowait(None))
    with answering.followed():
        while item := await items.get():
            yield item


async def last_item(work: Work) -> Item | None:
    """The last item that the work emits, without waking for those before; None when it was stopped before the first."""
    answering = AnswerTask(work)
    with answering.followed():
        await asyncio.wait({answering.task})
    return answering.last
