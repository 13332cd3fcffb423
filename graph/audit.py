"""The audit log: JSON lines, each of which holds the digest of the one before, so that no past line can be changed.

A record is on disk before `append` returns. The head, which is the number and digest of the newest record, may be
anchored elsewhere: whoever rewrites the whole log cannot rewrite the anchor too. Processes share a log through a lock.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any

import httpx
from filelock import lock_descriptor, unlock_descriptor

from .errors import AuditUnavailable
from .files import private_opener, write_private
from .locks import same_file
from .settings import StateSettings

FIRST = "0" * 64
"""Stands for the digest before the first record."""
LOCK_SECONDS = 5.0
"""Seconds to wait for another thread or process that appends."""
LOCK_POLL = 0.005
"""Seconds between two looks at whether it has ended."""
WEBHOOK_SECONDS = 2.0
"""Seconds that the address has to take a head; the log is locked meanwhile."""


@dataclass(frozen=True)
class AuditRecord:
    """Who did what to what, when, and what came of it; `digest` is of everything else and of the record before."""

    number: int
    time: str
    actor: str
    act: str
    target: str
    outcome: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    previous: str = FIRST
    digest: str = ""

    def computed(self) -> str:
        """The digest that it should have: SHA-256 of its fields as JSON with sorted keys."""
        fields = {name: value for name, value in vars(self).items() if name != "digest"}
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def line(self) -> bytes:
        """As it is in the log."""
        return json.dumps(vars(self), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class AuditHead:
    """The newest record's number, counted from 1, and its digest."""

    number: int = 0
    digest: str = FIRST


@dataclass(frozen=True)
class AuditProblem:
    """Where a log is not what it was: the line, counted from 1, and a sentence."""

    line: int
    problem: str


class _ChainBroken(ValueError):
    """A log is not what it was."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"record {line} {problem}; see `warrant audit verify`")
        self.problem = AuditProblem(line, problem)


class AuditLog:
    """Appends to a log; `anchor` is a file elsewhere, such as on another machine's share, that gets each head.

    `webhook` is an address that gets it too.
    """

    def __init__(self, path: Path, anchor: Path | None = None, webhook: str | None = None) -> None:
        self.path, self._anchor, self._webhook = path, anchor, webhook
        self._turn = Lock()
        self._file: IO[bytes] | None = None
        self._end, self._head = 0, AuditHead()

    def __del__(self) -> None:
        self._close()

    @classmethod
    def of(cls, settings: StateSettings) -> "AuditLog":
        """The log that the settings name."""
        return cls(settings.audit_path, settings.audit_anchor, settings.audit_webhook)

    def append(self, actor: str, act: str, target: str, outcome: str, **detail: Any) -> AuditRecord:
        """Write a record to disk; raises AuditUnavailable when it cannot be written."""
        try:
            with self._locked() as file:
                self._catch_up(file)
                made = datetime.now(UTC).isoformat(timespec="milliseconds")
                head = self._head
                record = AuditRecord(head.number + 1, made, actor, act, target, outcome, detail, head.digest)
                record = AuditRecord(**{**vars(record), "digest": record.computed()})
                line = record.line()
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
                self._end, self._head = self._end + len(line), AuditHead(record.number, record.digest)
                self._send_head(f"{record.number} {record.digest}\n")
        except (OSError, TimeoutError, ValueError, httpx.HTTPError) as error:
            raise AuditUnavailable(f"The audit log {self.path} cannot be written: {error}.") from error
        return record

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The log, open and locked against other threads and processes; raises OSError, among them TimeoutError.

        It stays open: to sync a file that was just opened takes the system several times as long.
        """
        until = time.monotonic() + LOCK_SECONDS
        if not self._turn.acquire(timeout=LOCK_SECONDS):
            raise TimeoutError("another thread holds it locked")
        try:
            file = self._lock(until)
            try:
                yield file
            except BaseException:
                # What could not be written must not be written later.
                self._close()
                raise
            unlock_descriptor(file.fileno())
        finally:
            self._turn.release()

    def _lock(self, until: float) -> IO[bytes]:
        """Lock the file that the path names now, which another process may have put there while we waited."""
        while True:
            if self._file is None:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = open(self.path, "ab+", opener=private_opener)  # noqa: SIM115
            if not lock_descriptor(self._file.fileno(), blocking=False):
                time.sleep(LOCK_POLL)
            elif same_file(self._file.fileno(), self.path):
                return self._file
            else:
                self._close()
            if time.monotonic() > until:
                raise TimeoutError("another process holds it locked")

    def _close(self) -> None:
        """Close the log, which unlocks it."""
        if self._file:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _send_head(self, head: str) -> None:
        """Give the newest head to the anchors; raises OSError or httpx.HTTPError."""
        if self._anchor:
            write_private(self._anchor, head)
        if self._webhook:
            httpx.post(self._webhook, content=head, timeout=WEBHOOK_SECONDS).raise_for_status()

    def _catch_up(self, file: Any) -> None:
        """Read what other processes appended, and remove the piece of a line that a killed one left behind.

        Raises ValueError when the log is not what it was, or at first not what was anchored.
        """
        if file.seek(0, os.SEEK_END) < self._end:
            raise ValueError("it has become shorter")
        anchor = read_anchor(self._anchor) if self._anchor and self._anchor.exists() and not self._end else None
        file.seek(self._end)
        # Taken over once all of it is checked: else what follows would be added to a log that was refused before.
        reached = self._end, self._head
        for line, head in _followed(file, self._head, anchor):
            reached = reached[0] + len(line), head
        self._end, self._head = reached
        if file.seek(0, os.SEEK_END) > self._end:
            file.truncate(self._end)


