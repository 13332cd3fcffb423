"""Conversations: the turns of each session, stored by a LangGraph checkpointer.

Only questions and answers are stored, under the caller and the session id: the same id from another caller is another
conversation. Each new checkpoint replaces the one before.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Any, Self, TypeVar
from weakref import WeakValueDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from graph.errors import SettingsInvalid
from graph.safety.sensitive import mask
from graph.state import Turn
from graph.sync import Graph
from server.checkpoints import Checkpoints, open_checkpoints
from server.errors import StateUnavailable
from server.files import WAIT, cause_of
from server.settings import ServerSettings

log = logging.getLogger("warrant.conversations")
Result = TypeVar("Result")
LIST_TIMEOUT = 30.0
"""Seconds for listing or deleting conversations, of which there may be many."""
MAX_PENDING = 100
"""Operations that may wait for the store; more are refused."""
SEPARATOR = "/"
"""Between caller and session in a thread id; no caller's name contains it."""
CALLER = "warrant_caller"
TITLE_LENGTH = 80
MAX_TURNS = 200
"""Turns of a conversation that are stored."""


def _append(stored: list[Turn], new: list[Turn]) -> list[Turn]:
    return [*stored, *new][-MAX_TURNS:]


class StoredTurns(TypedDict, total=False):
    """The state in a checkpoint."""

    turns: Annotated[list[Turn], _append]


class ConversationSummary(BaseModel):
    """A conversation in a list; `updated` is ISO 8601."""

    session_id: str
    title: str
    turns: int
    updated: str


class Conversations:
    """The conversations of every caller; entering it opens the store, or raises SettingsInvalid.

    While the store cannot be read or written, methods raise StateUnavailable within a few seconds.
    """

    def __init__(self, settings: ServerSettings, on_failure: Callable[[], None] = lambda: None) -> None:
        """`on_failure` is called each time that something could not be read or stored."""
        self._settings, self._on_failure = settings, on_failure
        self._stack = AsyncExitStack()
        self._store: Checkpoints | None = None
        self._opening = asyncio.Lock()
        self._pending: set[asyncio.Task[Any]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.trouble = ""
        """Why the last operation failed, in a sentence; empty when it succeeded."""

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pending:
            await asyncio.wait(self._pending, timeout=WAIT)
        await self._stack.aclose()

    async def turns(self, caller: str, session: str) -> list[Turn]:
        """The latest turns, oldest first; none when there is no such conversation."""
        turns = await self._run(lambda _: self._stored_turns(_config(caller, session)))
        return turns[-self._settings.session_turns :]

    async def append(self, caller: str, session: str, turns: list[Turn]) -> None:
        """Add turns, masked where the settings say so; when this returns they are on disk."""
        if self._settings.stored_texts == "mask":
            turns = [Turn(role=turn["role"], content=mask(turn["content"])) for turn in turns]
        config = _config(caller, session)
        thread = config["configurable"]["thread_id"]
        lock = self._locks.setdefault(thread, asyncio.Lock())

        async def add(store: Checkpoints) -> None:
            async with lock:
                await self._graph.aupdate_state(config, {"turns": turns}, as_node="remember")
                await store.prune(thread)

        await self._run(add)

    async def summaries(self, caller: str) -> list[ConversationSummary]:
        """The caller's conversations, the latest first."""

        async def read(store: Checkpoints) -> list[ConversationSummary]:
            return [_summary(each) async for each in _latest(store.saver.alist(None, filter={CALLER: caller}))]

        return await self._run(read, LIST_TIMEOUT)

    async def delete(self, caller: str, session: str) -> bool:
        """Delete a conversation; False when there is none by that id."""
        config = _config(caller, session)

        async def delete(store: Checkpoints) -> bool:
            known = bool(await self._stored_turns(config))
            await store.saver.adelete_thread(config["configurable"]["thread_id"])
            return known

        return await self._run(delete, LIST_TIMEOUT)

    async def _stored_turns(self, config: RunnableConfig) -> list[Turn]:
        state = await self._graph.aget_state(config)
        turns: list[Turn] = state.values.get("turns", [])
        return turns

    async def _run(self, work: Callable[[Checkpoints], Awaitable[Result]], seconds: float = WAIT) -> Result:
        """Run an operation on the store; raises StateUnavailable.

        It is not cancelled when its caller disconnects or times out: half done it would hold a lock.
        """
        if len(self._pending) >= MAX_PENDING:
            raise self._unavailable(TimeoutError())
        task = asyncio.create_task(self._try(work))
        self._pending.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise self._unavailable(TimeoutError())
        return task.result()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._pending.discard(task)
        if not task.cancelled():
            # Retrieve the exception: nobody else may.
            task.exception()

    async def _try(self, work: Callable[[Checkpoints], Awaitable[Result]]) -> Result:
        store = self._store
        try:
            store = await self._current_store()
            result = await work(store)
        except Exception as error:
            if store and isinstance(error, store.fatal) and self._store is store:
                self._store = None
            raise self._unavailable(error) from error
        self.trouble = ""
        return result

    async def _current_store(self) -> Checkpoints:
        """The store, reopened when it failed or its file was removed or replaced."""
        async with self._opening:
            if self._store and self._store.is_lost():
                log.warning("the conversations' file was removed or replaced; reopening it")
                self._store = None
            return self._store or await self._open()

    async def _open(self) -> Checkpoints:
        await self._stack.aclose()
        self._store = await self._stack.enter_async_context(open_checkpoints(self._settings))
        self._graph = _turns_graph(self._store.saver)
        return self._store

    def _unavailable(self, error: Exception) -> StateUnavailable:
        cause = error.__cause__ if isinstance(error, SettingsInvalid) and error.__cause__ else error
        self.trouble = f"Conversations are not stored or read: {cause_of(cause)}."
        self._on_failure()
        log.error("a conversation was not stored or read", exc_info=error)
        return StateUnavailable(self.trouble)


def _turns_graph(saver: BaseCheckpointSaver[Any]) -> Graph:
    graph = StateGraph(StoredTurns)
    graph.add_node("remember", _no_op)
    graph.add_edge(START, "remember")
    return graph.compile(checkpointer=saver)


def _no_op(state: StoredTurns) -> StoredTurns:
    return {}


def _config(caller: str, session: str) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": f"{caller}{SEPARATOR}{session}"}, metadata={CALLER: caller})


async def _latest(pages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The newest checkpoint of each thread; they come newest first."""
    seen: set[str] = set()
    async for each in pages:
        thread = each.config["configurable"]["thread_id"]
        if thread not in seen:
            seen.add(thread)
            yield each


def _summary(stored: Any) -> ConversationSummary:
    turns = stored.checkpoint["channel_values"].get("turns", [])
    session = stored.config["configurable"]["thread_id"].partition(SEPARATOR)[2]
    title = " ".join(turns[0]["content"].split())[:TITLE_LENGTH] if turns else ""
    return ConversationSummary(session_id=session, title=title, turns=len(turns), updated=stored.checkpoint["ts"])
