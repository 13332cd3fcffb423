"""/v1/chat/completions and /v1/models: the graph as a chat model.

Clients of this API cannot retract text, so deltas carry checked text only; until then comments keep the stream alive.
The whole answer is added as `warrant`.
"""

import time
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from graph.annotations import pieces, url_citations
from server.context import this_request
from server.routes.events import event
from server.routes.openai_schemas import (
    MAX_MESSAGES,
    TEXT,
    ChatMessage,
    OpenAIRequest,
    ResponseFormat,
    model_deployment,
    model_names,
    refuse_unsupported,
    respond,
)
from server.service import AnswerService

Name = Annotated[str, Path(max_length=200)]


class StreamOptions(BaseModel):
    """Whether the last chunk contains the usage."""

    include_usage: bool = False


class ChatRequest(OpenAIRequest):
    """A chat; the last message is the question."""

    messages: Annotated[list[ChatMessage], Field(max_length=MAX_MESSAGES)]
    n: int | None = 1
    stream_options: StreamOptions | None = None
    functions: list[Any] | None = None
    response_format: ResponseFormat | None = None
    modalities: list[str] | None = None
    logprobs: bool | None = None
    web_search_options: dict[str, Any] | None = None

    def check(self) -> None:
        """Raises RequestRefused (422) for options that are not supported."""
        refuse_unsupported(
            {
                "n other than 1": self.n not in (None, 1),
                "tools": bool(self.tools),
                "functions": bool(self.functions),
                "response_format": self.response_format not in (None, ResponseFormat()),
                "modalities": bool(self.modalities) and self.modalities != [TEXT],
                "logprobs": bool(self.logprobs),
                "web_search_options": self.web_search_options is not None,
            }
        )


def chat_routes(service: AnswerService) -> APIRouter:
    """The chat model and its name."""
    routes = APIRouter(prefix="/v1", tags=["openai"])
    created = int(time.time())

    def model_object(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": created, "owned_by": service.deployments.agent.label}

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        """The available models."""
        return {"object": "list", "data": [model_object(name) for name in model_names(service.deployments)]}

    @routes.get("/models/{name}")
    async def model(name: Name) -> dict[str, Any]:
        """One model, by name or by the label of its release."""
        await model_deployment(name, service.deployments)
        return model_object(name)

    @routes.post("/chat/completions", response_model=None)
    async def complete(chat: ChatRequest) -> Response:
        """Answer the last message from the documents; citations are annotations, the Answer is `warrant`."""
        chat.check()
        usage = bool(chat.stream_options and chat.stream_options.include_usage)
        return await respond(service, chat, chat.messages, lambda model: ChatReply(model, usage=usage))

    return routes


class ChatReply:
    """A chat completion of a model, whole or in chunks; with `usage` the last chunk has it."""

    closing = "data: [DONE]\n\n"

    def __init__(self, model: str, *, usage: bool) -> None:
        self._usage = usage
        self._head = {"id": f"chatcmpl-{this_request().id}", "created": int(time.time()), "model": model}

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        message = {"role": "assistant", "content": answer["text"], "annotations": _annotations(answer)}
        choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
        body = {"object": "chat.completion", "choices": [choice], "usage": _usage(answer), "warrant": answer}
        return {**self._head, **body}

    def opening(self) -> Iterator[str]:
        yield self._chunk([_delta(role="assistant", content="")])

    def answered(self, answer: dict[str, Any]) -> Iterator[str]:
        for piece in pieces(answer["text"]):
            yield self._chunk([_delta(content=piece)])
        yield self._chunk([_delta(annotations=_annotations(answer), finish="stop")], warrant=answer)
        if self._usage:
            yield self._chunk([], usage=_usage(answer))

    def failed(self, error: dict[str, Any]) -> str:
        return event({"error": error})

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> str:
        return event({**self._head, "object": "chat.completion.chunk", "choices": choices, **more})


def _delta(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _annotations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "url_citation", "url_citation": each} for each in url_citations(answer)]


def _usage(answer: dict[str, Any]) -> dict[str, int]:
    sent, received = answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
