"""What leaves the graph while it answers: status, token, citation, final and error items, and never its state."""

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired

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


async def public_items(graph: Graph, question: Question, config: Any = None) -> AsyncIterator[Item]:
    """Ask a question and give the items as they come; ends with `final`, or with `error` for what we raise."""
    answer: Answer | None = None
    replies: list[ModelReply] = []
    try:
        async for mode, chunk in _modes(graph, question, config):
            if mode == "custom":
                yield chunk
            elif "answer" in chunk:
                answer, replies = chunk["answer"], chunk.get("replies", [])
    except WarrantError as error:
        yield Item(event="error", error=error)
        return
    if answer:
        for citation in answer["citations"]:
            yield Item(event="citation", citation=citation)
        yield Item(event="final", answer=answer, replies=replies)


async def _modes(graph: Graph, question: Question, config: Any) -> AsyncIterator[tuple[str, Any]]:
    async for mode, chunk in graph.astream(question, config, stream_mode=["custom", "values"]):
        yield str(mode), chunk
