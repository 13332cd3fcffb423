"""What goes in and what comes out, the same through every door: Ask, and the Answer as a caller sees it.

No field may be null in Ask: LangServe's playground draws no form for a schema that holds an Optional. No field is
called `type`: LangServe's client would take the object for one of LangChain's.
"""

from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict

from graph.state import Conflict, Repair, Route, Rung, Status, Usage, Verdict
from server.errors import refuse

SESSION = r"^[A-Za-z0-9_-]{0,64}$"
MOST_TURNS = 200
"""Turns that any release may take."""
EXAMPLE: JsonDict = {"question": "What is the hotel limit in the EU?", "filters": {}, "history": [], "session_id": ""}


class AskTurn(BaseModel):
    """One earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"] = "user"
    content: str = ""


class Ask(BaseModel):
    """A question as a caller sends it; the caller's groups come with the key and never from here."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    question: str = Field(title="Question", description="What you want to know.")
    filters: dict[str, Any] = Field(
        default={}, title="Filters", description='Over the documents\' metadata, such as {"region": "EU"}.'
    )
    history: list[AskTurn] = Field(
        default=[], title="History", description="Earlier turns, oldest first.", max_length=MOST_TURNS
    )
    session_id: Annotated[str, Field(pattern=SESSION)] = Field(
        default="", title="Session", description="A conversation that the server remembers; then leave History empty."
    )

    @model_validator(mode="after")
    def _can_be_told_again(self) -> Self:
        """What JSON for other programs cannot carry would break the stream that repeats the question."""
        try:
            orjson.dumps(self.model_dump())
        except (orjson.JSONEncodeError, TypeError):
            raise ValueError("a number has more than 64 bits, or a text has half a surrogate pair") from None
        return self


def to_ask(**fields: Any) -> Ask:
    """A question from fields that came through another schema; raises Refused (422) with what is wrong with them."""
    try:
        return Ask(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise refuse(422, f"{where}: {first['msg']}." if where else f"{first['msg']}.") from None


class Told(BaseModel):
    """What went wrong: a code that programs can rely on, a sentence, and the request's id."""

    code: str
    message: str
    request_id: str


class ErrorBody(BaseModel):
    """The body of every error."""

    error: Told


class PublicCitation(BaseModel):
    """Where a claim comes from: characters `start` to `end` of the file's text are the quote; `support` is 0 to 1.

    `verdict` is `unverified` where neither the rules nor a model could decide whether the quote supports the claim.
    """

    marker: int
    file: str
    title: str
    page: int | None
    start: int
    end: int
    quote: str
    support: float
    verdict: Verdict


class PublicAnswer(BaseModel):
    """The Answer; `timings` are milliseconds by step, `confidence` is 0 to 1, `version` is the registry's, if any.

    `cached` names what was kept of the same caller's earlier questions: `answer` or `retrieval`. `warnings` are
    sentences about what went wrong beside the answer: its conversation could not be read or kept.
    """

    text: str
    status: Status
    confidence: float
    citations: list[PublicCitation]
    route: Route
    rung: Rung
    reason: str | None
    nearest: list[str]
    release: str
    version: str
    snapshot: str
    timings: dict[str, float]
    usage: Usage
    asked: str
    parts: list[str]
    unanswered: list[str]
    missing: list[str]
    language: str
    repairs: list[Repair]
    conflicts: list[Conflict]
    cached: list[str]
    warnings: list[str]
    request_id: str
    session_id: str
