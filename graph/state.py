"""The vocabulary of the answering flow as plain JSON values, so that any checkpoint can be read by any release."""

from typing import Any, Literal, NotRequired, Required

from typing_extensions import TypedDict

Status = Literal["answered", "partial", "declined"]
Route = Literal["simple", "complex"]
Verdict = Literal["supported", "contradicted", "not_found", "unverified"]
Rung = Literal["primary", "hedge", "retry", "backup", "extractive", "decline"]


class Turn(TypedDict):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: str


class Question(TypedDict, total=False):
    """What a caller asks; only `question` is required.

    `filters` is a filter over metadata columns (see graph.filters); `groups` are the caller's access groups. What is
    kept of a `caller`'s questions is used for no other caller; those who are not named count as one.
    """

    question: Required[str]
    filters: dict[str, Any]
    history: list[Turn]
    groups: list[str]
    caller: str


class Passage(TypedDict):
    """A chunk of a document, `text == document_text[start:end]`, with the scores that found it.

    `score` is the fused score, and the reranked one after the rerank step; `lexical` and `vector` are the legs' own.
    `vector` and `similar` say how like the question the passage and its units in order are, where the index holds their
    vectors: 0 for texts that have nothing to do with one another, 1 for the same.
    """

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
    similar: list[float]


class Search(TypedDict):
    """A text to search for; the scores of several searches are added by their weights."""

    text: str
    weight: float


class Evidence(TypedDict):
    """A unit of a kept passage: a sentence, a list item, a table row; offsets are into the passage's text.

    `passage` counts from 0; `heading` is the innermost one over the unit. `context`: the document's title and the
    heading, and the sentence `before` one that begins with a pronoun and has a word of the question. `question`: what
    the passage itself asks before it, if it does; `text` begins with that, the passage's stretch does not.
    `similarity` is its cosine to the question, `coverage` the share of the question's terms that it holds with its
    context, `score` the probability that it holds the answer.
    """

    passage: int
    start: int
    end: int
    text: str
    question: str
    shape: Literal["sentence", "item", "row"]
    heading: str
    context: str
    before: str
    similarity: float
    coverage: float
    score: float


class Quote(TypedDict):
    """What is quoted where no model reads; `passage` counts from 0."""

    text: str
    passage: int


class Selection(TypedDict):
    """What is quoted for a question, none where nothing answers it, and the `confidence` in it, 0 to 1.

    `partial` says why there may be more to it, or is empty. `missing` are names of the question that nothing has that
    was found; `unanswered` are the parts of the question, or the question itself, for which nothing is quoted.
    """

    quotes: list[Quote]
    confidence: float
    partial: str
    missing: list[str]
    unanswered: list[str]


class Citation(TypedDict):
    """Where a claim comes from: `quote == document_text[start:end]`; `support` is 0 to 1.

    `verdict`: `supported`, or `unverified` where nobody could decide whether it supports a claim that rests on it.
    """

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
    verdict: Verdict


class Repair(TypedDict):
    """A claim of the draft that does not stand as it was written.

    `moved`: another passage supports it than it cited. `added`: it cited nothing and one supports it. `dropped`: of
    several passages that it cited, one does not support it. `removed`: no passage supports it. `unverified`: it stands,
    and nobody could decide whether it is supported. `because` says what was missing, such as a number or a name that no
    passage has; `support` is the best that any passage gave, 0 to 1. `verdict` of a removed claim tells whether a
    passage says otherwise (`contradicted`) or none says it (`not_found`).
    """

    claim: str
    action: Literal["moved", "added", "dropped", "removed", "unverified"]
    because: str
    support: float
    verdict: NotRequired[Verdict]


class Conflict(TypedDict):
    """Another version of a cited document that says something else than the citation with this marker."""

    marker: int
    version: Literal["older", "newer"]
    document: str
    file: str
    title: str
    effective_date: str
    start: int
    end: int
    quote: str


class Usage(TypedDict):
    """Tokens as counted by the models that were asked; zeros when none was.

    Of the last call: `left_out` passages did not fit into the context window, `shortened` were cut at a sentence's
    end, and `unfinished` says that the reply ran into its limit of tokens.
    """

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    left_out: NotRequired[int]
    shortened: NotRequired[int]
    unfinished: NotRequired[bool]


def no_usage() -> Usage:
    """The usage of a question for which no model was asked."""
    return Usage(model="extractive", calls=0, input_tokens=0, output_tokens=0)


class Draft(TypedDict):
    """A reply with [n] markers, before its citations are checked."""

    text: str
    writer: str


class Failure(TypedDict):
    """Why the step before could not answer; `retry_after` seconds when the endpoint named them."""

    reason: str
    detail: str
    transient: bool
    retry_after: NotRequired[float]


class ModelReply(TypedDict):
    """What a model really said to one call, before anything was made of it; `failure`: why it could not be used.

    It is for those who run Warrant: traces and evaluations have it, callers never see it.
    """

    writer: str
    rung: Rung
    text: str
    failure: Failure | None


class Answer(TypedDict):
    """What a caller gets; `timings` are milliseconds per step, `confidence` is 0 to 1.

    `asked` is the stand-alone question that was searched for, `parts` its sub-questions when it was split,
    `unanswered` those of them that have no answer, and `language` its ISO 639-1 code or `und`. `missing` are names of
    the question that nothing has that was found. `repairs` and `conflicts` say what the check of the claims changed
    and found; `cached` names the caches that were hit.
    """

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
    asked: str
    parts: list[str]
    unanswered: list[str]
    missing: list[str]
    language: str
    repairs: list[Repair]
    conflicts: list[Conflict]
    cached: list[str]


class Reply(TypedDict):
    """The graph's output."""

    answer: Answer


class State(TypedDict, total=False):
    """Everything the steps hand on; each step returns only the keys that it fills."""

    question: str
    filters: dict[str, Any]
    history: list[Turn]
    groups: list[str]
    caller: str
    standalone: str
    searches: list[Search]
    parts: list[str]
    language: str
    cached: list[str]
    trouble: list[str]
    key: str
    candidates: list[Passage]
    passages: list[Passage]
    selection: Selection
    confidence: float
    complexity: Route
    rung: Rung
    climbed: int
    began: float
    draft: Draft | None
    failure: Failure | None
    replies: list[ModelReply]
    usage: Usage
    timings: dict[str, float]
    answer: Answer
