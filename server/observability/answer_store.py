"""The answer store: recent questions, their answers and feedback, in a SQLite file.

A thread writes questions from a bounded queue, so that no request waits for the disk. Feedback is acknowledged once it
is on disk, and its question with it; the newest questions may be lost when the machine fails, but not when the process
is killed. Questions without feedback are deleted after `keep_days`.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Literal

from graph.callers import Caller, Permission
from graph.errors import SettingsInvalid, WarrantError
from server.errors import RequestRefused, StateUnavailable, refuse
from server.files import BUSY, cause_of, identity_of, private_database, unusable, wipe_deleted
from server.observability.observers import Observer, QuestionRecord
from server.sensitive import StoredTexts
from server.settings import ServerSettings

log = logging.getLogger("warrant.answers")
Rating = Literal["up", "down"]
Job = Callable[[sqlite3.Connection], None]
FILE = "feedback.db"
QUEUE_SIZE = 1000
"""Writes that may wait; more are dropped and counted."""
DAY = 86_400.0
DELETE_EVERY = 500
"""Questions between two deletions of old ones."""
TABLES = """
CREATE TABLE IF NOT EXISTS questions (
  request_id TEXT PRIMARY KEY, at REAL NOT NULL, caller TEXT NOT NULL, session TEXT NOT NULL, release TEXT NOT NULL,
  snapshot TEXT NOT NULL, status TEXT NOT NULL, asked TEXT, answered TEXT,
  version TEXT NOT NULL DEFAULT '', ms REAL, rung TEXT, client_id TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS questions_at ON questions (at);
CREATE TABLE IF NOT EXISTS feedback (
  request_id TEXT PRIMARY KEY REFERENCES questions, at REAL NOT NULL, rating TEXT NOT NULL, comment TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shadows (
  request_id TEXT PRIMARY KEY, at REAL NOT NULL, version TEXT NOT NULL, status TEXT NOT NULL, ms REAL NOT NULL,
  rung TEXT, answered TEXT);
CREATE INDEX IF NOT EXISTS shadows_at ON shadows (at);
"""
"""`shadows` has what a candidate answered; a row is deleted with its question."""
WITH_SYNC, WITHOUT_SYNC = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"
"""Whether the end of a transaction waits for the disk, which takes longer than the rest of it."""
READ = """
SELECT q.*, f.rating, f.comment, f.at AS said FROM feedback f JOIN questions q USING (request_id)
WHERE (? IS NULL OR f.rating = ?) AND f.at >= ? ORDER BY f.at
"""


class AnswerStore(Observer):
    """Stores questions, answers and feedback; to be entered before use."""

    def __init__(self, settings: ServerSettings, on_failure: Callable[[], None] = lambda: None) -> None:
        """`on_failure` is called for each write that failed."""
        self._settings, self._on_failure, self._texts = settings, on_failure, StoredTexts(settings)
        self._thread = ThreadPoolExecutor(1, "answer store")
        self._places = BoundedSemaphore(QUEUE_SIZE)
        self._written, self._ending = 0, False
        self.dropped = 0
        self.trouble = ""
        """Why the last write failed, in a sentence; empty when it succeeded."""

    def __enter__(self) -> "AnswerStore":
        """Raises SettingsInvalid when the file cannot be written."""
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is queued, unless writing fails, and close."""
        self._ending = True
        self._thread.shutdown()
        self._connection.close()

    def question_ended(self, record: QuestionRecord) -> None:
        """Store a question that was answered or failed, unless its caller disconnected."""
        if record.code == "cancelled":
            return
        row = _row(record, texts=self._settings.keep_questions)
        self._queue(lambda connection: self._insert(connection, row))

    def add_shadow(self, row: dict[str, Any]) -> None:
        """Store what a candidate answered to a live question: a row of `shadows`."""
        stored = row if self._settings.keep_questions else {**row, "answered": None}

        def job(connection: sqlite3.Connection) -> None:
            self._protect(stored)
            with connection:
                connection.execute(_insert_statement("shadows", stored), stored)

        self._queue(job)

    def rate(self, request_id: str, caller: Caller, rating: Rating, comment: str) -> "Future[None]":
        """Store a caller's rating of its own question, or of any where it may, in place of an earlier one.

        The future raises RequestRefused when the caller asked no such question (404) or the queue is full (503), and
        StateUnavailable when the rating cannot be written.
        """
        return self._queue(lambda connection: _rate(connection, request_id, caller, rating, self._texts.store(comment)))

    def _queue(self, job: Job) -> "Future[None]":
        """Queue a write; the future is done when it is on disk."""
        if not self._places.acquire(blocking=False):
            self._count_failure("too many writes are waiting")
            refused: Future[None] = Future()
            refused.set_exception(refuse(503))
            return refused
        written = self._thread.submit(self._write, job)
        written.add_done_callback(lambda _: self._places.release())
        return written

    def _write(self, job: Job) -> None:
        if self._ending and self.trouble:  # A failing disk must not delay the shutdown.
            raise StateUnavailable(self.trouble)
        try:
            self._reopen_if_needed()
            job(self._connection)
        except Exception as error:
            raise self._public_error(error) from error
        self.trouble = ""

    def _public_error(self, error: Exception) -> WarrantError:
        """The error for the caller; a failure of the file is logged and counted."""
        if isinstance(error, RequestRefused):
            return error
        log.error("a question or its feedback was not stored", exc_info=error)
        cause = error.__cause__ if isinstance(error, SettingsInvalid) and error.__cause__ else error
        return self._count_failure(cause_of(cause))

    def _count_failure(self, why: str) -> StateUnavailable:
        self.dropped += 1
        self.trouble = f"Questions and feedback are not stored: {why}."
        self._on_failure()
        return StateUnavailable(self.trouble)

    def _open(self) -> None:
        self._connection = open_answer_store(self._settings.state)
        self._connection.execute(WITHOUT_SYNC)
        self._file = identity_of(self._settings.state / FILE)

    def _reopen_if_needed(self) -> None:
        """Reopen the file when it was removed or replaced, or after a failure."""
        if self.trouble or self._file.lost:
            log.warning("reopening the file of questions and feedback")
            self._connection.close()
            self._open()

    def _protect(self, row: dict[str, Any]) -> None:
        row.update({name: self._texts.store(row[name]) for name in ("asked", "answered") if row.get(name)})

    def _insert(self, connection: sqlite3.Connection, row: dict[str, Any]) -> None:
        self._protect(row)
        with connection:
            connection.execute(_insert_statement("questions", row), row)
            if self._written % DELETE_EVERY == 0:
                _delete_old(connection, self._settings.keep_days)
        self._written += 1


def open_answer_store(state: Path) -> sqlite3.Connection:
    """The database under `state`, created if missing; raises SettingsInvalid when it cannot be used."""
    path = state / FILE
    try:
        private_database(path)
        connection = sqlite3.connect(path, timeout=BUSY, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLES)
        # If all tables exist nothing was written yet: this finds a read-only file.
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    return connection


def read_feedback(
    state: Path, rating: Rating | None, since: float, read: Callable[[str], str] = str
) -> Iterator[dict[str, Any]]:
    """Rated questions by time of rating, from `since` on, in seconds since the epoch; `read` decrypts a stored text."""
    with closing(open_answer_store(state)) as connection:
        for row in connection.execute(READ, (rating, rating, since)):
            texts = {name: read(row[name]) for name in ("asked", "answered", "comment") if row[name]}
            yield {**dict(row), **texts}


def forget_questions(state: Path, caller: str) -> int:
    """Delete a caller's questions, the answers and the feedback on them from the file, and say how many they were."""
    with closing(open_answer_store(state)) as connection, connection:
        for table in ("feedback", "shadows"):
            own = "request_id IN (SELECT request_id FROM questions WHERE caller = ?)"
            connection.execute(f"DELETE FROM {table} WHERE {own}", (caller,))
        count = connection.execute("DELETE FROM questions WHERE caller = ?", (caller,)).rowcount
    wipe_deleted(state / FILE)
    return count


def _row(record: QuestionRecord, *, texts: bool) -> dict[str, Any]:
    public = record.public or {}
    stored = texts and record.public is not None
    return {
        "request_id": record.id,
        "client_id": record.request.client_id,
        "at": record.ended,
        "caller": record.request.caller.name,
        "session": record.submitted.session_id,
        "release": record.agent.label,
        "snapshot": record.agent.snapshot,
        "status": public.get("status", record.code),
        "asked": json.dumps(record.question, ensure_ascii=False) if stored else None,
        "answered": json.dumps(public, ensure_ascii=False) if stored else None,
        "version": public.get("version", ""),
        "ms": (record.ended - record.began) * 1000,
        "rung": public.get("rung"),
    }


def _insert_statement(table: str, row: Mapping[str, Any]) -> str:
    values = ", ".join(f":{name}" for name in row)
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"


def _rate(connection: sqlite3.Connection, request_id: str, caller: Caller, rating: Rating, comment: str) -> None:
    with _synced(connection):
        known = connection.execute("SELECT caller FROM questions WHERE request_id = ?", (request_id,)).fetchone()
        if known is None or not (caller.may(Permission.RATE_ANY) or known["caller"] == caller.name):
            raise refuse(404, "You asked no question with that request_id, or too long ago.")
        connection.execute(
            "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?)", (request_id, time.time(), rating, comment)
        )


@contextmanager
def _synced(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is on disk when it ends, with all before it."""
    connection.execute(WITH_SYNC)
    try:
        with connection:
            yield
    finally:
        connection.execute(WITHOUT_SYNC)


def _delete_old(connection: sqlite3.Connection, days: float) -> None:
    connection.execute(
        "DELETE FROM questions WHERE at < ? AND request_id NOT IN (SELECT request_id FROM feedback)",
        (time.time() - days * DAY,),
    )
    connection.execute("DELETE FROM shadows WHERE at < ?", (time.time() - days * DAY,))
