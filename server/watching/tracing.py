"""Sends traces of a share of the questions to MLflow, off the way that a request takes.

A request leaves a plain value in a bounded queue and goes on; one thread writes to the tracking server. Where that is
away, slow or full, traces are lost and counted, and nothing else happens.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Thread
from typing import Literal

from starlette.types import Scope

from graph.settings import bound_mlflow
from server.context import Request
from server.desk import Record
from server.settings import ServerSettings
from server.watching.mlflow_traces import MlflowTraces, NotTraced, open_mlflow
from server.watching.traces import chosen, trace_of

log = logging.getLogger("warrant.traces")
Count = Callable[[str, str], None]
"""Is told what (trace, feedback) had which outcome (sent, dropped, failed)."""
Write = Callable[[MlflowTraces], None]
Job = tuple[str, Write]
TRIES = 3
"""How often a trace is tried; the pause in between doubles."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
FLUSH = 3.0
"""Seconds at the end for what still waits."""
MINUTE = 60.0


class Traces:
    """Keeps the books as traces; to be entered while the server runs."""

    def __init__(self, settings: ServerSettings, count: Count) -> None:
        self._settings, self._count = settings, count
        self._queue: Queue[Job | None] = Queue(settings.traces_queue)
        self._ending = Event()
        self._thread = Thread(target=self._run, name="traces", daemon=True)
        self._pause = FIRST_PAUSE
        self._lost = self._told = float("-inf")

    def __enter__(self) -> "Traces":
        if self._settings.traces:
            bound_mlflow(seconds=3, retries=1)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the thread a few seconds for what waits; the process does not wait longer."""
        if not self._settings.traces:
            return
        self._ending.set()
        # When it is full the thread has something to wake up to.
        with suppress(Full):
            self._queue.put_nowait(None)
        self._thread.join(FLUSH)
        if left := self._queue.qsize():
            log.warning("traces are lost at the end", extra={"traces": left})

    @property
    def state(self) -> Literal["off", "sent", "lost"]:
        """`lost`: at least one within the last minute."""
        if not self._settings.traces:
            return "off"
        return "lost" if time.monotonic() - self._lost < MINUTE else "sent"

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        """Requests are none of its business."""

    def observe(self, record: Record) -> None:
        """Leave a trace of a question, if it is among the share."""
        if self._traced(record.id):
            trace = trace_of(record, texts=self._settings.traces_text)
            self._leave("trace", lambda store: store.write(trace))

    def attach_feedback(self, request_id: str, rating: str, comment: str) -> None:
        """Put feedback beside the trace of a request, if it is among the share; neither waits nor raises."""
        if self._traced(request_id):
            said = comment if self._settings.traces_text else ""
            self._leave("feedback", lambda store: store.rate(request_id, rating, said))

    def _traced(self, request_id: str) -> bool:
        return self._settings.traces is not None and chosen(request_id, self._settings.traces_share)

    def _leave(self, what: str, write: Write) -> None:
        try:
            self._queue.put_nowait((what, write))
        except Full:
            self._lose(what, "dropped")

    def _lose(self, what: str, outcome: str) -> None:
        self._lost = time.monotonic()
        self._count(what, outcome)

    def _run(self) -> None:
        store = self._connect()
        while store and not (self._ending.is_set() and self._queue.empty()):
            if job := self._queue.get():
                self._deliver(store, *job)

    def _connect(self) -> MlflowTraces | None:
        """Import MLflow and find its server, for as long as it takes; None: the server has ended before."""
        while True:
            try:
                return open_mlflow(self._settings)
            except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on without traces
                self._tell(error)
            if self._ending.is_set():
                return None
            self._rest()

    def _deliver(self, store: MlflowTraces, what: str, write: Write) -> None:
        """Try a few times, with pauses that grow while nothing gets through."""
        outcome = self._attempt(store, write)
        for _ in range(TRIES - 1):
            if outcome:
                break
            self._rest()
            outcome = self._attempt(store, write)
        if outcome == "sent":
            self._count(what, "sent")
        else:
            self._lose(what, "failed")

    def _attempt(self, store: MlflowTraces, write: Write) -> Literal["sent", "failed"] | None:
        """None: it may go better another time."""
        try:
            write(store)
        except NotTraced:
            return "failed"
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on without this trace
            self._tell(error)
            return None
        self._pause = FIRST_PAUSE
        return "sent"

    def _rest(self) -> None:
        self._ending.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _tell(self, error: Exception) -> None:
        """Log what goes wrong, at the most once a minute; its text may hold an address's password, or a question."""
        if time.monotonic() - self._told < MINUTE:
            return
        self._told = time.monotonic()
        reason = str(getattr(error, "error_code", "") or type(error).__name__)
        log.warning("traces do not get through", exc_info=error, extra={"reason": reason})
