"""Request and response schemas that all APIs share: the question, the public answer and the items of a stream.

No field of a question may be null: LangServe's playground draws no form for a schema with an Optional. No field is
called `type`: LangServe's client would decode the object as one of LangChain's.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.config import JsonDict

from graph.invalid import problem
from graph.state import Answer, Citation, Conflict, Repair, Route, Rung, Status, Usage, Verdict
from server.errors import ErrorResponse, refuse

SESSION = r"^[A-Za-z0-9_-]{0,64}$"
MOST_TURNS = 200
"""The most turns that a release may accept."""
EXAMPLE: JsonDict = {"question": "What is the hotel limit in the EU?", "filters": {}, "history": [], "session_id": ""}


class HistoryTurn(BaseModel):
    """One earlier message of the conversation."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"] = "user"
    content: str = ""


class QuestionRequest(BaseModel):
    """A question as a caller sends it. The caller's groups come with its key, never from the request."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    question: str = Field(title="Question", description="What you want to know.")
    filters: dict[str, Any] = Field(
        default={}, title="Filters", description='Over the documents\' metadata, such as {"region": "EU"}.'
    )
    history: list[HistoryTurn] = Field(
        default=[], title="History", description="Earlier turns, oldest first.", max_length=MOST_TURNS
    )
    session_id: Annotated[str, Field(pattern=SESSION)] = Field(
        default="", title="Session", description="A conversation that the server remembers; then leave History empty."
    )

    @model_validator(mode="after")
    def _is_json(self) -> Self:
        """Reject values that strict JSON cannot carry: they would break streams that repeat the question."""
        try:
            orjson.dumps(self.model_dump())
        except (orjson.JSONEncodeError, TypeError):
            raise ValueError("a number has more than 64 bits, or a text has half a surrogate pair") from None
        return self


def question_request(**fields: Any) -> QuestionRequest:
    """A question from another API's fields; raises RequestRefused (422) naming the first invalid field."""
    try:
        return QuestionRequest(**fields)
    except ValidationError as error:
        raise refuse(422, f"{problem(error.errors()[0], 'the question', show=False)}.") from None


class PublicCitation(BaseModel):
    """Where a claim comes from: characters `start` to `end` of the document's text are the quote; `support` is 0 to 1.

    `document` is its id: a corpus or a large CSV file holds several documents. `verdict` is `supported`, or
    `unverified` when the check could not decide whether the passage supports a claim that cites it.
    """

    marker: int
    document: str
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

    `cached` names the caches that were hit: `answer` or `retrieval`. `warnings` are sentences about problems beside the
    answer: its conversation could not be read or stored.
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


Item = dict[str, Any]
"""One item of the public stream: `event` is status, token, citation, final or error; `seq` counts from 0."""
ANSWER_FIELDS = tuple(PublicAnswer.model_fields)
CITATION_FIELDS = tuple(PublicCitation.model_fields)
SCALARS = (str, int, float, bool, type(None))


def public_answer(
    answer: Answer, request_id: str, session_id: str, version: str, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """The answer's public fields as plain JSON values."""
    fields: dict[str, Any] = {**answer, "request_id": request_id, "session_id": session_id, "version": version}
    # Embeddings are cached for all callers together: a hit would reveal that somebody has asked the same.
    fields["cached"] = [name for name in answer["cached"] if name != "embedding"]
    fields["warnings"] = list(warnings)
    fields["citations"] = [_public_citation(citation) for citation in answer["citations"]]
    public: dict[str, Any] = plain({name: fields[name] for name in ANSWER_FIELDS})
    return public


def _public_citation(citation: Citation) -> dict[str, Any]:
    fields: dict[str, Any] = {**citation}
    return {name: fields[name] for name in CITATION_FIELDS}


def error_item(error: ErrorResponse, request_id: str) -> Item:
    """The item that ends a stream without an answer."""
    return {"event": "error", **error.body(request_id)}


def plain(value: Any) -> Any:
    """A value in JSON's own types: numpy's numbers and arrays would break a response half-way."""
    if type(value) in SCALARS:
        return value
    match value:
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case np.generic() | np.ndarray():
            return plain(value.tolist())
        case _:
            return value
