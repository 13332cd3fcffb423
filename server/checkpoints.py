"""Where conversations are kept: a SQLite file beside the server, or a Postgres that several servers share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graph.errors import SettingsInvalid
from server.private import private_database
from server.settings import ServerSettings

Prune = Callable[[str], Awaitable[None]]
"""Drops all checkpoints of a thread but the newest."""
Opened = tuple[BaseCheckpointSaver[Any], Prune]
SCHEMES = ("postgresql://", "postgres://")
POOL = 8
SECONDS_TO_CONNECT = 10


def open_checkpoints(settings: ServerSettings) -> AbstractAsyncContextManager[Opened]:
    """A checkpointer and its pruning; raises SettingsInvalid when the place cannot be opened."""
    if settings.sessions is None:
        return _sqlite(settings)
    if not settings.sessions.startswith(SCHEMES):
        raise SettingsInvalid("WARRANT_SESSIONS must be a postgresql:// address; unset it for a SQLite file.")
    return _postgres(settings.sessions)


@asynccontextmanager
async def _sqlite(settings: ServerSettings) -> AsyncIterator[Opened]:
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    try:
        path = private_database(settings.state / "conversations.db")
        connection = await aiosqlite.connect(path, timeout=30)
    except (OSError, aiosqlite.Error) as error:
        raise SettingsInvalid(f"WARRANT_STATE={settings.state} cannot be written: {error}.") from error

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
        await saver.setup()
        yield saver, prune
    finally:
        await connection.close()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Opened]:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg import AsyncConnection, Error
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool, PoolTimeout

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        url, min_size=1, max_size=POOL, kwargs=options, open=False
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
        yield saver, prune
    finally:
        await pool.close()
