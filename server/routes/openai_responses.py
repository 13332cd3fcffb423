"""/v1/responses: the graph behind OpenAI's Responses API. Only checked text is streamed.

MLflow's clients of a ResponsesAgent find the same at /responses and /invocations: they name no model, and give filters
as `custom_inputs`.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseOutputMessage
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from graph.annotations import pieces, url_citations
from server.context import this_request
from server.errors import refuse
from server.routes.events import PING, UNCACHED, event, with_pings
from server.routes.openai_schemas import (
    DEFAULT_MODEL,
    MAX_MESSAGES,
    ChatMessage,
    Content,
    OpenAIRequest,
    ResponseFormat,
    model_deployment,
    question_of,
    raise_early_refusal,
    refuse_unsupported,
)
from server.schemas import Item
from server.service import AnswerService


class InputItem(BaseModel):
    """An item of the input; only messages are supported."""

    model_config = ConfigDict(extra="ignore")

    type: str | None = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content | None = None

    @property
    def message(self) -> ChatMessage:
        """The item as a message; raises RequestRefused (422) when it is something else."""
        if self.type not in (None, "message"):
            raise refuse(422, f"Only messages are supported; the input has an item of type {self.type!r:.80}.")
        if self.role is None or self.content is None:
            raise refuse(422, "A message of the input needs a role and a content.")
        return ChatMessage(role=self.role, content=self.content)


class TextSettings(BaseModel):
    """The format of the text."""

    model_config = ConfigDict(extra="ignore")

    format: ResponseFormat | None = None


class ResponsesRequest(OpenAIRequest):
    """A text or messages, the last of which is the question; `instructions` are ignored."""

    input: str | Annotated[list[InputItem], Field(max_length=MAX_MESSAGES)]
    previous_response_id: str | None = None
    background: bool | None = None
    conversation: str | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None
    text: TextSettings | None = None
    top_logprobs: int | None = None

    @property
    def messages(self) -> list[ChatMessage]:
        if isinstance(self.input, str):
            return [ChatMessage(role="user", content=self.input)]
        return [each.message for each in self.input]

    def check(self) -> None:
        """Raises RequestRefused (422) for options that are not supported."""
        if self.previous_response_id or self.conversation or self.background:
            raise refuse(
                422,
                "previous_response_id, conversation and background are not supported: send the messages so far as "
                'input, or a `warrant: {"session_id": ...}` for a conversation that the server remembers.',
            )
        refuse_unsupported(
            {
                "tools": bool(self.tools),
                "text.format": self.text is not None and self.text.format not in (None, ResponseFormat()),
                "prompt": self.prompt is not None,
                "top_logprobs": bool(self.top_logprobs),
            }
        )


class CustomInputs(BaseModel):
    """What ResponsesAgents are asked beside the conversation."""

    model_config = ConfigDict(extra="ignore")

    filters: dict[str, Any] = {}


class AgentRequest(ResponsesRequest):
    """A request as clients of a ResponsesAgent send it."""

    model: str = DEFAULT_MODEL
    custom_inputs: CustomInputs = CustomInputs()


def responses_routes(service: AnswerService) -> APIRouter:
    """POST /v1/responses, /responses and /invocations."""
    routes = APIRouter(tags=["openai"])

    @routes.post("/v1/responses", response_model=None)
    async def respond(request: ResponsesRequest) -> Response:
        """Answer from the documents; citations are annotations, the Answer is `warrant`."""
        request.check()
        deployment = await model_deployment(request.model, service.deployments)
        model, question = deployment.agent.label, question_of(request.messages, request, deployment.agent)
        if not request.stream:
            return JSONResponse(_whole(model, await service.answer(question)))
        items = service.items(question)
        await raise_early_refusal(items)
        return StreamingResponse(_events(items, model), media_type="text/event-stream", headers=UNCACHED)

    @routes.post("/responses", response_model=None)
    @routes.post("/invocations", response_model=None)
    async def invoke(request: AgentRequest) -> Response:
        """Answer as a ResponsesAgent of MLflow; filters are in `custom_inputs`, the Answer is `warrant`."""
        filters = {**request.custom_inputs.filters, **request.warrant.filters}
        return await respond(
            request.model_copy(update={"warrant": request.warrant.model_copy(update={"filters": filters})})
        )

    return routes


def _whole(model: str, answer: dict[str, Any] | None = None) -> dict[str, Any]:
    """The response object: completed with an answer, or in progress without one."""
    name = this_request().id
    fields: dict[str, Any] = {
        "id": f"resp_{name}",
        "object": "response",
        "created_at": int(time.time()),
        "model": model,
    }
    fields |= {"status": "completed" if answer else "in_progress", "output": [_message(answer)] if answer else []}
    fields |= {"error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": None}
    fields |= {"parallel_tool_calls": False, "tool_choice": "none", "tools": [], "top_p": None}
    if answer:
        fields["usage"] = _usage(answer)
    whole = OpenAIResponse.model_validate(fields).model_dump(mode="json", exclude_unset=True)
    return {**whole, "warrant": answer} if answer else whole


def _message(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The one output: a message with its text, or an empty one that is in progress."""
    fields: dict[str, Any] = {"id": f"msg_{this_request().id}", "type": "message", "role": "assistant"}
    fields |= {"status": "completed" if answer else "in_progress", "content": [_part(answer)] if answer else []}
    return ResponseOutputMessage.model_validate(fields).model_dump(mode="json", exclude_unset=True)


def _part(answer: dict[str, Any] | None) -> dict[str, Any]:
    found = [{"type": "url_citation", **each} for each in url_citations(answer)] if answer else []
    return {"type": "output_text", "text": answer["text"] if answer else "", "annotations": found}


def _usage(answer: dict[str, Any]) -> dict[str, Any]:
    sent, received = answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]
    return {
        "input_tokens": sent,
        "output_tokens": received,
        "total_tokens": sent + received,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


async def _events(items: AsyncGenerator[Item, None], model: str) -> AsyncGenerator[str, None]:
    """OpenAI's events in their order, numbered."""
    number = 0

    def numbered(kind: str, **more: Any) -> str:
        nonlocal number
        number += 1
        return event({"type": kind, "sequence_number": number - 1, **more}, kind=kind)

    yield numbered("response.created", response=_whole(model))
    yield numbered("response.in_progress", response=_whole(model))
    async with aclosing(with_pings(items)) as pinged:
        async for item in pinged:
            if item is None:
                yield PING
            elif item["event"] == "error":
                yield numbered("error", **item["error"], error=item["error"], param=None)
            elif item["event"] == "final":
                for kind, more in _answer_events(item["answer"], model):
                    yield numbered(kind, **more)


def _answer_events(answer: dict[str, Any], model: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of a checked answer, in OpenAI's order."""
    at = {"item_id": f"msg_{this_request().id}", "output_index": 0, "content_index": 0}
    part = _part(answer)
    deltas = [("response.output_text.delta", {**at, "delta": each, "logprobs": []}) for each in pieces(part["text"])]
    notes = [
        ("response.output_text.annotation.added", {**at, "annotation_index": index, "annotation": note})
        for index, note in enumerate(part["annotations"])
    ]
    return [
        ("response.output_item.added", {"output_index": 0, "item": _message(None)}),
        ("response.content_part.added", {**at, "part": _part(None)}),
        *deltas,
        *notes,
        ("response.output_text.done", {**at, "text": part["text"], "logprobs": []}),
        ("response.content_part.done", {**at, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": _message(answer)}),
        ("response.completed", {"response": _whole(model, answer)}),
    ]
