"""One rung's attempt: a writer under its breaker and its time, or two of them of which the first to speak wins."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..backend import Brief, Writer
from ..errors import ModelFailed
from ..state import Failure, ModelReply, Usage
from .fallback import Climb

Emit = Callable[[str], None]


class CallGuard(Protocol):
    """Lets calls to an endpoint through, or none."""

    def call(self) -> AbstractAsyncContextManager[None]:
        """Around one call; raises ModelFailed with the reason circuit_open."""
        ...


@runtime_checkable
class Guarded(Protocol):
    """A writer whose endpoint has a breaker."""

    @property
    def breaker(self) -> CallGuard: ...


@dataclass(frozen=True)
class Call:
    """What is asked of whom, and in which time."""

    climb: Climb
    writer: Writer
    brief: Brief


class Attempt:
    """What came of a call: its text, or a failure; the usage of this call alone."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.text = ""
        self.failure: Failure | None = None
        self.usage = Usage(model=call.writer.name, calls=0, input_tokens=0, output_tokens=0)
        self.outrun = False
        """Whether another endpoint, asked later, spoke first."""

    async def run(self, emit: Emit) -> None:
        """Write, and emit every piece as it comes."""
        try:
            async with self._guarded():
                async for piece in self.call.writer.write(self.call.brief, self.usage):
                    self.text += piece
                    emit(piece)
        except TimeoutError:
            detail = f"{self.call.writer.name} took longer than {self.call.climb.seconds:.1f} s"
            self.failure = Failure(reason="timeout", detail=detail, transient=True)
        except ModelFailed as error:
            self.failure = Failure(reason=error.reason, detail=error.detail, transient=error.transient)
            if error.retry_after is not None:
                self.failure["retry_after"] = error.retry_after

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        """The time and the breaker, which counts a timeout inside of it against the endpoint and none outside."""
        seconds, blamed = self.call.climb.seconds, self.call.climb.blamed
        breaker = self.call.writer.breaker.call() if isinstance(self.call.writer, Guarded) else nullcontext()
        async with asyncio.timeout(None if blamed else seconds), breaker, self._losing():
            async with asyncio.timeout(seconds if blamed else None):
                yield

    @asynccontextmanager
    async def _losing(self) -> AsyncIterator[None]:
        """Turns being outrun, which would pass the breaker as a cancelled call, into a failure that it sees."""
        try:
            yield
        except asyncio.CancelledError:
            if not self.outrun:
                raise
            raise ModelFailed("timeout", _silent(self), transient=True) from None


async def attempt(calls: Sequence[Call], after: float | None, emit: Emit) -> list[Attempt]:
    """Let a writer write, and begin the second call when it has said nothing for `after` seconds; who speaks wins.

    Gives the winner first; the other is cancelled. When none speaks, the first one's failure counts, and a first that
    fails in time is not followed by a second: that is the ladder's to decide.
    """
    contest = _Contest(emit)
    try:
        contest.start(calls[0])
        if len(calls) > 1 and not await contest.settled(after):
            contest.start(calls[1])
        await contest.settled(None)
        return await contest.results()
    finally:
        await contest.stop()


def reason_to_hedge(tried: Sequence[Attempt]) -> Failure | None:
    """Why a second call answers and not the first, when it does."""
    if tried[0].call.climb.step.rung != "hedge":
        return None
    return tried[-1].failure or Failure(reason="timeout", detail=_silent(tried[-1]), transient=True)


def replies(tried: Sequence[Attempt]) -> list[ModelReply]:
    """What the models that were asked really said, the one that is heard last."""
    return [
        ModelReply(
            writer=each.call.writer.name,
            rung=each.call.climb.step.rung,
            text="".join(each.call.brief.raw_reply),
            failure=each.failure,
        )
        for each in reversed(tried)
        if each.call.brief.raw_reply or (each.usage["calls"] and each.failure)
    ]


def refused(replies: Sequence[ModelReply], failure: Failure) -> list[ModelReply]:
    """The replies with why the last one could not be used after all."""
    return [*replies[:-1], ModelReply(**{**replies[-1], "failure": failure})] if replies else []


def _silent(tried: Attempt) -> str:
    return f"{tried.call.writer.name} had said nothing when a second request, sent later, was answered"


class _Contest:
    """Calls under way of which only the first to speak is heard."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._tried: list[Attempt] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._winner: Attempt | None = None
        self._settled = asyncio.Event()
        self._ended = 0

    def start(self, call: Call) -> None:
        self._tried.append(Attempt(call))
        self._tasks.append(asyncio.create_task(self._run(self._tried[-1])))

    async def settled(self, seconds: float | None) -> bool:
        """Whether within so many seconds one has spoken or all have ended."""
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    async def results(self) -> list[Attempt]:
        """All attempts, the winner's first, when it has ended."""
        winner = self._winner or self._tried[0]
        for tried, task in zip(self._tried, self._tasks, strict=True):
            if tried is not winner:
                tried.outrun = tried is self._tried[0] and tried.call.writer is not winner.call.writer
                task.cancel()
        await self._tasks[self._tried.index(winner)]
        for error in await self.stop():
            raise error
        return [winner, *(tried for tried in self._tried if tried is not winner)]

    async def stop(self) -> list[Exception]:
        """End all calls; gives what went wrong beside the failures of models."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        return [error for error in ended if isinstance(error, Exception)]

    async def _run(self, tried: Attempt) -> None:
        def hear(piece: str) -> None:
            self._winner = self._winner or tried
            self._settled.set()
            if self._winner is tried:
                self._emit(piece)

        try:
            await tried.run(hear)
        finally:
            self._ended += 1
            if self._ended == len(self._tried):
                self._settled.set()


def used(before: Usage, tried: Sequence[Attempt]) -> Usage:
    """The usage with that of some attempts, the first of which gives the model and what was left out."""
    usages = [each.usage for each in tried]
    last = usages[0] if usages[0]["calls"] else before
    return Usage(
        **{
            **last,
            "calls": before["calls"] + sum(each["calls"] for each in usages),
            "input_tokens": before["input_tokens"] + sum(each["input_tokens"] for each in usages),
            "output_tokens": before["output_tokens"] + sum(each["output_tokens"] for each in usages),
        }
    )
