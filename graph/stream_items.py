"""What leaves the graph while it answers: status, token, citation, final and error items, and never its state."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, Literal, NotRequired

from langgraph.config import get_config, get_stream_writer
from typing_extensions import TypedDict

from .errors import WarrantError
from .state import Answer, Citation, ModelReply, Question
from .sync import Graph


class Item(TypedDict):
    """One item of the public stream; `event` says which other key it has."""

    event: Literal["status", "token", "citation", "final", "error"]
    step: NotRequired[str]
    text: NotRequired[str]
    citation: NotRequired[Citation]
    answer: NotRequired[Answer]
    replies: NotRequired[list[ModelReply]]
    """Beside the answer, what models really said: for the books of who runs Warrant, and never to be passed on."""
    error: NotRequired[WarrantError]


EMIT = "__warrant_emit"
"""Names that begin so stay out of a checkpoint's metadata and of traces."""


def emitter_of_this_run() -> Callable[[Any], None]:
    """What a step gives its items to: `public_items`, or LangGraph's own stream where another one runs the graph.

    LangGraph's stream costs two tasks and a wake-up of the event loop for each item.
    """
    emit: Callable[[Any], None] | None = get_config()["configurable"].get(EMIT)
    return emit or get_stream_writer()


async def public_items(graph: Graph, question: Question, config: Any = None) -> AsyncIterator[Item]:
    """Ask a question and give the items as they come; ends with `final`, or with `error` for what we raise."""
    items: asyncio.Queue[Item | None] = asyncio.Queue()
    configurable = {**(config or {}).get("configurable", {}), EMIT: items.put_nowait}
    run = asyncio.create_task(_reply(graph, question, {**(config or {}), "configurable": configurable}))
    run.add_done_callback(lambda _: items.put_nowait(None))
    try:
        while item := await items.get():
            yield item
        reply = await run
    except WarrantError as error:
        yield Item(event="error", error=error)
        return
    finally:
        run.cancel()
        await asyncio.wait({run})
    if "answer" in reply:
        answer: Answer = reply["answer"]
        for citation in answer["citations"]:
            yield Item(event="citation", citation=citation)
        yield Item(event="final", answer=answer, replies=reply.get("replies", []))


async def _reply(graph: Graph, question: Question, config: Any) -> dict[str, Any]:
    """The graph's last output."""
    reply: dict[str, Any] = {}
    values: Any = graph.astream(question, config, stream_mode="values")
    async with aclosing(values):
        async for value in values:
            reply = value
    return reply