def read_records(path: Path) -> Iterator[AuditRecord]:
    """The whole records of a log, unchecked. Raises OSError, or ValueError or TypeError for what is no record."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield AuditRecord(**json.loads(line))


def verify_log(path: Path, anchor: AuditHead | None = None) -> AuditProblem | None:
    """The first thing that is wrong with a log: a line changed, removed, added, or the tail cut; None: nothing.

    Without an anchor a tail that was cut, or a log that was rewritten from some record on, cannot be told.
    """
    try:
        with path.open("rb") as file:
            for _ in _followed(file, AuditHead(), anchor):
                pass
    except _ChainBroken as broken:
        return broken.problem
    return None


def _followed(lines: Iterable[bytes], head: AuditHead, anchor: AuditHead | None) -> Iterator[tuple[bytes, AuditHead]]:
    """Each whole line after a head, with the head that it makes; raises _ChainBroken where one is not what it was."""
    for line in lines:
        if not line.endswith(b"\n") and _is_interrupted(line):
            break
        record, problem = _checked(line, head)
        if problem or record is None:
            raise _ChainBroken(head.number + 1, problem)
        head = AuditHead(record.number, record.digest)
        if anchor and head.number == anchor.number and head != anchor:
            raise _ChainBroken(head.number, "is not the record that was anchored: the log was rewritten")
        yield line, head
    if anchor and head.number < anchor.number:
        missing = f"is missing: record {anchor.number} was anchored, the log ends before it"
        raise _ChainBroken(head.number + 1, missing)


def _checked(line: bytes, head: AuditHead) -> tuple[AuditRecord | None, str]:
    """The record in a line, and what is wrong with it as the one after `head`; empty: nothing."""
    try:
        record = AuditRecord(**json.loads(line))
        computed = record.computed()
    except (ValueError, TypeError, RecursionError):
        return None, "is no record: it was changed"
    if record.digest != computed or record.line() != line:
        return record, "was changed"
    if (record.number, record.previous) != (head.number + 1, head.digest):
        return record, "does not follow the record before it: something was removed or added"
    return record, ""


def _is_interrupted(piece: bytes) -> bool:
    """Whether a line without its end is the beginning of one: its process was killed, and it was never acknowledged."""
    try:
        text = piece.decode("ascii")
        return json.JSONDecoder().raw_decode(text)[1] == len(text)
    except json.JSONDecodeError:
        return True
    except UnicodeDecodeError:
        return False


def read_anchor(path: Path) -> AuditHead:
    """An anchored head; raises OSError, or ValueError for something else."""
    number, _, digest = path.read_text("ascii").strip().partition(" ")
    return AuditHead(int(number), digest)
