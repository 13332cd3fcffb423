"""/v1/chat/completions and /v1/models: the graph as a chat model.

Clients of this API cannot retract text, so deltas carry checked text only; until then comments keep the stream alive.
The whole answer is added as `warrant`.
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

from graph.annotations import pieces, url_citations
from server.context import this_request
from server.routes.events import PING, UNCACHED, event, with_pings
from server.routes.openai_schemas import (
    MAX_MESSAGES,
    TEXT,
    ChatMessage,
    OpenAIRequest,
    ResponseFormat,
    model_deployment,
    model_names,
    question_of,
    raise_early_refusal,
    refuse_unsupported,
)
from server.schemas import Item
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
        return Model(id=name, created=created, object="model", owned_by=service.deployments.agent.label).model_dump()

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
        deployment = await model_deployment(chat.model, service.deployments)
        model, question = deployment.agent.label, question_of(chat.messages, chat, deployment.agent)
        if not chat.stream:
            return JSONResponse(_completion(await service.answer(question), model))
        items = service.items(question)
        await raise_early_refusal(items)
        usage = bool(chat.stream_options and chat.stream_options.include_usage)
        events = _events(items, model, usage=usage)
        return StreamingResponse(events, media_type="text/event-stream", headers=UNCACHED)

    return routes


def _completion(answer: dict[str, Any], model: str) -> dict[str, Any]:
    """The whole reply."""
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
    """The reply as chunks; a late failure ends it with an error."""
    name, created = f"chatcmpl-{this_request().id}", int(time.time())

    def chunk(choices: list[dict[str, Any]], **more: Any) -> str:
        fields = {"id": name, "object": "chat.completion.chunk", "created": created, "model": model, "choices": choices}
        whole = ChatCompletionChunk.model_validate({**fields, **more})
        return event(whole.model_dump(mode="json", exclude_unset=True))

    yield chunk([_delta(role="assistant", content="")])
    async with aclosing(with_pings(items)) as pinged:
        async for item in pinged:
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
    sent, received = answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]
    return CompletionUsage(prompt_tokens=sent, completion_tokens=received, total_tokens=sent + received).model_dump(
        exclude_none=True
    )
