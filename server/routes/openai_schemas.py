"""What OpenAI's two APIs share: schemas, their mapping to questions and deployments, and how a question is answered."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from graph.agent import Agent
from graph.callers import Caller
from graph.registry.stages import PRODUCTION, STAGING
from server.context import this_request
from server.errors import RequestRefused, refuse, refused_as
from server.releases.deployments import Deployment, Deployments, may_ask, pinned_version
from server.routes.events import PING, UNCACHED, with_pings
from server.schemas import SESSION, HistoryTurn, Item, QuestionRequest, question_request
from server.service import AnswerService

DEFAULT_MODEL = "warrant"
"""The model name of the targeted release; its label works too."""
EARLY_STEPS = ("begun", "preprocess")
"""Steps in which a question is refused; until then the response can still be an HTTP error."""
MAX_MESSAGES, MAX_PARTS = 2000, 200
"""Messages of a request and parts of a message; validation reports each wrong one."""
TEXT = "text"
"""The only supported response format."""


class MessagePart(BaseModel):
    """A part of a message; only text is supported."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


Content = str | Annotated[list[MessagePart], Field(max_length=MAX_PARTS)]


class ChatMessage(BaseModel):
    """A message. Roles other than `user` and `assistant` are ignored: the release defines the prompt."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content | None = None

    @property
    def text(self) -> str:
        """The text; raises RequestRefused (422) for other content."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        other = next((part.type for part in self.content if not part.type.endswith("text")), None)
        if other:
            raise refuse(422, f"Only text is supported; this message has a part of type {other!r}.")
        return "\n".join(part.text for part in self.content)


class WarrantExtras(BaseModel):
    """Fields that OpenAI's API lacks; sent with `extra_body={"warrant": {...}}`."""

    model_config = ConfigDict(extra="forbid")

    filters: dict[str, Any] = {}
    session_id: Annotated[str, Field(pattern=SESSION)] = ""


class ResponseFormat(BaseModel):
    """The requested response format."""

    model_config = ConfigDict(extra="ignore")

    type: str = TEXT


class OpenAIRequest(BaseModel):
    """What both APIs share; model parameters such as temperature are ignored: the release defines them."""

    model_config = ConfigDict(extra="ignore")

    model: str
    stream: bool | None = False
    tools: list[Any] | None = None
    warrant: WarrantExtras = WarrantExtras()


class OpenAIReply(Protocol):
    """How an API says an answer: whole, or as events that begin, give the answer or the error, and close."""

    closing: str

    def whole(self, answer: dict[str, Any]) -> dict[str, Any]: ...

    def opening(self) -> Iterator[str]: ...

    def answered(self, answer: dict[str, Any]) -> Iterator[str]: ...

    def failed(self, error: dict[str, Any]) -> str: ...


async def respond(
    service: AnswerService,
    request: OpenAIRequest,
    messages: Sequence[ChatMessage],
    reply_of: Callable[[str], OpenAIReply],
) -> Response:
    """Answer the last message; `reply_of` makes the reply of a model by the label of its release."""
    agent = (await model_deployment(request.model, service.deployments)).agent
    question, reply = question_of(messages, request, agent), reply_of(agent.label)
    if not request.stream:
        return JSONResponse(reply.whole(await service.answer(question)))
    items = service.items(question)
    await _raise_early_refusal(items)
    return StreamingResponse(_events(items, reply), media_type="text/event-stream", headers=UNCACHED)


async def _events(items: AsyncGenerator[Item, None], reply: OpenAIReply) -> AsyncGenerator[str, None]:
    for each in reply.opening():
        yield each
    async with aclosing(with_pings(items)) as pinged:
        async for item in pinged:
            if item is None:
                yield PING
            elif item["event"] == "error":
                yield reply.failed(item["error"])
            elif item["event"] == "final":
                for each in reply.answered(item["answer"]):
                    yield each
    yield reply.closing


async def model_deployment(model: str, deployments: Deployments) -> Deployment:
    """The deployment of a model name, which becomes the request's target; raises RequestRefused (404) when unknown.

    `warrant` is the target of the path; `production`, `staging`, `v12` and a release's label name their own.
    """
    request = this_request()
    caller = request.caller
    visible = visible_deployments(deployments, caller)
    if model in (PRODUCTION, STAGING) or pinned_version(model):
        request.target = model
    elif model != DEFAULT_MODEL and model not in {each.agent.label for each in visible.values()}:
        raise refuse("model_not_found", f"There is no model {model!r:.80}; ask {DEFAULT_MODEL!r}.")
    elif model != DEFAULT_MODEL and (await deployments.select(request.target, request.id, caller)).agent.label != model:
        request.target = next(target for target, each in visible.items() if each.agent.label == model)
    try:
        return await deployments.select(request.target, request.id, caller)
    except RequestRefused as refused:
        raise RequestRefused(replace(refused.response, code="model_not_found")) from None


def model_names(deployments: Deployments) -> list[str]:
    """The available model names: production's for all, other versions' for callers who may ask any."""
    deployed = visible_deployments(deployments, this_request().caller)
    versions = {each.version for each in deployed.values() if each.version}
    loaded = [f"v{version}" for version in sorted(versions, key=int)]
    return [DEFAULT_MODEL, *(target for target in (PRODUCTION, STAGING) if loaded and target in deployed), *loaded]


def visible_deployments(deployments: Deployments, caller: Caller) -> dict[str, Deployment]:
    """What a caller may ask, by target."""
    deployed = deployments.state.deployments
    return {target: each for target, each in deployed.items() if may_ask(caller, target)}


def refuse_unsupported(options: dict[str, bool]) -> None:
    """Raises RequestRefused (422) for the first option that is set and not supported.

    Ignoring it would return something else than was requested, such as text to a program that parses JSON.
    """
    if name := next((name for name, is_set in options.items() if is_set), None):
        why = "a reply is one text from the documents, with its citations. Leave it out."
        raise refuse(422, f"{name} is not supported: {why}")


def question_of(messages: Sequence[ChatMessage], request: OpenAIRequest, agent: Agent) -> QuestionRequest:
    """The last message as the question, with the messages before it, or those of the session, as its history.

    Raises RequestRefused (422) when the last message is not the user's.
    """
    if not messages or messages[-1].role != "user":
        raise refuse(422, "The last message must be the user's: it is the question.")
    earlier = [each for each in messages[:-1] if each.role in ("user", "assistant") and each.text.strip()]
    turns = [HistoryTurn(role="user" if each.role == "user" else "assistant", content=each.text) for each in earlier]
    extras, limit = request.warrant, agent.history_turns
    history = [] if extras.session_id else turns[max(0, len(turns) - limit) :]
    return question_request(
        question=messages[-1].text, filters=extras.filters, history=history, session_id=extras.session_id
    )


async def _raise_early_refusal(items: AsyncGenerator[Item, None]) -> None:
    """Read until the question is being answered; raises RequestRefused when it is refused before."""
    async for item in items:
        if item["event"] == "error":
            await items.aclose()
            raise refused_as(item)
        if item["event"] != "status" or item["step"] not in EARLY_STEPS:
            return
