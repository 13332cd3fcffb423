"""What a session id stands for: the turns of a conversation, kept by a LangGraph checkpointer.

Only questions and answers are kept, under the caller who began the conversation: the same id sent by another caller is
another conversation. Each turn replaces the checkpoint before it, so that a conversation is one checkpoint long.
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
from graph.state import Turn
from graph.sync import Graph
from server.checkpoints import Checkpoints, open_checkpoints
from server.errors import StateUnavailable
from server.settings import ServerSettings
from server.state_files import WAIT, what_is_wrong

log = logging.getLogger("warrant.conversations")
Found = TypeVar("Found")
LONG = 30.0
"""Seconds for which one waits who asks for the conversations themselves, of which there may be many."""
AT_ONCE = 100
"""What may wait for the place where conversations are kept; what comes on top is refused."""
BY = "/"
"""Between caller and session in a thread's id; no caller's name has it."""
CALLER = "warrant_caller"
TITLE = 80
MOST = 200
"""Turns of a conversation that are kept."""


def _add(kept: list[Turn], new: list[Turn]) -> list[Turn]:
    return [*kept, *new][-MOST:]


class Talk(TypedDict, total=False):
    """What a checkpoint holds."""

    turns: Annotated[list[Turn], _add]


class Summary(BaseModel):
    """A conversation in a list; `updated` is ISO 8601."""

    session_id: str
    title: str
    turns: int
    updated: str


class Conversations:
    """The conversations of every caller; to be entered before use, which raises SettingsInvalid where it cannot be.

    Where they cannot be read or written later, what is asked of them raises StateUnavailable within a few seconds.
    """

    def __init__(self, settings: ServerSettings, failed: Callable[[], None] = lambda: None) -> None:
        """`failed` is told of each time that something could not be read or kept."""
        self._settings, self._failed = settings, failed
        self._stack = AsyncExitStack()
        self._place: Checkpoints | None = None
        self._opening = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.trouble = ""
        """Why the last conversation could not be read or kept, in a sentence; empty when it was."""

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=WAIT)
        await self._stack.aclose()

    async def recall(self, caller: str, session: str) -> list[Turn]:
        """The latest turns, oldest first; none when there is no such conversation."""
        turns = await self._do(lambda _: self._turns(_config(caller, session)))
        return turns[-self._settings.session_turns :]

    async def remember(self, caller: str, session: str, turns: list[Turn]) -> None:
        """Add turns; when this returns they are on disk."""
        config = _config(caller, session)
        thread = config["configurable"]["thread_id"]
        lock = self._locks.setdefault(thread, asyncio.Lock())

        async def add(place: Checkpoints) -> None:
            async with lock:
                await self._graph.aupdate_state(config, {"turns": turns}, as_node="remember")
                await place.prune(thread)

        await self._do(add)

    async def listing(self, caller: str) -> list[Summary]:
        """The caller's conversations, the latest first."""

        async def read(place: Checkpoints) -> list[Summary]:
            return [_summary(each) async for each in _latest(place.saver.alist(None, filter={CALLER: caller}))]

        return await self._do(read, LONG)

    async def forget(self, caller: str, session: str) -> bool:
        """Delete a conversation; False when there is none by that id."""
        config = _config(caller, session)

        async def delete(place: Checkpoints) -> bool:
            known = bool(await self._turns(config))
            await place.saver.adelete_thread(config["configurable"]["thread_id"])
            return known

        return await self._do(delete, LONG)

    async def _turns(self, config: RunnableConfig) -> list[Turn]:
        kept = await self._graph.aget_state(config)
        turns: list[Turn] = kept.values.get("turns", [])
        return turns

    async def _do(self, work: Callable[[Checkpoints], Awaitable[Found]], patience: float = WAIT) -> Found:
        """Do something where the conversations are kept; raises StateUnavailable.

        It goes on when whoever waits for it leaves or has waited long enough: half done it would hold the place.
        """
        if len(self._under_way) >= AT_ONCE:
            raise self._trouble(TimeoutError())
        task = asyncio.create_task(self._try(work))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait([task], timeout=patience)
        if not task.done():
            raise self._trouble(TimeoutError())
        return task.result()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Nobody may be left who would ask for it.
            task.exception()

    async def _try(self, work: Callable[[Checkpoints], Awaitable[Found]]) -> Found:
        place = self._place
        try:
            place = await self._there()
            found = await work(place)
        except Exception as error:
            if place and isinstance(error, place.broken) and self._place is place:
                self._place = None
            raise self._trouble(error) from error
        self.trouble = ""
        return found

    async def _there(self) -> Checkpoints:
        """Where conversations are kept: opened again when it failed, or when its file was removed or replaced."""
        async with self._opening:
            if self._place and self._place.lost():
                log.warning("the conversations' file was removed or replaced; another is begun or read")
                self._place = None
            return self._place or await self._open()

    async def _open(self) -> Checkpoints:
        await self._stack.aclose()
        self._place = await self._stack.enter_async_context(open_checkpoints(self._settings))
        self._graph = _drawing(self._place.saver)
        return self._place

    def _trouble(self, error: Exception) -> StateUnavailable:
        cause = error.__cause__ if isinstance(error, SettingsInvalid) and error.__cause__ else error
        self.trouble = f"Conversations are not kept or read: {what_is_wrong(cause)}."
        self._failed()
        log.error("a conversation was not kept or read", exc_info=error)
        return StateUnavailable(self.trouble)


def _drawing(saver: BaseCheckpointSaver[Any]) -> Graph:
    graph = StateGraph(Talk)
    graph.add_node("remember", _nothing)
    graph.add_edge(START, "remember")
    return graph.compile(checkpointer=saver)


def _nothing(state: Talk) -> Talk:
    return {}


def _config(caller: str, session: str) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": f"{caller}{BY}{session}"}, metadata={CALLER: caller})


async def _latest(pages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The newest checkpoint of each thread; they come newest first."""
    seen: set[str] = set()
    async for each in pages:
        thread = each.config["configurable"]["thread_id"]
        if thread not in seen:
            seen.add(thread)
            yield each


def _summary(kept: Any) -> Summary:
    turns = kept.checkpoint["channel_values"].get("turns", [])
    session = kept.config["configurable"]["thread_id"].partition(BY)[2]
    title = " ".join(turns[0]["content"].split())[:TITLE] if turns else ""
    return Summary(session_id=session, title=title, turns=len(turns), updated=kept.checkpoint["ts"])
