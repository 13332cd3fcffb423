"""What OpenAI's clients send, as a question, and what they find in a reply besides its text."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from graph.agent import Agent
from graph.registry.stages import PRODUCTION, STAGING
from server.context import this_request
from server.errors import Refused, refuse
from server.live import Live
from server.public import Item
from server.releases.slots import OPEN, Slot, pinned_number
from server.schemas import SESSION, Ask, AskTurn, to_ask

SERVED = "warrant"
"""The name under which the live release is asked; its label is the other one."""
EARLY = ("begun", "preprocess")
"""Steps in which a question is refused; a reply that has not begun can still be an HTTP error."""
MOST_MESSAGES, MOST_PARTS = 2000, 200
"""Messages of a request and parts of a message: each that is wrong has an error of its own."""
TEXT = "text"
"""The one form that a reply can have."""


class Part(BaseModel):
    """A part of a message; only text can be asked."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str = ""


Content = str | Annotated[list[Part], Field(max_length=MOST_PARTS)]


class Message(BaseModel):
    """A message; what is not from `user` or `assistant` is accepted and not obeyed: the release has the prompt."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content | None = None

    @property
    def text(self) -> str:
        """Its text; raises Refused (422) when there is something else in it."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        other = next((part.type for part in self.content if not part.type.endswith("text")), None)
        if other:
            raise refuse(422, f"Only text can be asked; this message has a part of type {other!r}.")
        return "\n".join(part.text for part in self.content)


class Extras(BaseModel):
    """What a question has that OpenAI's API does not; sent by `extra_body={"warrant": {...}}`."""

    model_config = ConfigDict(extra="forbid")

    filters: dict[str, Any] = {}
    session_id: Annotated[str, Field(pattern=SESSION)] = ""


class Form(BaseModel):
    """The form that a reply is wanted in."""

    model_config = ConfigDict(extra="ignore")

    type: str = TEXT


class Request(BaseModel):
    """What both APIs share; settings of a model that the release has (temperature and others) are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str
    stream: bool | None = False
    tools: list[Any] | None = None
    warrant: Extras = Extras()


async def model_slot(model: str, live: Live) -> Slot:
    """What a model's name means; the request asks that track from now on. Raises Refused (404) when it means nothing.

    `warrant` is what the path says; `production`, `staging` and `v12` say it themselves; so does a release's label.
    """
    request = this_request()
    operator = request.caller.operator
    slots = {track: slot for track, slot in live.state.slots.items() if operator or not pinned_number(track)}
    if model in (PRODUCTION, STAGING) or pinned_number(model):
        request.track = model
    elif model != SERVED and model not in {slot.agent.label for slot in slots.values()}:
        raise refuse(404, f"There is no model {model!r:.80}; ask {SERVED!r}.", "model_not_found")
    elif model != SERVED and (await live.take(request.track, request.id, operator=operator)).agent.label != model:
        request.track = next(track for track, slot in slots.items() if slot.agent.label == model)
    try:
        return await live.take(request.track, request.id, operator=operator)
    except Refused as refused:
        raise refuse(refused.problem.status, refused.problem.message, "model_not_found") from None


def model_names(live: Live) -> list[str]:
    """The names that can be asked now; a version without a warrant is an operator's to know."""
    slots, operator = live.state.slots, this_request().caller.operator
    open_ = {slot.version for slot in slots.values() if slot.version and (operator or slot.standing in OPEN)}
    loaded = [f"v{version}" for version in sorted(open_, key=int)]
    return [SERVED, *(track for track in (PRODUCTION, STAGING) if loaded and track in slots), *loaded]


def check_wishes(wishes: dict[str, bool]) -> None:
    """Raises Refused (422) for the first setting, by its name, that asks for what no reply of ours can have.

    To ignore it would be to answer something else than was asked for: text to a program that parses JSON.
    """
    wanted = next((name for name, wished in wishes.items() if wished), None)
    if wanted:
        told = "a reply is one text from the documents alone, with its citations. Leave it out."
        raise refuse(422, f"{wanted} cannot be done here: {told}")


def asked_by(messages: Sequence[Message], request: Request, agent: Agent) -> Ask:
    """The last message as the question, those before it as its history, or the session's in their place.

    Raises Refused (422) when the last message is not the user's.
    """
    if not messages or messages[-1].role != "user":
        raise refuse(422, "The last message must be the user's: it is the question.")
    said = [each for each in messages[:-1] if each.role in ("user", "assistant") and each.text.strip()]
    turns = [AskTurn(role="user" if each.role == "user" else "assistant", content=each.text) for each in said]
    extras, most = request.warrant, agent.history_turns
    history = [] if extras.session_id else turns[max(0, len(turns) - most) :]
    return to_ask(question=messages[-1].text, filters=extras.filters, history=history, session_id=extras.session_id)


async def past_refusal(items: AsyncGenerator[Item, None]) -> None:
    """Read until the question is under way; raises Refused when it is refused at once."""
    async for item in items:
        if item["event"] == "error":
            await items.aclose()
            raise refuse(item["status"], item["error"]["message"], item["error"]["code"])
        if item["event"] != "status" or item["step"] not in EARLY:
            return
