"""/v1/responses: the graph behind OpenAI's Responses API. Only checked text is streamed.

MLflow's clients of a ResponsesAgent find the same at /responses and /invocations: they name no model, and give filters
as `custom_inputs`.
"""

import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from graph.annotations import pieces, url_citations
from server.context import this_request
from server.errors import refuse
from server.routes.events import event
from server.routes.openai_schemas import (
    DEFAULT_MODEL,
    MAX_MESSAGES,
    ChatMessage,
    Content,
    OpenAIRequest,
    ResponseFormat,
    refuse_unsupported,
    respond,
)
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
    async def create(request: ResponsesRequest) -> Response:
        """Answer from the documents; citations are annotations, the Answer is `warrant`."""
        request.check()
        return await respond(service, request, request.messages, ResponsesReply)

    @routes.post("/responses", response_model=None)
    @routes.post("/invocations", response_model=None)
    async def invoke(request: AgentRequest) -> Response:
        """Answer as a ResponsesAgent of MLflow; filters are in `custom_inputs`, the Answer is `warrant`."""
        filters = {**request.custom_inputs.filters, **request.warrant.filters}
        extras = request.warrant.model_copy(update={"filters": filters})
        return await create(request.model_copy(update={"warrant": extras}))

    return routes


class ResponsesReply:
    """A response of a model, whole or as OpenAI's events in their order, numbered."""

    closing = ""

    def __init__(self, model: str) -> None:
        self._id, self._model, self._created = this_request().id, model, int(time.time())
        self._events = 0

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        body = {"status": "completed", "output": [self._message(answer)], "usage": _usage(answer), "warrant": answer}
        return {**self._begun(), **body}

    def opening(self) -> Iterator[str]:
        yield self._event("response.created", response=self._begun())
        yield self._event("response.in_progress", response=self._begun())

    def answered(self, answer: dict[str, Any]) -> Iterator[str]:
        item = {"output_index": 0}
        at = {"item_id": f"msg_{self._id}", "content_index": 0, **item}
        part = _part(answer)
        yield self._event("response.output_item.added", **item, item=self._message(None))
        yield self._event("response.content_part.added", **at, part=_part(None))
        for piece in pieces(part["text"]):
            yield self._event("response.output_text.delta", **at, delta=piece, logprobs=[])
        for index, note in enumerate(part["annotations"]):
            yield self._event("response.output_text.annotation.added", **at, annotation_index=index, annotation=note)
        yield self._event("response.output_text.done", **at, text=part["text"], logprobs=[])
        yield self._event("response.content_part.done", **at, part=part)
        yield self._event("response.output_item.done", **item, item=self._message(answer))
        yield self._event("response.completed", response=self.whole(answer))

    def failed(self, error: dict[str, Any]) -> str:
        return self._event("error", **error, error=error, param=None)

    def _event(self, kind: str, **fields: Any) -> str:
        self._events += 1
        return event({"type": kind, "sequence_number": self._events - 1, **fields}, kind=kind)

    def _begun(self) -> dict[str, Any]:
        """The response object, in progress."""
        fields = {"id": f"resp_{self._id}", "object": "response", "created_at": self._created, "model": self._model}
        unused = {"error": None, "incomplete_details": None, "instructions": None, "temperature": None, "top_p": None}
        fixed = {"metadata": {}, "parallel_tool_calls": False, "tool_choice": "none", "tools": []}
        return {**fields, "status": "in_progress", "output": [], **unused, **fixed}

    def _message(self, answer: dict[str, Any] | None) -> dict[str, Any]:
        """The one output: a message with its text, or an empty one that is in progress."""
        status, content = ("completed", [_part(answer)]) if answer else ("in_progress", [])
        head = {"id": f"msg_{self._id}", "type": "message", "role": "assistant"}
        return {**head, "status": status, "content": content}


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
