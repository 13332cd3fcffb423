"""Where conversations are kept: a SQLite file beside the server, or a Postgres that several servers share."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graph.errors import SettingsInvalid
from server.private import private_database
from server.settings import ServerSettings
from server.state_files import BUSY, WAIT, identity_of, unusable

Prune = Callable[[str], Awaitable[None]]
"""Drops all checkpoints of a thread but the newest."""
SCHEMES = ("postgresql://", "postgres://")
POOL = 8
SECONDS_TO_CONNECT = 10


@dataclass(frozen=True)
class Checkpoints:
    """A checkpointer and its pruning.

    `lost` tells that they are of no use any more, as after an error of one of the classes in `broken`: others must be
    opened in their place.
    """

    saver: BaseCheckpointSaver[Any]
    prune: Prune
    lost: Callable[[], bool]
    broken: tuple[type[Exception], ...]


def open_checkpoints(settings: ServerSettings) -> AbstractAsyncContextManager[Checkpoints]:
    """Where conversations are kept; raises SettingsInvalid when the place cannot be opened."""
    if settings.sessions is None:
        return _sqlite(settings)
    if not settings.sessions.startswith(SCHEMES):
        raise SettingsInvalid("WARRANT_SESSIONS must be a postgresql:// address; unset it for a SQLite file.")
    return _postgres(settings.sessions)


@asynccontextmanager
async def _sqlite(settings: ServerSettings) -> AsyncIterator[Checkpoints]:
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    path = settings.state / "conversations.db"
    try:
        private_database(path)
        await asyncio.to_thread(_write_to, path)
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
        saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(pickle_fallback=False))
        try:
            await saver.setup()
            file = identity_of(path)
        except (OSError, sqlite3.Error) as error:
            raise unusable(path, error) from error
        yield Checkpoints(saver, prune, lambda: file.lost, (sqlite3.Error,))
    finally:
        await connection.close()


def _write_to(path: Path) -> None:
    """Raises OSError or sqlite3.Error where a file cannot be written; a second setup writes nothing."""
    with closing(sqlite3.connect(path, timeout=BUSY)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Checkpoints]:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg import AsyncConnection, Error
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool, PoolTimeout

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        url,
        min_size=1,
        max_size=POOL,
        kwargs=options,
        open=False,
        timeout=WAIT,
        check=AsyncConnectionPool.check_connection,
    )
    try:
        # A pool would try again and again, and say in the end only that it took too long.
        await (await AsyncConnection.connect(url, connect_timeout=SECONDS_TO_CONNECT)).close()
        await pool.open(wait=True, timeout=SECONDS_TO_CONNECT)
        saver = AsyncPostgresSaver(pool, serde=JsonPlusSerializer(pickle_fallback=False))
        await saver.setup()
    except (Error, PoolTimeout) as error:
        await pool.close()
        raise SettingsInvalid(f"The Postgres of WARRANT_SESSIONS does not answer: {type(error).__name__}.") from None

    async def prune(thread: str) -> None:
        await saver.aprune([thread], strategy="keep_latest")

    try:
        # The pool connects again by itself.
        yield Checkpoints(saver, prune, lambda: False, ())
    finally:
        await pool.close()
