"""Answers a Delta table on this machine: what is in the output is not asked again.

Answers are appended some hundred rows at a time, each time in one commit, so that a run may be killed at any time: the
next one goes on from there, and no question has two answers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from ..prices import Prices
from ..release import Release
from ..safety.sensitive import Policy
from .columns import ANSWERS, Row
from .delta import Questions, Table
from .estimate import Estimate, estimate
from .pace import Ask, Pace, ask_rows

COMMIT_SECONDS = 20.0
"""The longest that an answer waits for its commit."""
ENOUGH = 20
"""Answers after which their mean is a better estimate than the release's limits."""
Report = Callable[["BatchProgress"], None]


@dataclass
class BatchProgress:
    """How far a run is: answers, those with an error among them, and questions under way at the most."""

    expected: int
    answered: int = 0
    failed: int = 0
    at_once: int = 0


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
        done = set(output.column("id")) - set(again)
        return cls(questions, output, done, questions.count_new(done), again)

    def estimate(self, release: Release, prices: Prices) -> Estimate:
        """What asking them will take, after what this release took for the rows that are there."""
        wanted = ("release", "calls", "input_tokens", "output_tokens")
        there = [row for row in self.output.rows(wanted) if row["release"] == release.label and row["calls"]]
        means = {name: sum(row[name] for row in there) / max(1, len(there)) for name in wanted[2:]}
        return estimate(self.count, release, prices, means if len(there) >= ENOUGH else None)


async def run(
    plan: BatchPlan,
    ask: Ask,
    most: int,
    commit_rows: int,
    prices: Prices,
    policy: Policy,
    report: Report,
    seconds: float = COMMIT_SECONDS,
) -> BatchProgress:
    """Ask the plan's rows, `most` at once, and commit their answers, as the policy lets them be seen, in commits."""
    await asyncio.to_thread(plan.output.delete, "id", plan.again)
    pace, progress = Pace(most), BatchProgress(plan.count)
    send, receive = anyio.create_memory_object_stream[Row](commit_rows)

    async def ask_all() -> None:
        async with send:
            await ask_rows(plan.questions.new(plan.done), ask, pace, prices, policy, send.send)

    try:
        async with anyio.create_task_group() as group, receive:
            group.start_soon(ask_all)
            while (rows := await _next_rows(receive, commit_rows, seconds)) is not None:
                await asyncio.to_thread(plan.output.append, rows)
                progress.answered += len(rows)
                progress.failed += sum(1 for row in rows if row["error"])
                progress.at_once = pace.at_once
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
