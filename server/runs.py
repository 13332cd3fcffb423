"""The work for one question, in a task of its own, and everything it has said so far.

Whoever follows a run reads what was said and waits for more. When nobody follows any longer the work is stopped, at
once or, if the caller wants to be able to come back, after a while. It runs in an empty context: what LangChain keeps
in context variables for the callbacks of the outer call would carry the graph's state into the outer call's streams.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextvars import Context

from server.callers import Caller
from server.errors import refuse
from server.public import Item

Say = Callable[[Item], None]
Work = Callable[[Say], Awaitable[None]]
LAST = ("final", "error")


class Run:
    """One run; `work` says its items through the function that it is given, and never raises."""

    def __init__(self, work: Work, stay: float = 0.0) -> None:
        """`stay`: seconds for which the work goes on when nobody follows."""
        self._said: list[Item] = []
        self._news = asyncio.Event()
        self._followers = 0
        self._stay = stay
        self._leaving: asyncio.TimerHandle | None = None
        self.given_up = False
        """Whether the work was stopped because nobody followed, or nobody wanted it."""
        self._task = asyncio.create_task(self._do(work), context=Context())

    async def follow(self, after: int = -1) -> AsyncGenerator[Item, None]:
        """Every item whose number is greater than `after`, until the work has ended."""
        self._followers += 1
        if self._leaving:
            self._leaving.cancel()
        try:
            seen = after + 1
            while True:
                news = self._news
                for item in self._said[seen:]:
                    seen += 1
                    yield item
                if self._task.done() and seen >= len(self._said):
                    break
                await news.wait()
            if not self._task.cancelled():
                self._task.result()
        finally:
            self._followers -= 1
            self._look_after()

    def stop(self) -> None:
        """Stop the work now: its caller wants no answer any more."""
        self._give_up()

    async def _do(self, work: Work) -> None:
        try:
            await work(self._say)
        finally:
            asyncio.get_running_loop().call_soon(self._tell)

    def _say(self, item: Item) -> None:
        self._said.append({**item, "seq": len(self._said)})
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _look_after(self) -> None:
        """When the last follower has left: stop the work, at once or when none has come back in time."""
        if self._followers:
            return
        if self._stay:
            self._leaving = asyncio.get_running_loop().call_later(self._stay, self._give_up)
        else:
            self._give_up()

    def _give_up(self) -> None:
        """Stop the work, unless all has been said and it is only tidying up."""
        said_all = bool(self._said) and self._said[-1]["event"] in LAST
        if not said_all:
            self.given_up = True
            self._task.cancel()


class Runs:
    """The runs that may be taken up again: `most` at once, each until `seconds` after the longest that it can last."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._kept: dict[tuple[str, str], tuple[Caller, Run]] = {}

    def keep(self, name: str, caller: Caller, run: Run, lasts: float) -> None:
        """Keep a run that lasts so many seconds at most; no other has its name.

        Of too many the oldest goes of the caller who has the most, so that none drops another's.
        """
        self._kept[caller.name, name] = kept = (caller, run)
        while len(self._kept) > self._most:
            [(greedy, _)] = Counter(owner for owner, _ in self._kept).most_common(1)
            del self._kept[next(key for key in self._kept if key[0] == greedy)]
        asyncio.get_running_loop().call_later(lasts + self._seconds, self._drop, (caller.name, name), kept)

    def find(self, name: str, caller: Caller) -> Run:
        """The run of that name; raises Refused (404) when there is none, or none of this caller's."""
        owner, run = self._kept.get((caller.name, name), (None, None))
        if run is None or owner != caller or run.given_up:
            raise refuse(404, "There is no stream by that id to go on with: it has ended or is another caller's.")
        return run

    def _drop(self, key: tuple[str, str], kept: tuple[Caller, Run]) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]
