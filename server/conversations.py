"""What a session id stands for: the turns of a conversation, kept by a LangGraph checkpointer.

Only questions and answers are kept, under the caller who began the conversation: the same id sent by another caller is
another conversation. Each turn replaces the checkpoint before it, so that a conversation is one checkpoint long.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Annotated, Any, Self
from weakref import WeakValueDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from graph.state import Turn
from graph.sync import Graph
from server.checkpoints import open_checkpoints
from server.settings import ServerSettings

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
    """The conversations of every caller; to be entered before use, which raises SettingsInvalid where it cannot be."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> Self:
        self._saver, self._prune = await self._stack.enter_async_context(open_checkpoints(self._settings))
        self._graph = _drawing(self._saver)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def recall(self, caller: str, session: str) -> list[Turn]:
        """The latest turns, oldest first; none when there is no such conversation."""
        kept = await self._graph.aget_state(_config(caller, session))
        turns: list[Turn] = kept.values.get("turns", [])
        return turns[-self._settings.session_turns :]

    async def remember(self, caller: str, session: str, turns: list[Turn]) -> None:
        """Add turns; when this returns they are on disk."""
        config = _config(caller, session)
        thread = config["configurable"]["thread_id"]
        lock = self._locks.setdefault(thread, asyncio.Lock())
        async with lock:
            await self._graph.aupdate_state(config, {"turns": turns}, as_node="remember")
            await self._prune(thread)

    async def listing(self, caller: str) -> list[Summary]:
        """The caller's conversations, the latest first."""
        return [_summary(each) async for each in _latest(self._saver.alist(None, filter={CALLER: caller}))]

    async def forget(self, caller: str, session: str) -> bool:
        """Delete a conversation; False when there is none by that id."""
        known = bool(await self.recall(caller, session))
        await self._saver.adelete_thread(_config(caller, session)["configurable"]["thread_id"])
        return known


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
