"""Asks many questions at once, fewer while endpoints are in trouble; each question becomes one row."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import anyio

from ..prices import Prices
from ..safety.sensitive import Policy
from ..state import Answer, Question
from .columns import Row, answered_row, failed_row, question_of_row

Ask = Callable[[Question], Awaitable[Mapping[str, Any]]]
ATTEMPTS = 8
"""How often a question is asked whose endpoint is in trouble: for a minute, the time that a breaker is open."""
PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before it is asked again; they double."""
TROUBLE = ("error", "timeout", "circuit_open")
"""Reasons of an answer that a model's endpoint, not the question, is to blame for."""
TRANSIENT = ("RetrievalUnavailable", "ModelFailed")


class Pace:
    """How many questions are under way: half as many after trouble, one more after as many good replies."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._slots = anyio.CapacityLimiter(most)
        self._good = self._halved = 0

    @property
    def at_once(self) -> int:
        return int(self._slots.total_tokens)

    async def reply(self, call: Callable[[], Awaitable[tuple[Row, bool]]]) -> tuple[Row, bool]:
        """The row of a call, and whether it met trouble; waits for its turn."""
        async with self._slots:
            begun = self._halved
            row, trouble = await call()
        if not trouble:
            self._good += 1
            if self._good >= self.at_once < self.most:
                self._good, self._slots.total_tokens = 0, self.at_once + 1
        elif begun == self._halved:
            # All that were under way meet the same trouble: it counts once.
            self._halved, self._good, self._slots.total_tokens = begun + 1, 0, max(1, self.at_once // 2)
        return row, trouble


async def ask_row(
    row: Mapping[str, Any], ask: Ask, pace: Pace, prices: Prices, policy: Policy, pause: float = PAUSE
) -> Row:
    """The answer of a row or its error; asked again while an endpoint is in trouble."""

    async def once() -> tuple[Row, bool]:
        try:
            answer: Answer = (await ask(question_of_row(row)))["answer"]
        except Exception as error:  # noqa: BLE001 - it is the row's outcome
            kinds = {kind.__name__ for kind in type(error).__mro__}
            return failed_row(row, type(error).__name__, str(error), attempts, policy), bool(kinds & {*TRANSIENT})
        trouble = answer["reason"] in TROUBLE and answer["rung"] in ("extractive", "decline")
        return answered_row(row, answer, attempts, prices, policy), trouble

    attempts = 1
    while True:
        made, trouble = await pace.reply(once)
        if not trouble or attempts == ATTEMPTS:
            return made
        await asyncio.sleep(min(LONGEST_PAUSE, pause * 2 ** (attempts - 1)) * random.uniform(0.5, 1))
        attempts += 1


async def ask_rows(
    rows: Iterator[Row], ask: Ask, pace: Pace, prices: Prices, policy: Policy, out: Callable[[Row], Awaitable[None]]
) -> None:
    """Ask every row, `pace.most` at the most at once, and hand on each as soon as it has its answer."""

    async def work() -> None:
        for row in rows:
            await out(await ask_row(row, ask, pace, prices, policy))

    async with anyio.create_task_group() as group:
        for _ in range(pace.most):
            group.start_soon(work)
