"""Asks many questions at once, fewer while endpoints are in trouble; each becomes a row of its answer or error."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any

import anyio

from ..state import Answer, Question
from .columns import AnswerRows, Row, question_of_row

Ask = Callable[[Question], Awaitable[Mapping[str, Any]]]
ATTEMPTS = 8
"""How often a question is asked whose endpoint is in trouble: for a minute, the time that a breaker is open."""
PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before it is asked again; they double."""
TROUBLE = ("error", "timeout", "circuit_open")
"""Reasons of an answer that a model's endpoint, not the question, is to blame for."""
TRANSIENT = {"RetrievalUnavailable", "ModelFailed"}
"""Names of errors, since the code of a package has classes of its own."""


class Pace:
    """How many questions are under way: half as many after trouble, one more after as many good replies."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._slots = anyio.CapacityLimiter(most)
        self._good = self._halved = 0

    async def reply(self, call: Callable[[], Awaitable[tuple[Row, bool]]]) -> tuple[Row, bool]:
        """The row of a call, and whether it met trouble; waits for its turn."""
        async with self._slots:
            begun = self._halved
            row, trouble = await call()
        now = int(self._slots.total_tokens)
        if not trouble:
            self._good += 1
            if self._good >= now < self.most:
                self._good, self._slots.total_tokens = 0, now + 1
        elif begun == self._halved:
            # All that were under way meet the same trouble: it counts once.
            self._halved, self._good, self._slots.total_tokens = begun + 1, 0, max(1, now // 2)
        return row, trouble


async def ask_rows(
    rows: Iterator[Row], ask: Ask, at_once: int, made: AnswerRows, out: Callable[[Row], Awaitable[None]]
) -> None:
    """Ask every row, `at_once` at the most at the same time, and hand on each as soon as it has its answer."""
    pace = Pace(at_once)

    async def work() -> None:
        for row in rows:
            await out(await ask_row(row, ask, made, pace))

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(work)


async def ask_row(row: Mapping[str, Any], ask: Ask, made: AnswerRows, pace: Pace, pause: float = PAUSE) -> Row:
    """The answer of a row or its error; asked again while an endpoint is in trouble."""
    for attempt in range(1, ATTEMPTS):
        answered, trouble = await pace.reply(partial(_asked_once, row, ask, made, attempt))
        if not trouble:
            return answered
        await asyncio.sleep(min(LONGEST_PAUSE, pause * 2 ** (attempt - 1)) * random.uniform(0.5, 1))
    return (await pace.reply(partial(_asked_once, row, ask, made, ATTEMPTS)))[0]


async def _asked_once(row: Mapping[str, Any], ask: Ask, made: AnswerRows, attempt: int) -> tuple[Row, bool]:
    """The row, and whether an endpoint was in trouble."""
    try:
        answer: Answer = (await ask(question_of_row(row)))["answer"]
    except Exception as error:  # noqa: BLE001 - it is the row's outcome
        trouble = bool(TRANSIENT & {kind.__name__ for kind in type(error).__mro__})
        return made.failed(row, type(error).__name__, str(error), attempt), trouble
    trouble = answer["reason"] in TROUBLE and answer["rung"] in ("extractive", "decline")
    return made.answered(row, answer, attempt), trouble
