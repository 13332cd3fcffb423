"""The vocabulary of the answering flow as plain JSON values, so that any checkpoint can be read by any release."""

from typing import Any, Literal, Required

from typing_extensions import TypedDict

Status = Literal["answered", "partial", "declined"]
Route = Literal["simple", "complex"]
Rung = Literal["primary", "retry", "backup", "extractive", "decline"]


class Turn(TypedDict):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: str


class Question(TypedDict, total=False):
    """What a caller asks; only `question` is required.

    `filters` is a filter over metadata columns (see graph.filters); `groups` are the caller's access groups.
    """

    question: Required[str]
    filters: dict[str, Any]
    history: list[Turn]
    groups: list[str]


class Passage(TypedDict):
    """A chunk of a document, `text == document_text[start:end]`, with the scores that found it."""

    id: str
    document: str
    file: str
    title: str
    section: str
    header: str
    page: int | None
    page_breaks: list[int]
    start: int
    end: int
    text: str
    metadata: dict[str, Any]
    score: float
    lexical: float | None
    vector: float | None


class Evidence(TypedDict):
    """A sentence of a kept passage; `passage` counts from 0, offsets are into the passage's text."""

    passage: int
    start: int
    end: int
    text: str
    similarity: float
    coverage: float
    score: float


class Citation(TypedDict):
    """Where a claim comes from: `quote == document_text[start:end]`; `support` is 0 to 1."""

    marker: int
    passage: str
    document: str
    file: str
    title: str
    page: int | None
    start: int
    end: int
    quote: str
    support: float


class Usage(TypedDict):
    """Tokens as counted by the models that were asked; zeros when none was."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int


class Draft(TypedDict):
    """A reply with [n] markers, before its citations are checked."""

    text: str
    writer: str


class Failure(TypedDict):
    """Why the step before could not answer."""

    reason: str
    detail: str
    transient: bool


class Answer(TypedDict):
    """What a caller gets; `timings` are milliseconds per step, `confidence` is 0 to 1."""

    text: str
    status: Status
    confidence: float
    citations: list[Citation]
    route: Route
    rung: Rung
    reason: str | None
    detail: str | None
    nearest: list[str]
    release: str
    snapshot: str
    timings: dict[str, float]
    usage: Usage


class Reply(TypedDict):
    """The graph's output."""

    answer: Answer


class State(TypedDict, total=False):
    """Everything the steps hand on; each step returns only the keys that it fills."""

    question: str
    filters: dict[str, Any]
    history: list[Turn]
    groups: list[str]
    standalone: str
    candidates: list[Passage]
    passages: list[Passage]
    evidence: list[Evidence]
    confidence: float
    complexity: Route
    rung: Rung
    climbed: int
    began: float
    draft: Draft | None
    failure: Failure | None
    usage: Usage
    timings: dict[str, float]
    answer: Answer
