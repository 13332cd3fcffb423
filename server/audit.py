"""What the server writes to the audit log: admin acts, refused access and, where configured, questions."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from graph.audit import AuditLog
from graph.callers import Caller
from graph.errors import AuditUnavailable
from graph.safety.sensitive import mask
from server.settings import ServerSettings

log = logging.getLogger("warrant.audit")
REFUSALS_PER_SECOND = 10
"""Refusals that are recorded one by one; the next record says how many more there were."""


class Audit:
    """Records acts before they are done, off the event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        self._log = AuditLog.of(settings)
        self._questions = settings.audit_questions
        self._second, self._recorded, self._unrecorded = 0, 0, 0

    async def act(self, caller: Caller, act: str, target: str, **detail: str) -> None:
        """Record an act; raises AuditUnavailable, and then the act must not be done."""
        await asyncio.to_thread(self._log.append, caller.name, act, target, "allowed", **detail)

    def question(self, caller: Caller, target: str, request_id: str, act: str = "ask") -> Callable[[], object] | None:
        """What records that a question is asked or documents are read, if WARRANT_AUDIT_QUESTIONS says so.

        It blocks, and raises AuditUnavailable; then the question must not be answered.
        """
        if not self._questions:
            return None
        return partial(self._log.append, caller.name, act, target, "allowed", request_id=request_id)

    async def refused(self, caller: Caller, path: str, status: int, peer: str) -> None:
        """Record a refusal; it stays one whether it can be recorded or not, so a failure is only logged."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._recorded = second, 0
        if self._recorded >= REFUSALS_PER_SECOND:
            self._unrecorded += 1
            return
        self._recorded += 1
        unrecorded, self._unrecorded = self._unrecorded, 0
        detail = {"status": status, "peer": peer} | ({"unrecorded": unrecorded} if unrecorded else {})
        try:
            await asyncio.to_thread(self._log.append, caller.name, "access", mask(path[:200]), "refused", **detail)
        except AuditUnavailable:
            log.exception("a refusal was not recorded")
