"""The finished work of a run, in SQLite, so that the next run can resume."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..index.rows import UNITS, DocumentRow, PassageRows

LAYOUT = "3"
"""The schema version: unpublished work of another version is done again."""


class Journal:
    """Documents that are embedded but not yet published; used under the store's lock."""

    def __init__(self, path: Path, recipe: str, dimensions: int) -> None:
        self._path, self.dimensions = path, dimensions
        self._database = self._open()
        self._database.execute("CREATE TABLE IF NOT EXISTS recipe (name TEXT)")
        made_by = f"{recipe} {LAYOUT}"
        if self._database.execute("SELECT name FROM recipe").fetchone() != (made_by,):
            self._restart(made_by)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.DatabaseError:
            # The journal can be rebuilt, so a damaged file is replaced.
            database.close()
            self._remove()
            database = sqlite3.connect(self._path, check_same_thread=False)
            database.execute("PRAGMA journal_mode=WAL")
        return database

    def _restart(self, made_by: str) -> None:
        with self._database as database:
            database.execute("DROP TABLE IF EXISTS documents")
            database.execute(
                "CREATE TABLE documents (document TEXT PRIMARY KEY, row TEXT, passages TEXT, vectors BLOB, units BLOB)"
            )
            database.execute("DELETE FROM recipe")
            database.execute("INSERT INTO recipe VALUES (?)", (made_by,))

    def record(self, finished: list[tuple[DocumentRow, PassageRows]]) -> None:
        """Store finished documents in one transaction, replacing earlier versions."""
        with self._database as database:
            for row, passages in finished:
                sizes = zip(passages.rows, passages.units, strict=True)
                rows = json.dumps([{**one, UNITS: len(units)} for one, units in sizes])
                vectors = np.ascontiguousarray(passages.vectors, np.float32).tobytes()
                units = b"".join(own.tobytes() for own in passages.units)
                values = (row.document, json.dumps(asdict(row)), rows, vectors, units)
                database.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", values)

    def keep_only(self, documents: set[str]) -> None:
        """Delete all other documents."""
        with self._database as database:
            others = ((name,) for name in self.names() - documents)
            database.executemany("DELETE FROM documents WHERE document = ?", others)

    def names(self) -> set[str]:
        """The ids of the finished documents."""
        return {name for (name,) in self._database.execute("SELECT document FROM documents")}

    def documents(self) -> Iterator[DocumentRow]:
        """The finished documents in the order of their ids."""
        for (row,) in self._database.execute("SELECT row FROM documents ORDER BY document"):
            yield DocumentRow(**json.loads(row))

    def passages(self, document: str) -> PassageRows:
        """The passages of one finished document."""
        query = "SELECT passages, vectors, units FROM documents WHERE document = ?"
        listed, vectors, units = self._database.execute(query, (document,)).fetchone()
        rows = json.loads(listed)
        whole = np.frombuffer(vectors, np.float32).reshape(-1, self.dimensions)
        flat, sizes = np.frombuffer(units, np.int8).reshape(-1, self.dimensions), [row.pop(UNITS) for row in rows]
        return PassageRows(rows, whole, np.split(flat, np.cumsum(sizes)[:-1]) if sizes else [])

    def close(self) -> None:
        self._database.close()

    def discard(self) -> None:
        """Delete the journal after publishing."""
        self.close()
        self._remove()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
