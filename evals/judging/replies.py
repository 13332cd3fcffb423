"""What judges replied, on disk: the same question of the same judge is paid for once.

SQLite in its write-ahead mode is safe against kills and lets processes share the file; what was given back is on disk.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.errors import JudgeInvalid

HOME = Path(".warrant/judge/replies.db")
BUSY_SECONDS = 30.0
TABLE = """CREATE TABLE IF NOT EXISTS replies
    (key TEXT PRIMARY KEY, text TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL)"""

FOUND = "SELECT text, input_tokens, output_tokens FROM replies WHERE key = ?"


@dataclass(frozen=True)
class Asked:
    """A prompt with the schema of its reply; `turn` counts the same prompt within one repeat."""

    prompt: str
    schema: str
    repeat: int
    turn: int = 0


@dataclass(frozen=True)
class Replied:
    """A whole reply, and the tokens that it cost."""

    text: str
    input_tokens: int
    output_tokens: int


class Replies:
    """The replies in one file, by what was asked of whom; may be used by several processes at once."""

    def __init__(self, path: Path, judge: tuple[str, str, float]) -> None:
        """`judge` is its model, URL and temperature; raises JudgeInvalid when the file is no database of replies."""
        self._path, self._judge = path, judge
        with self._telling():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Every statement is a transaction of its own.
            self._table = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._table.execute("PRAGMA journal_mode=WAL")
            self._table.execute(TABLE)

    def get(self, key: str) -> Replied | None:
        """What was replied before."""
        with self._telling():
            found = self._table.execute(FOUND, (key,)).fetchone()
        return Replied(*found) if found else None

    def keep(self, key: str, replied: Replied) -> None:
        """Keep a reply, in place of an earlier one."""
        row = (key, replied.text, replied.input_tokens, replied.output_tokens)
        with self._telling():
            self._table.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)", row)

    def key(self, asked: Asked) -> str:
        """SHA-256 over the judge and everything that was asked."""
        parts = [*self._judge, asked.prompt, asked.schema, asked.repeat, asked.turn]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def close(self) -> None:
        self._table.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Around all that touches the file; raises JudgeInvalid."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            told = f"The judge's replies cannot be kept in {self._path}: {error}"
            raise JudgeInvalid(f"{told}. Make room, or move that file away.") from None
