"""Asks the judge: bounded in time, in retries and in how much at once, and never twice for the same."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

import tenacity
from langchain_core.messages import HumanMessage

from evals.judging.identity import Judging, Spent, bare
from evals.judging.replies import HOME, Asked, Replied, Replies
from evals.metrics.plain import Unscored
from graph.errors import ModelFailed
from graph.models.chat import chat_model, chunks_of
from graph.models.replies import Reply, TextReader, most_characters
from graph.release import Generation
from graph.state import no_usage

Read = TypeVar("Read")
ATTEMPTS, LONGEST_PAUSE = 3, 20.0
IN_A_ROW = 20
"""Calls that fail one after another, each after its retries, until the judge is asked nothing more."""
MAX_TOKENS, WINDOW = 4096, 1_000_000
FORMAT = {"response_format": {"type": "json_object"}}


class NotJudged(Unscored):
    """The judge did not reply; asking it another time may help."""


class Judge:
    """A judge under its limits, with what it replied before; open it inside the loop that uses it."""

    def __init__(self, judging: Judging, path: Path = HOME) -> None:
        """Raises JudgeInvalid."""
        settings, identity = judging.settings, judging.identity
        self.judging = judging
        terms = Generation(
            temperature=identity.temperature,
            max_tokens=MAX_TOKENS,
            context_window=WINDOW,
            timeout=settings.judge_seconds,
        )
        self._model = chat_model(identity.model, judging.url, judging.key, terms)
        self._replies = Replies(path, (identity.model, bare(judging.url), identity.temperature))
        self._places = asyncio.Semaphore(settings.judge_at_once)
        self._used: dict[str, Replied] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_a_row = 0
        self.asked = self.failures = 0
        """How many calls were made now and not taken from before, and how often there was no reply after all."""

    async def reply(self, asked: Asked, read: Callable[[str], Read]) -> Read:
        """What `read` makes of the reply; raises what `read` does, an Unscored, or NotJudged.

        A reply of which nothing can be made is kept as well: it is what this judge says.
        """
        key = self._replies.key(asked)
        # Two samples may ask the same at the same time.
        async with self._turns[key]:
            kept = self._replies.get(key)
            if kept is not None:
                self._used[key] = kept
                try:
                    return read(kept.text)
                except Unscored:
                    if not self.judging.again:
                        raise
            self._used[key] = fresh = await self._fresh(asked)
            self._replies.keep(key, fresh)
            return read(fresh.text)

    @property
    def spent(self) -> Spent:
        """All that was used so far, each reply once, paid for now or before."""
        used = self._used.values()
        tokens = {name: sum(getattr(each, name) for each in used) for name in ("input_tokens", "output_tokens")}
        return Spent(calls=len(used), **tokens).at(self.judging.settings.prices, self.judging.identity.model)

    def close(self) -> None:
        self._replies.close()

    async def _fresh(self, asked: Asked) -> Replied:
        """A reply that is asked for now; raises NotJudged."""
        seconds = self.judging.settings.judge_seconds
        async with self._places:
            if self._in_a_row >= IN_A_ROW:
                raise self._failed(f"the judge was asked nothing more after {IN_A_ROW} failures in a row")
            try:
                async with asyncio.timeout(seconds):
                    found: Replied = await _RETRYING.copy()(self._attempt, asked)
            except TimeoutError:
                raise self._failed(f"the judge did not reply within {seconds:g} s") from None
            except ModelFailed as error:
                raise self._failed(f"the judge failed: {error.detail}") from error
        self._in_a_row = 0
        return found

    def _failed(self, why: str) -> NotJudged:
        self._in_a_row += 1
        self.failures += 1
        return NotJudged(why)

    async def _attempt(self, asked: Asked) -> Replied:
        """One call; raises ModelFailed."""
        name, usage = self.judging.identity.model, no_usage()
        reply = Reply(name, TextReader(), usage, most_characters(MAX_TOKENS))
        self.asked += 1
        async for chunk in chunks_of(name, self._model, [HumanMessage(asked.prompt)], extra_body=FORMAT):
            reply.hear(chunk)
        if not reply.ended:
            raise ModelFailed("error", f"The reply of {name} broke off.", transient=True)
        reply.close()
        return Replied(reply.text, usage["input_tokens"], usage["output_tokens"])


async def together(asked: Iterable[Coroutine[Any, Any, Read]]) -> list[Read]:
    """The results of all, in their order; the first that fails ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as tasks:
            found = [tasks.create_task(each) for each in asked]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in found]


def _pause(state: tenacity.RetryCallState) -> float:
    """As long as the endpoint asks for, or up to a second, then two."""
    error: Any = state.outcome.exception() if state.outcome else None
    told = getattr(error, "retry_after", None)
    return min(LONGEST_PAUSE, told if told is not None else random.uniform(0, state.attempt_number))


_RETRYING = tenacity.AsyncRetrying(
    retry=tenacity.retry_if_exception(lambda error: isinstance(error, ModelFailed) and error.transient),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=_pause,
    reraise=True,
)
