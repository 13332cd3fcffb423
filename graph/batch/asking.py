"""Asks many questions at once; each becomes one row, of its answer or of its error."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
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


async def ask_rows(
    rows: Iterator[Row], ask: Ask, at_once: int, made: AnswerRows, out: Callable[[Row], Awaitable[None]]
) -> None:
    """Ask every row, `at_once` at the same time, and hand on each as soon as it has its answer."""

    async def work() -> None:
        for row in rows:
            await out(await ask_row(row, ask, made))

    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(work)


async def ask_row(row: Mapping[str, Any], ask: Ask, made: AnswerRows, pause: float = PAUSE) -> Row:
    """The answer of a row or its error; asked again while an endpoint is in trouble."""
    for attempt in range(1, ATTEMPTS):
        answered, trouble = await _asked_once(row, ask, made, attempt)
        if not trouble:
            return answered
        await asyncio.sleep(min(LONGEST_PAUSE, pause * 2 ** (attempt - 1)) * random.uniform(0.5, 1))
    return (await _asked_once(row, ask, made, ATTEMPTS))[0]


async def _asked_once(row: Mapping[str, Any], ask: Ask, made: AnswerRows, attempt: int) -> tuple[Row, bool]:
    """The row, and whether an endpoint was in trouble."""
    try:
        answer: Answer = (await ask(question_of_row(row)))["answer"]
    except Exception as error:  # noqa: BLE001 - it is the row's outcome
        trouble = bool(TRANSIENT & {kind.__name__ for kind in type(error).__mro__})
        return made.failed(row, type(error).__name__, str(error), attempt), trouble
    trouble = answer["reason"] in TROUBLE and answer["rung"] in ("extractive", "decline")
    return made.answered(row, answer, attempt), trouble
