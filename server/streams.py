"""Answer streams: the work for one question in a task of its own, and every item that it has emitted.

A follower reads the items so far and waits for more. Without followers the work is stopped: at once, or
after a while if the stream is resumable. The task has an empty context, because LangChain passes callbacks on through
context variables and would copy the graph's state into the outer call's streams.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Context

from graph.callers import Caller
from server.errors import refuse
from server.schemas import Item

Emit = Callable[[Item], None]
Work = Callable[[Emit], Awaitable[None]]
TERMINAL = ("final", "error")


class AnswerStream:
    """One question's stream; `work` emits its items through the function that it is given, and never raises."""

    def __init__(self, work: Work, linger: float = 0.0) -> None:
        """`linger`: seconds for which the work goes on without a follower."""
        self._items: list[Item] = []
        self._changed = asyncio.Event()
        self._followers = 0
        self._linger = linger
        self._stopping: asyncio.TimerHandle | None = None
        self.stopped = False
        """Whether the work was stopped before its last item."""
        self._task = asyncio.create_task(self._run(work), context=Context())

    async def follow(self, after: int = -1) -> AsyncGenerator[Item, None]:
        """Every item whose `seq` is greater than `after`, until the work has ended."""
        with self._following():
            position = after + 1
            while True:
                changed = self._changed
                for item in self._items[position:]:
                    position += 1
                    yield item
                if self._task.done() and position >= len(self._items):
                    break
                await changed.wait()

    async def last(self) -> Item | None:
        """The last item, when the work has ended; None when it was stopped before the first."""
        with self._following():
            await asyncio.wait({self._task})
        return self._items[-1] if self._items else None

    @contextmanager
    def _following(self) -> Iterator[None]:
        """The work goes on as long as somebody follows it; who follows to its end gets the error that ended it."""
        self._followers += 1
        if self._stopping:
            self._stopping.cancel()
        try:
            yield
            if not self._task.cancelled():
                self._task.result()
        finally:
            self._followers -= 1
            self._stop_if_unfollowed()

    def stop(self) -> None:
        """Stop the work, unless all items were emitted and it is only finishing."""
        complete = bool(self._items) and self._items[-1]["event"] in TERMINAL
        if not complete:
            self.stopped = True
            self._task.cancel()

    async def _run(self, work: Work) -> None:
        try:
            await work(self._emit)
        finally:
            asyncio.get_running_loop().call_soon(self._notify)

    def _emit(self, item: Item) -> None:
        self._items.append({**item, "seq": len(self._items)})
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _stop_if_unfollowed(self) -> None:
        if self._followers:
            return
        if self._linger:
            self._stopping = asyncio.get_running_loop().call_later(self._linger, self.stop)
        else:
            self.stop()


class ResumableStreams:
    """Streams that may be resumed: `limit` at once, each until `seconds` after the longest that it can last."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds, self._limit = seconds, limit
        self._streams: dict[tuple[str, str], tuple[Caller, AnswerStream]] = {}

    def add(self, stream_id: str, caller: Caller, stream: AnswerStream, longest: float) -> None:
        """Store a stream that lasts `longest` seconds at most.

        Beyond the limit the oldest stream of the caller with the most streams is dropped, so that no caller can push
        out another's.
        """
        self._streams[caller.name, stream_id] = entry = (caller, stream)
        while len(self._streams) > self._limit:
            [(busiest, _)] = Counter(owner for owner, _ in self._streams).most_common(1)
            del self._streams[next(key for key in self._streams if key[0] == busiest)]
        asyncio.get_running_loop().call_later(longest + self._seconds, self._expire, (caller.name, stream_id), entry)

    def find(self, stream_id: str, caller: Caller) -> AnswerStream:
        """The caller's stream of that id; raises RequestRefused (404) when there is none."""
        owner, stream = self._streams.get((caller.name, stream_id), (None, None))
        if stream is None or owner != caller or stream.stopped:
            raise refuse(404, "There is no stream by that id to go on with: it has ended or is another caller's.")
        return stream

    def _expire(self, key: tuple[str, str], entry: tuple[Caller, AnswerStream]) -> None:
        if self._streams.get(key) is entry:
            del self._streams[key]
