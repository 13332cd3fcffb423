"""Answers a Delta table on this machine: what is in the output is not asked again.

Answers are appended some hundred rows at a time, each time in one commit, so that a run may be killed at any time: the
next one goes on from there, and no question has two answers.
"""

import asyncio
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from .asking import Ask, ask_rows
from .columns import ANSWERS, AnswerRows, Row
from .delta import Questions, Table
from .progress import BatchProgress, Report

COMMIT_SECONDS = 20.0
"""The longest that an answer waits for its commit."""


@dataclass(frozen=True)
class BatchPlan:
    """The rows that are to be asked, and where their answers go; `again` are those whose error is taken out first."""

    questions: Questions
    output: Table
    done: set[str]
    count: int
    again: list[str]

    @classmethod
    def of(cls, source: str, key: str, target: str, retry: bool = False) -> "BatchPlan":
        """Compare the tables; with `retry`, rows that have an error are asked again. Nothing is changed yet."""
        questions, output = Questions(source, key), Table(target, ANSWERS)
        again = [row["id"] for row in output.rows(["id"], "error IS NOT NULL")] if retry else []
        done = {row["id"] for row in output.rows(["id"])} - set(again)
        return cls(questions, output, done, questions.count_new(done), again)


async def run(
    plan: BatchPlan,
    ask: Ask,
    at_once: int,
    commit_rows: int,
    made: AnswerRows,
    report: Report,
    seconds: float = COMMIT_SECONDS,
) -> BatchProgress:
    """Ask the plan's rows, `at_once` at the same time, and append their answers in commits."""
    await asyncio.to_thread(plan.output.delete, "id", plan.again)
    progress = BatchProgress(plan.count)
    send, receive = anyio.create_memory_object_stream[Row](commit_rows)

    async def ask_all() -> None:
        async with send:
            await ask_rows(plan.questions.new(plan.done), ask, at_once, made, send.send)

    try:
        async with anyio.create_task_group() as group, receive:
            group.start_soon(ask_all)
            while (rows := await _next_rows(receive, commit_rows, seconds)) is not None:
                await asyncio.to_thread(plan.output.append, rows)
                progress.answered += len(rows)
                progress.failed += sum(1 for row in rows if row["error"])
                report(progress)
    except BaseExceptionGroup as failed:
        raise _first(failed) from failed
    return progress


async def _next_rows(receive: MemoryObjectReceiveStream[Row], most: int, seconds: float) -> list[Row] | None:
    """The next rows to commit, perhaps none yet; None after the last."""
    rows: list[Row] = []
    with anyio.move_on_after(seconds):
        while len(rows) < most:
            try:
                rows.append(await receive.receive())
            except anyio.EndOfStream:
                return rows or None
    return rows


def _first(failed: BaseException) -> BaseException:
    return _first(failed.exceptions[0]) if isinstance(failed, BaseExceptionGroup) else failed
