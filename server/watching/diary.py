"""What was asked and answered lately, and what people said of it: a SQLite file beside the server.

Questions are written by a thread of their own from a bounded queue, so that no request waits for the disk; feedback is
acknowledged only when it is on the disk. Questions nobody spoke of are forgotten after a while.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any, Literal

from starlette.types import Scope

from graph.errors import SettingsInvalid, WarrantError
from server.callers import Caller
from server.context import Request
from server.desk import Record
from server.errors import Refused, StateUnavailable, refuse
from server.private import private_database
from server.settings import ServerSettings
from server.state_files import BUSY, identity_of, unusable, what_is_wrong

log = logging.getLogger("warrant.diary")
Rating = Literal["up", "down"]
Job = Callable[[sqlite3.Connection], None]
FILE = "feedback.db"
WAITING = 1000
"""Questions that wait to be written; what comes on top is not kept, and counted."""
DAY = 86_400.0
SWEEP_EVERY = 500
"""Questions between two sweeps."""
TABLES = """
CREATE TABLE IF NOT EXISTS questions (
  request_id TEXT PRIMARY KEY, at REAL NOT NULL, caller TEXT NOT NULL, session TEXT NOT NULL, release TEXT NOT NULL,
  snapshot TEXT NOT NULL, status TEXT NOT NULL, asked TEXT, answered TEXT,
  version TEXT NOT NULL DEFAULT '', ms REAL, rung TEXT, client_id TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS questions_at ON questions (at);
CREATE TABLE IF NOT EXISTS feedback (
  request_id TEXT PRIMARY KEY REFERENCES questions, at REAL NOT NULL, rating TEXT NOT NULL, comment TEXT NOT NULL);
"""
LATER = {
    "version": "TEXT NOT NULL DEFAULT ''",
    "ms": "REAL",
    "rung": "TEXT",
    "client_id": "TEXT NOT NULL DEFAULT ''",
}
"""Columns of questions that a file of an earlier version does not have."""
SHADOWS = """
CREATE TABLE IF NOT EXISTS shadows (
  request_id TEXT PRIMARY KEY, at REAL NOT NULL, version TEXT NOT NULL, status TEXT NOT NULL, ms REAL NOT NULL,
  rung TEXT, answered TEXT);
CREATE INDEX IF NOT EXISTS shadows_at ON shadows (at);
"""
"""What a candidate would have answered; a row is forgotten with its question."""
READ = """
SELECT q.*, f.rating, f.comment, f.at AS said FROM feedback f JOIN questions q USING (request_id)
WHERE (? IS NULL OR f.rating = ?) AND f.at >= ? ORDER BY f.at
"""


class Diary:
    """Keeps questions and feedback; to be opened before use."""

    def __init__(self, settings: ServerSettings, failed: Callable[[], None] = lambda: None) -> None:
        """`failed` is told of each thing that could not be kept."""
        self._settings, self._failed = settings, failed
        self._jobs: Queue[tuple[Job, Future[None]] | None] = Queue(WAITING)
        self._thread = Thread(target=self._write, name="diary", daemon=True)
        self._written, self._ending = 0, False
        self.dropped = 0
        self.trouble = ""
        """Why the last question or rating was not kept, in a sentence; empty when it was."""

    def __enter__(self) -> "Diary":
        """Raises SettingsInvalid when the file cannot be written."""
        self._open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits, unless it cannot be, and close."""
        self._ending = True
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        """Requests are none of its business."""

    def observe(self, record: Record) -> None:
        """Keep a question that was answered or failed; not one whose caller left."""
        if record.code == "cancelled":
            return
        row = _row(record, texts=self._settings.keep_questions)
        self._queue(lambda connection: self._keep(connection, row))

    def keep_shadow(self, row: dict[str, Any]) -> None:
        """Keep what a candidate answered to a live question: a row of SHADOWS."""
        told = row if self._settings.keep_questions else {**row, "answered": None}

        def job(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute(_insert("shadows", told), told)

        self._queue(job)

    def rate(self, request_id: str, caller: Caller, rating: Rating, comment: str) -> "Future[None]":
        """Keep what a caller says of its own question, or an operator of any, in place of what was said before.

        The future raises Refused when this caller asked no such question (404) or too much waits (503), and
        StateUnavailable when it cannot be kept.
        """
        return self._queue(lambda connection: _rate(connection, request_id, caller, rating, comment))

    def _queue(self, job: Job) -> "Future[None]":
        """Have something written; the future ends when it is on the disk, or raises."""
        done: Future[None] = Future()
        try:
            self._jobs.put_nowait((job, done))
        except Full:
            self._drop("too much waits")
            done.set_exception(refuse(503))
        return done

    def _write(self) -> None:
        while waiting := self._jobs.get():
            job, done = waiting
            # Who rated may have left; what cannot be kept must not hold up the end.
            if not done.set_running_or_notify_cancel() or (self._ending and self.trouble):
                continue
            try:
                self._renew()
                job(self._connection)
            except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it, what is not ours is told
                done.set_exception(self._told(error))
            else:
                self.trouble = ""
                done.set_result(None)

    def _told(self, error: Exception) -> WarrantError:
        """What whoever waits is told; what is wrong with the file is logged and counted."""
        if isinstance(error, Refused):
            return error
        log.error("a question or what was said of it was not kept", exc_info=error)
        cause = error.__cause__ if isinstance(error, SettingsInvalid) and error.__cause__ else error
        return self._drop(what_is_wrong(cause))

    def _drop(self, why: str) -> StateUnavailable:
        self.dropped += 1
        self.trouble = f"Questions and feedback are not kept: {why}."
        self._failed()
        return StateUnavailable(self.trouble)

    def _open(self) -> None:
        self._connection = open_diary(self._settings.state)
        self._file = identity_of(self._settings.state / FILE)

    def _renew(self) -> None:
        """Open the file again when it was removed or replaced, or when it failed."""
        if self.trouble or self._file.lost:
            log.warning("the file of questions and feedback is opened again")
            self._connection.close()
            self._open()

    def _keep(self, connection: sqlite3.Connection, row: dict[str, Any]) -> None:
        with connection:
            connection.execute(_insert("questions", row), row)
            if self._written % SWEEP_EVERY == 0:
                _sweep(connection, self._settings.keep_days)
        self._written += 1


def open_diary(state: Path) -> sqlite3.Connection:
    """The file under `state`, made if it is not there; raises SettingsInvalid when it cannot be."""
    path = state / FILE
    try:
        private_database(path)
        connection = sqlite3.connect(path, timeout=BUSY, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLES + SHADOWS)
        _add_columns(connection)
        # Nothing was written if all of that was there before: a file that may not be written is found so.
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    return connection


def _add_columns(connection: sqlite3.Connection) -> None:
    there = {row["name"] for row in connection.execute("PRAGMA table_info(questions)")}
    for name in LATER.keys() - there:
        # Another worker may have been quicker.
        with suppress(sqlite3.OperationalError):
            connection.execute(f"ALTER TABLE questions ADD COLUMN {name} {LATER[name]}")


def read_feedback(state: Path, rating: Rating | None, since: float) -> Iterator[sqlite3.Row]:
    """Rated questions in the order in which they were rated, `since` seconds since the epoch."""
    with closing(open_diary(state)) as connection:
        yield from connection.execute(READ, (rating, rating, since))


def _row(record: Record, *, texts: bool) -> dict[str, Any]:
    public = record.public or {}
    kept = texts and record.public is not None
    return {
        "request_id": record.id,
        "client_id": record.request.client_id,
        "at": record.ended,
        "caller": record.request.caller.name,
        "session": record.ask.session_id,
        "release": record.agent.label,
        "snapshot": record.agent.snapshot,
        "status": public.get("status", record.code),
        "asked": json.dumps(record.question, ensure_ascii=False) if kept else None,
        "answered": json.dumps(public, ensure_ascii=False) if kept else None,
        "version": public.get("version", ""),
        "ms": (record.ended - record.began) * 1000,
        "rung": public.get("rung"),
    }


def _insert(table: str, row: Mapping[str, Any]) -> str:
    values = ", ".join(f":{name}" for name in row)
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"


def _rate(connection: sqlite3.Connection, request_id: str, caller: Caller, rating: Rating, comment: str) -> None:
    with connection:
        known = connection.execute("SELECT caller FROM questions WHERE request_id = ?", (request_id,)).fetchone()
        if known is None or not (caller.operator or known["caller"] == caller.name):
            raise refuse(404, "You asked no question with that request_id, or too long ago.")
        connection.execute(
            "INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?)", (request_id, time.time(), rating, comment)
        )


def _sweep(connection: sqlite3.Connection, days: float) -> None:
    connection.execute(
        "DELETE FROM questions WHERE at < ? AND request_id NOT IN (SELECT request_id FROM feedback)",
        (time.time() - days * DAY,),
    )
    connection.execute("DELETE FROM shadows WHERE at < ?", (time.time() - days * DAY,))
