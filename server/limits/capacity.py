"""Bounds how many questions a worker answers at once: more wait, in turn between teams, and too many are refused.

All are refused while memory is short.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil

from server.context import RequestContext
from server.errors import RequestRefused, refuse
from server.limits.memory import memory_in_use
from server.observability.metric_definitions import WAITING
from server.settings import ServerSettings

ALL = ""
"""The cap of all questions together."""
MAX_RETRY_AFTER = 60
SMOOTHING = 0.1
"""What a new question counts in the mean seconds of one."""


@dataclass(eq=False)
class _Place:
    """A question's place in the queue; `caps` are those that it counts for."""

    team: str
    caps: tuple[str, ...]
    granted: asyncio.Future[None]


class Capacity:
    """The questions of one worker that are being answered, and those that wait."""

    def __init__(self, settings: ServerSettings, in_use: Callable[[], float] = memory_in_use) -> None:
        self._most_memory, self._in_use = settings.memory, in_use
        self._caps: Mapping[str, int] = {**settings.caps, ALL: settings.at_once}
        self._most_waiting, self._patience = settings.waiting, settings.wait
        self._queue: list[_Place] = []
        self._running: Counter[str] = Counter()
        self._teams: Counter[str] = Counter()
        self._last_turns: dict[str, float] = {}
        self._mean_seconds = 0.0

    @asynccontextmanager
    async def place(self, request: RequestContext, names: Iterable[str]) -> AsyncIterator[None]:
        """Hold a place from when it is this question's turn; raises RequestRefused (503) when there is none in time.

        `names`: the release and the models that it may use, which may have caps of their own. Next is the question
        that has waited longest of the team with the fewest questions under way; of several, of the one whose last turn
        is longest ago.
        """
        if self._most_memory < 1 and self._in_use() >= self._most_memory:
            raise self._refused(request)
        team = request.caller.team or request.caller.name
        caps = (ALL, *(name for name in dict.fromkeys(names) if name in self._caps))
        own = _Place(team, caps, asyncio.get_running_loop().create_future())
        self._queue.append(own)
        began = 0.0
        try:
            self._grant()
            self._drop_one_too_many()
            await asyncio.wait([own.granted], timeout=self._patience)
            if not own.granted.done():
                own.granted.set_exception(self._refusal())
            if own.granted.exception():
                raise self._refused(request)
            began = time.monotonic()
            yield
        finally:
            self._leave(own, began)

    def _grant(self) -> None:
        """Give the free places to those whose turn it is."""
        while ready := [each for each in self._queue if all(self._running[cap] < self._caps[cap] for cap in each.caps)]:
            chosen = min(ready, key=lambda each: (self._teams[each.team], self._last_turns.get(each.team, 0.0)))
            self._queue.remove(chosen)
            self._running.update(chosen.caps)
            self._teams[chosen.team] += 1
            self._last_turns[chosen.team] = time.monotonic()
            chosen.granted.set_result(None)
        WAITING.set(len(self._queue))

    def _drop_one_too_many(self) -> None:
        """Of a queue that is too long, refuse the last question of the team with the most in it."""
        if len(self._queue) > self._most_waiting:
            [(busiest, _)] = Counter(each.team for each in self._queue).most_common(1)
            last = next(each for each in reversed(self._queue) if each.team == busiest)
            self._queue.remove(last)
            last.granted.set_exception(self._refusal())

    def _refusal(self) -> RequestRefused:
        return refuse("overloaded")

    def _refused(self, request: RequestContext) -> RequestRefused:
        """The refusal of a request, which is told when to ask again."""
        seconds = self._mean_seconds * (len(self._queue) + 1) / self._caps[ALL]
        request.headers["retry-after"] = str(min(MAX_RETRY_AFTER, max(1, ceil(seconds))))
        return self._refusal()

    def _leave(self, own: _Place, began: float) -> None:
        """Give the place up, or stop waiting for one."""
        if own in self._queue:
            self._queue.remove(own)
        elif own.granted.exception() is None:
            self._running.subtract(own.caps)
            self._teams.subtract([own.team])
            if began:
                self._mean_seconds += SMOOTHING * (time.monotonic() - began - self._mean_seconds)
        self._grant()
