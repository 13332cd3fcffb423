"""Exports traces of a share of the questions to MLflow, off the request path.

A request puts a plain value into a bounded queue; one thread writes to the tracking server. While that is away, slow or
full, traces are lost and counted, and nothing else is affected.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Event, Thread
from typing import Literal

from graph.safety.sensitive import mask
from graph.settings import bound_mlflow
from server.observability.mlflow_traces import MlflowTraceStore, TraceNotFound, open_mlflow
from server.observability.observers import Observer, QuestionRecord
from server.observability.traces import sampled, trace_of
from server.settings import ServerSettings

log = logging.getLogger("warrant.traces")
Count = Callable[[str, str], None]
"""Counts a kind (trace, feedback) and its outcome (sent, dropped, failed)."""
Write = Callable[[MlflowTraceStore], None]
Job = tuple[str, Write]
ATTEMPTS = 3
"""Attempts to write a trace; the pause in between doubles."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
FLUSH_TIMEOUT = 3.0
"""Seconds at shutdown for the traces in the queue."""
MINUTE = 60.0


class TraceExporter(Observer):
    """Exports questions as traces; to be entered while the server runs."""

    def __init__(self, settings: ServerSettings, count: Count) -> None:
        self._settings, self._count = settings, count
        self._queue: Queue[Job | None] = Queue(settings.traces_queue)
        self._ending = Event()
        self._thread = Thread(target=self._run, name="trace exporter", daemon=True)
        self._pause = FIRST_PAUSE
        self._last_lost = self._last_logged = float("-inf")

    def __enter__(self) -> "TraceExporter":
        if self._settings.traces:
            bound_mlflow(seconds=3, retries=1)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Flush the queue for a few seconds."""
        if not self._settings.traces:
            return
        self._ending.set()
        # A full queue wakes the thread by itself.
        with suppress(Full):
            self._queue.put_nowait(None)
        self._thread.join(FLUSH_TIMEOUT)
        if left := self._queue.qsize():
            log.warning("traces are lost at shutdown", extra={"traces": left})

    @property
    def state(self) -> Literal["off", "sent", "lost"]:
        """`lost`: at least one within the last minute."""
        if not self._settings.traces:
            return "off"
        return "lost" if time.monotonic() - self._last_lost < MINUTE else "sent"

    def question_ended(self, record: QuestionRecord) -> None:
        """Queue the trace of a question, if it is sampled."""
        if self._sampled(record.id):
            trace = trace_of(record, texts=self._settings.traces_text)
            self._enqueue("trace", lambda store: store.write(trace))

    def attach_feedback(self, request_id: str, rating: str, comment: str) -> None:
        """Queue feedback on a request's trace, if the request is sampled."""
        if self._sampled(request_id):
            text = mask(comment) if self._settings.traces_text else ""
            self._enqueue("feedback", lambda store: store.rate(request_id, rating, text))

    def _sampled(self, request_id: str) -> bool:
        return self._settings.traces is not None and sampled(request_id, self._settings.traces_share)

    def _enqueue(self, kind: str, write: Write) -> None:
        try:
            self._queue.put_nowait((kind, write))
        except Full:
            self._count_lost(kind, "dropped")

    def _count_lost(self, kind: str, outcome: str) -> None:
        self._last_lost = time.monotonic()
        self._count(kind, outcome)

    def _run(self) -> None:
        store = self._connect()
        while store and not (self._ending.is_set() and self._queue.empty()):
            if job := self._queue.get():
                self._deliver(store, *job)

    def _connect(self) -> MlflowTraceStore | None:
        """Import MLflow and connect, for as long as it takes; None when the server ends before."""
        while True:
            try:
                return open_mlflow(self._settings)
            except Exception as error:  # noqa: BLE001 - the server works without traces
                self._log(error)
            if self._ending.is_set():
                return None
            self._pause_before_retry()

    def _deliver(self, store: MlflowTraceStore, kind: str, write: Write) -> None:
        """Try a few times; pauses grow while nothing succeeds."""
        outcome = self._attempt(store, write)
        for _ in range(ATTEMPTS - 1):
            if outcome:
                break
            self._pause_before_retry()
            outcome = self._attempt(store, write)
        if outcome == "sent":
            self._count(kind, "sent")
        else:
            self._count_lost(kind, "failed")

    def _attempt(self, store: MlflowTraceStore, write: Write) -> Literal["sent", "failed"] | None:
        """None when a retry may help."""
        try:
            write(store)
        except TraceNotFound:
            return "failed"
        except Exception as error:  # noqa: BLE001 - the server works without this trace
            self._log(error)
            return None
        self._pause = FIRST_PAUSE
        return "sent"

    def _pause_before_retry(self) -> None:
        self._ending.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _log(self, error: Exception) -> None:
        """Log a failure, at most once a minute, without its text, which may hold a password or a question."""
        if time.monotonic() - self._last_logged < MINUTE:
            return
        self._last_logged = time.monotonic()
        reason = str(getattr(error, "error_code", "") or type(error).__name__)
        log.warning("traces cannot be exported", exc_info=error, extra={"reason": reason})
