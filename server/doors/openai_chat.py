"""/v1/chat/completions and /v1/models: the graph as a chat model.

A client of this API cannot take a word back, so deltas carry checked text alone: until then the stream is kept alive by
comments. The whole Answer is beside the message as `warrant`.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Path
from openai.types import CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from graph.telling import pieces, url_citations
from server.context import this_request
from server.desk import Desk
from server.doors.events import PING, UNCACHED, event, with_pings
from server.doors.openai_shapes import (
    MOST_MESSAGES,
    TEXT,
    Form,
    Message,
    Request,
    asked_by,
    check_wishes,
    model_names,
    model_slot,
    past_refusal,
)
from server.public import Item

Name = Annotated[str, Path(max_length=200)]


class StreamOptions(BaseModel):
    """Whether the last chunk tells the usage."""

    include_usage: bool = False


class ChatRequest(Request):
    """A chat; the last message is the question."""

    messages: Annotated[list[Message], Field(max_length=MOST_MESSAGES)]
    n: int | None = 1
    stream_options: StreamOptions | None = None
    functions: list[Any] | None = None
    response_format: Form | None = None
    modalities: list[str] | None = None
    logprobs: bool | None = None
    web_search_options: dict[str, Any] | None = None

    def check(self) -> None:
        """Raises Refused (422) when a reply is wanted that cannot be given."""
        check_wishes(
            {
                "n other than 1": self.n not in (None, 1),
                "tools": bool(self.tools),
                "functions": bool(self.functions),
                "response_format": self.response_format not in (None, Form()),
                "modalities": bool(self.modalities) and self.modalities != [TEXT],
                "logprobs": bool(self.logprobs),
                "web_search_options": self.web_search_options is not None,
            }
        )


def chat_routes(desk: Desk) -> APIRouter:
    """The chat model and its name."""
    routes = APIRouter(prefix="/v1", tags=["openai"])

    began = int(time.time())

    def told(name: str) -> dict[str, Any]:
        return Model(id=name, created=began, object="model", owned_by=desk.live.agent.label).model_dump()

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        """The names that can be asked."""
        return {"object": "list", "data": [told(name) for name in model_names(desk.live)]}

    @routes.get("/models/{name}")
    async def model(name: Name) -> dict[str, Any]:
        """One of them, or the label of the release."""
        await model_slot(name, desk.live)
        return told(name)

    @routes.post("/chat/completions", response_model=None)
    async def complete(chat: ChatRequest) -> Response:
        """Answer the last message from the documents; citations are annotations, the Answer is `warrant`."""
        chat.check()
        slot = await model_slot(chat.model, desk.live)
        model, ask = slot.agent.label, asked_by(chat.messages, chat, slot.agent)
        if not chat.stream:
            return JSONResponse(_completion(await desk.answer(ask), model))
        items = desk.ask(ask).follow()
        await past_refusal(items)
        usage = bool(chat.stream_options and chat.stream_options.include_usage)
        events = _events(items, model, usage=usage)
        return StreamingResponse(events, media_type="text/event-stream", headers=UNCACHED)

    return routes


def _completion(answer: dict[str, Any], model: str) -> dict[str, Any]:
    """A whole reply."""
    message = {"role": "assistant", "content": answer["text"], "annotations": _annotations(answer)}
    whole = ChatCompletion.model_validate(
        {
            "id": f"chatcmpl-{answer['request_id']}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}],
            "usage": _usage(answer),
        }
    )
    return {**whole.model_dump(mode="json", exclude_unset=True), "warrant": answer}


async def _events(items: AsyncGenerator[Item, None], model: str, *, usage: bool) -> AsyncGenerator[str, None]:
    """The reply as chunks; what cannot be answered after all ends it with an error."""
    name, began = f"chatcmpl-{this_request().id}", int(time.time())

    def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
        told = {"id": name, "object": "chat.completion.chunk", "created": began, "model": model, "choices": choices}
        whole = ChatCompletionChunk.model_validate({**told, **more})
        return event(whole.model_dump(mode="json", exclude_unset=True))

    yield chunk([_delta(role="assistant", content="")])
    async with aclosing(with_pings(items)) as coming:
        async for item in coming:
            if item is None:
                yield PING
            elif item["event"] == "error":
                yield event({"error": item["error"]})
            elif item["event"] == "final":
                answer = item["answer"]
                for piece in pieces(answer["text"]):
                    yield chunk([_delta(content=piece)])
                yield chunk([_delta(annotations=_annotations(answer), finish="stop")], warrant=answer)
                if usage:
                    yield chunk([], usage=_usage(answer))
    yield "data: [DONE]\n\n"


def _delta(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _annotations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "url_citation", "url_citation": each} for each in url_citations(answer)]


def _usage(answer: dict[str, Any]) -> dict[str, int]:
    asked, said = answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]
    return CompletionUsage(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said).model_dump(
        exclude_none=True
    )
