"""Shadow traffic: a candidate answers a share of the live questions, off the request path; only the store sees it.

An answered question goes into a bounded queue. One task asks the candidate, one question at a time, while no live
question is under way or after a short wait.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from graph.registry.stages import PRODUCTION
from graph.state import Question
from server.errors import error_response
from server.observability.observers import Observer, QuestionRecord
from server.processes import background_task
from server.releases.deployments import ShadowCandidate, final_answer, hash_fraction
from server.schemas import public_answer

log = logging.getLogger("warrant.shadow")
MAX_WAIT = 10.0
"""Seconds for which a candidate waits for live questions."""
QUEUE_SIZE = 100
"""Questions that wait for the candidate; more are dropped and counted."""


class ShadowStore(Protocol):
    """Stores what a candidate answered."""

    def add_shadow(self, row: dict[str, Any]) -> None: ...


class ShadowObserver(Observer):
    """Asks the candidate its share of production's answered questions."""

    def __init__(
        self, store: ShadowStore, candidate: Callable[[], ShadowCandidate | None], count: Callable[[str], None]
    ) -> None:
        """`candidate` returns the candidate, if there is one; `count` counts an outcome: asked, failed or dropped."""
        self._store, self._candidate, self._count = store, candidate, count
        self._queue: asyncio.Queue[tuple[str, Question]] = asyncio.Queue(QUEUE_SIZE)
        self._live = 0

    def question_started(self) -> None:
        """Count a live question; the candidate waits for it."""
        self._live += 1

    def question_ended(self, record: QuestionRecord) -> None:
        """Queue a question that production answered, if it is in the candidate's share."""
        self._live -= 1
        candidate = self._candidate() if record.request.target == PRODUCTION else None
        if candidate is None or record.public is None or hash_fraction(record.id) >= candidate.share:
            return
        # On behalf of a user nothing is asked beside what the user asked.
        if record.request.user_token:
            return
        try:
            self._queue.put_nowait((record.id, record.question))
        except asyncio.QueueFull:
            self._count("dropped")

    def run(self) -> AbstractAsyncContextManager[None]:
        """Ask until the end of the block."""
        return background_task(self._work)

    async def _work(self) -> None:
        while True:
            request_id, question = await self._queue.get()
            await self._live_questions_done()
            if candidate := self._candidate():
                await self._ask(candidate, request_id, question)

    async def _live_questions_done(self) -> None:
        until = time.monotonic() + MAX_WAIT
        while self._live > 0 and time.monotonic() < until:
            await asyncio.sleep(0.05)

    async def _ask(self, candidate: ShadowCandidate, request_id: str, question: Question) -> None:
        began = time.time()
        row: dict[str, Any] = {"request_id": request_id, "at": began, "version": candidate.version}
        try:
            async with asyncio.timeout(candidate.agent.deadline):
                answer = await final_answer(candidate.agent, question)
        except Exception as error:  # noqa: BLE001 - a candidate's failure is its outcome
            row |= {"status": error_response(error).code, "rung": None, "answered": None}
            log.warning("a candidate failed", extra={"request_id": request_id, "version": candidate.version})
            self._count("failed")
        else:
            public = public_answer(answer, request_id, "", candidate.version)
            row |= {"status": answer["status"], "rung": answer["rung"], "answered": json.dumps(public)}
            self._count("asked")
        self._store.add_shadow({**row, "ms": (time.time() - began) * 1000})
