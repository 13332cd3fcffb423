"""A candidate that answers a share of the live questions beside production: unseen, off the request path, one by one.

A question is put into a bounded queue once it has been answered; one task asks the candidate when no question is under
way, or when it has waited for a while. What the candidate says is kept beside what was answered, and nowhere else.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from starlette.types import Scope

from graph.agent import Agent
from graph.state import Answer, Question
from server.background import beside
from server.context import Request
from server.desk import Record
from server.errors import problem_of
from server.public import public_answer
from server.releases.slots import Candidate, place_of

log = logging.getLogger("warrant.shadow")
PATIENCE = 10.0
"""Seconds for which a candidate waits until nobody else is being answered."""
WAITING = 100
"""Questions that wait for the candidate; what comes on top is not asked, and counted."""


class Keeps(Protocol):
    """Keeps what a candidate answered."""

    def keep_shadow(self, row: dict[str, Any]) -> None: ...


class Shadow:
    """Keeps books in its own way: it asks again."""

    def __init__(self, diary: Keeps, candidate: Callable[[], Candidate | None], told: Callable[[str], None]) -> None:
        """`candidate` gives the candidate, if there is one; `told` counts: asked, failed or dropped."""
        self._diary, self._candidate, self._told = diary, candidate, told
        self._waiting: asyncio.Queue[tuple[str, Question]] = asyncio.Queue(WAITING)
        self._under_way = 0

    def question_begun(self) -> None:
        """Live questions come first."""
        self._under_way += 1

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        """Requests are none of its business."""

    def observe(self, record: Record) -> None:
        """Take a question of production's that was answered, if it is of the candidate's share."""
        self._under_way -= 1
        candidate = self._candidate() if record.request.track == "production" else None
        if candidate is None or record.public is None or place_of(record.id) >= candidate.share:
            return
        try:
            self._waiting.put_nowait((record.id, record.question))
        except asyncio.QueueFull:
            self._told("dropped")

    def run(self) -> AbstractAsyncContextManager[None]:
        """Ask until the end of the block."""
        return beside(self._work)

    async def _work(self) -> None:
        while True:
            request_id, question = await self._waiting.get()
            await self._calm()
            if candidate := self._candidate():
                await self._ask(candidate, request_id, question)

    async def _calm(self) -> None:
        until = time.monotonic() + PATIENCE
        while self._under_way > 0 and time.monotonic() < until:
            await asyncio.sleep(0.05)

    async def _ask(self, candidate: Candidate, request_id: str, question: Question) -> None:
        began = time.time()
        row: dict[str, Any] = {"request_id": request_id, "at": began, "version": candidate.version}
        try:
            async with asyncio.timeout(candidate.agent.deadline):
                answer = await _answer(candidate.agent, question)
        except Exception as error:  # noqa: BLE001 - what a candidate fails at is what one wants to know of it
            row |= {"status": problem_of(error).code, "rung": None, "answered": None}
            log.warning("a candidate failed", extra={"request_id": request_id, "version": candidate.version})
            self._told("failed")
        else:
            public = public_answer(answer, request_id, "", candidate.version)
            row |= {"status": answer["status"], "rung": answer["rung"], "answered": json.dumps(public)}
            self._told("asked")
        self._diary.keep_shadow({**row, "ms": (time.time() - began) * 1000})


async def _answer(agent: Agent, question: Question) -> Answer:
    async for item in agent.items(question):
        if item["event"] == "error":
            raise item["error"]
        if item["event"] == "final":
            return item["answer"]
    raise RuntimeError("The graph ended without an answer.")
