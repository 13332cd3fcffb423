"""The checkpointer for conversations: a SQLite file, or a Postgres that several servers share."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graph.errors import SettingsInvalid
from server.files import BUSY, WAIT, identity_of, private_database, unusable
from server.sensitive import StoredTexts
from server.settings import ServerSettings

Prune = Callable[[str], Awaitable[None]]
"""Deletes all checkpoints of a thread but the newest."""
SCHEMES = ("postgresql://", "postgres://")
POOL_SIZE = 8
CONNECT_TIMEOUT = 10


@dataclass(frozen=True)
class Checkpoints:
    """A checkpointer and its pruning; it must be reopened once `is_lost()`, or after an exception in `fatal`."""

    saver: BaseCheckpointSaver[Any]
    prune: Prune
    is_lost: Callable[[], bool]
    fatal: tuple[type[Exception], ...]


def open_checkpoints(settings: ServerSettings) -> AbstractAsyncContextManager[Checkpoints]:
    """The checkpointer that the settings name; raises SettingsInvalid when it cannot be opened."""
    if settings.sessions is None:
        return _sqlite(settings)
    if not settings.sessions.startswith(SCHEMES):
        raise SettingsInvalid("WARRANT_SESSIONS must be a postgresql:// address; unset it for a SQLite file.")
    return _postgres(settings)


@asynccontextmanager
async def _sqlite(settings: ServerSettings) -> AsyncIterator[Checkpoints]:
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    path = settings.state / "conversations.db"
    try:
        private_database(path)
        await asyncio.to_thread(_check_writable, path)
        connection = await aiosqlite.connect(path, timeout=BUSY)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error

    async def prune(thread: str) -> None:
        async with saver.lock:
            for table in ("writes", "checkpoints"):
                await connection.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < "
                    "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)",
                    (thread, thread),
                )
            await connection.commit()

    try:
        saver = AsyncSqliteSaver(connection, serde=_StoredCheckpoints(settings))
        try:
            await saver.setup()
            file = identity_of(path)
        except (OSError, sqlite3.Error) as error:
            raise unusable(path, error) from error
        yield Checkpoints(saver, prune, lambda: file.lost, (sqlite3.Error,))
    finally:
        await connection.close()


def _check_writable(path: Path) -> None:
    """Raises OSError or sqlite3.Error when a file cannot be written: `setup` writes nothing the second time."""
    with closing(sqlite3.connect(path, timeout=BUSY)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


@asynccontextmanager
async def _postgres(settings: ServerSettings) -> AsyncIterator[Checkpoints]:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg import AsyncConnection, Error
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool, PoolTimeout

    url = settings.sessions or ""
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=POOL_SIZE,
        kwargs=options,
        open=False,
        timeout=WAIT,
        check=AsyncConnectionPool.check_connection,
    )
    try:
        # The pool would retry, and in the end report a timeout instead of the cause.
        await (await AsyncConnection.connect(url, connect_timeout=CONNECT_TIMEOUT)).close()
        await pool.open(wait=True, timeout=CONNECT_TIMEOUT)
        saver = AsyncPostgresSaver(pool, serde=_StoredCheckpoints(settings))
        await saver.setup()
    except (Error, PoolTimeout) as error:
        await pool.close()
        raise SettingsInvalid(f"The Postgres of WARRANT_SESSIONS does not answer: {type(error).__name__}.") from None

    async def prune(thread: str) -> None:
        await saver.aprune([thread], strategy="keep_latest")

    try:
        # The pool reconnects by itself.
        yield Checkpoints(saver, prune, lambda: False, ())
    finally:
        await pool.close()


class _StoredCheckpoints(EncryptedSerializer):
    """Reads no pickles; reads what is encrypted where there is a key, and encrypts where the settings say so."""

    def __init__(self, settings: ServerSettings) -> None:
        self._texts = StoredTexts(settings)
        super().__init__(self, JsonPlusSerializer(pickle_fallback=False))

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "fernet", self._texts.encrypt(plaintext)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return self._texts.decrypt(ciphertext)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        return super().dumps_typed(obj) if self._texts.encrypts else self.serde.dumps_typed(obj)
