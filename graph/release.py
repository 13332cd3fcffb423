"""A Release is everything that changes an answer: frozen, digested, read from YAML with errors that name the line."""

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Role = Literal["simple", "complex", "backup"]
ROLES: tuple[Role, ...] = ("simple", "complex", "backup")
PROMPTS = Path(__file__).parent / "prompts"
MODEL = re.compile(r"(?!extractive:)[a-z][a-z0-9_]*:\S(?:.*\S)?")
"""A provider as LangChain names it, or one of ours, and what it calls the model."""


def _model(name: str) -> str:
    if name != "extractive" and not MODEL.fullmatch(name):
        raise ValueError(
            "name a model as extractive or PROVIDER:MODEL, such as openai:gpt-4o-mini, anthropic:MODEL, ollama:MODEL, "
            "llama:PATH.gguf or scripted:FILE"
        )
    return name


EMBEDDINGS = ("bge-small-en-v1.5-int8", "minilm-l6-v2-int8", "wordllama-256")


def _embedding(name: str) -> str:
    if name not in EMBEDDINGS and not MODEL.fullmatch(name):
        raise ValueError(f"name an embedding as {', '.join(EMBEDDINGS)}, onnx:FOLDER or PROVIDER:MODEL")
    return name


Writer = Annotated[str, AfterValidator(_model)]


class Section(BaseModel):
    """A frozen part of a Release in which a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Chunking(Section):
    """How documents are split into passages; sizes in tokens of the embedding's tokenizer."""

    target_tokens: Annotated[int, Field(ge=32, le=2000)] = 256
    """Tokens that a passage should have; it ends at the end of a sentence, row or list item."""
    minimum_tokens: Annotated[int, Field(ge=0, le=1000)] = 48
    """A shorter passage is joined with its neighbour."""

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.minimum_tokens > self.target_tokens:
            raise ValueError("minimum_tokens must not be above target_tokens")
        return self


class Retrieval(Section):
    """How passages are searched."""

    pool: Annotated[int, Field(ge=1, le=1000)] = 100
    """Passages that each leg, lexical and vector, finds."""
    vector_weight: Share = 0.5
    """The weight of the vector leg in the fused score; the rest is the lexical leg's."""
    keep: Annotated[int, Field(ge=1, le=200)] = 50
    """Passages that are handed on to the reranker."""


def _known_reranker(name: str) -> str:
    if name not in ("embedded", "none") and not (name.startswith("remote:") and name != "remote:"):
        raise ValueError("name a reranker as embedded, none or remote:MODEL")
    return name


class Reranking(Section):
    """Which of the passages found the answer may use."""

    model: Annotated[str, AfterValidator(_known_reranker)] = "embedded"
    """What orders the passages: `embedded`, `none`, or `remote:MODEL` at `WARRANT_RERANK_URL`."""
    sentences: Literal["auto", "cross-encoder", "none"] = "auto"
    """What scores the best sentences where no model writes; `auto` is `none` with the static embedding only."""
    timeout: Seconds = 3.0
    """Seconds for a remote reranker, after which the embedded one is used."""
    passages: Annotated[int, Field(ge=1, le=50)] = 6
    """The most passages that are kept."""
    token_budget: Annotated[int, Field(ge=64, le=200_000)] = 1800
    """The most tokens that they have together."""


class Routing(Section):
    """The confidence below which a question is declined: the probability that what was found answers it."""

    answer_from: Share = 0.45
    """Where sentences are quoted."""
    read_from: Share = 0.15
    """Where a model writes. It is lower, since the model can say itself that the passages do not answer."""


class Models(Section):
    """What writes the answer: `extractive`, which quotes, or `PROVIDER:MODEL`."""

    simple: Writer = "extractive"
    """For simple questions."""
    complex: Writer = "extractive"
    """For complex ones: of several parts, or that compare."""
    backup: Writer = "extractive"
    """Where the first model fails."""


class Terms(Section):
    """How one call to a model is made."""

    timeout: Seconds = 20.0
    """Seconds for one call."""
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] = 8192
    """Tokens of the request and the reply together."""
    format: Literal["text", "json"] = "text"
    """`text`: prose with markers. `json`: claims with passage numbers, by a JSON schema where there can be one."""


class RoleTerms(Section):
    """Terms of one role; null is as in `generation`."""

    timeout: Seconds | None = None
    """Seconds for one call."""
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] | None = None
    """Tokens of the request and the reply together."""
    format: Literal["text", "json"] | None = None
    """`text` or `json`."""


class Roles(Section):
    """Terms by role."""

    simple: RoleTerms = RoleTerms()
    """For the model of simple questions."""
    complex: RoleTerms = RoleTerms()
    """For the model of complex questions."""
    backup: RoleTerms = RoleTerms()
    """For the backup model."""


class Generation(Terms):
    """How models are called."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    """The sampling temperature; null sends none, for models that refuse it."""
    max_tokens: Annotated[int, Field(ge=1, le=32_000)] = 512
    """The longest reply, in tokens."""
    deadline: Seconds = 45.0
    """Seconds for the whole question, all calls together."""
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a failed call is made again before the backup model is called."""
    backoff: Seconds = 0.5
    """The longest pause in seconds before the first retry; it doubles with each."""
    hedge_after: Seconds | None = None
    """Seconds without a token after which the backup model is called too, and the first to reply wins; null: never."""
    roles: Roles = Roles()
    """Other terms for the model of one role."""

    def terms(self, role: Role) -> Terms:
        """The terms of a role, its own where it has them."""
        given = {name: value for name, value in getattr(self.roles, role) if value is not None}
        return Terms(**{name: given.get(name, getattr(self, name)) for name in Terms.model_fields})

    @model_validator(mode="after")
    def _reply_fits(self) -> Self:
        smallest = min(self.terms(role).context_window for role in ROLES)
        if smallest < self.max_tokens + 256:
            raise ValueError(f"context_window = {smallest} must leave 256 tokens beside max_tokens = {self.max_tokens}")
        return self


class Breaker(Section):
    """The circuit breaker of each model's endpoint."""

    failures: Annotated[float, Field(gt=0, le=1)] = 0.2
    """The share of failed calls at which it opens: no more calls are made."""
    window: Annotated[int, Field(ge=1, le=10_000)] = 50
    """The number of last calls that the share is taken of."""
    minimum: Count = 10
    """The number of calls before which it never opens."""
    open_seconds: Seconds = 60.0
    """Seconds that it stays open."""
    probes: Annotated[int, Field(ge=1, le=100)] = 3
    """Calls that are tried after that; it closes when they succeed."""

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.minimum > self.window:
            raise ValueError("minimum must not be above window")
        return self


def _known_checking_model(name: str) -> str:
    if name == "extractive":
        raise ValueError("the extractive writer cannot judge; name a model, release or none")
    return name if name in ("release", "none") else _model(name)


class Checking(Section):
    """How claims are checked against the passages that they cite."""

    support_from: Share = 0.5
    """The support at which a claim stands."""
    unsure_from: Share = 0.15
    """From here to `unsure_to` the rules are unsure and the model decides."""
    unsure_to: Share = 0.85
    """The end of that range."""
    model: Annotated[str, AfterValidator(_known_checking_model)] = "release"
    """The model that decides: `release` for the release's own, `none`, or another `PROVIDER:MODEL`."""
    strict: bool = False
    """Whether a claim about which nobody decides is removed; else it is kept and marked as `unverified`."""
    stream: Literal["draft", "verified"] = "draft"
    """`draft`: tokens are streamed as they come. `verified`: nothing is streamed before it is checked."""
    links: list[Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]] = []
    """Hosts to which answers may have links and images, also on hosts below them; all others are taken out."""

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.unsure_from > self.unsure_to:
            raise ValueError("unsure_from must not be above unsure_to")
        return self


class Limits(Section):
    """The largest question and history that are accepted."""

    question_characters: Annotated[int, Field(ge=1, le=100_000)] = 32_000
    """Characters of a question."""
    history_turns: Annotated[int, Field(ge=0, le=200)] = 40
    """Turns of a conversation's history."""


class Prompts(Section):
    """The prompts; the default of each is the file of that name in graph/prompts."""

    answer: str = Field(default_factory=lambda: (PROMPTS / "answer.md").read_text("utf-8"))
    """What a model is asked to do with the passages."""
    claims: str = Field(default_factory=lambda: (PROMPTS / "claims.md").read_text("utf-8"))
    """The same where `generation.format` is `json`."""
    judge: str = Field(default_factory=lambda: (PROMPTS / "judge.md").read_text("utf-8"))
    """How the model is asked about claims of which the rules are unsure."""
    declined: str = Field(default_factory=lambda: (PROMPTS / "declined.md").read_text("utf-8"))
    """The answer where there is not enough evidence."""
    courtesy: str = Field(default_factory=lambda: (PROMPTS / "courtesy.md").read_text("utf-8"))
    """The answer to a greeting or thanks."""


class Release(Section):
    """Everything that changes an answer, but for the Snapshot that it is asked of."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")] = "default"
    """The name that answers carry: lower-case letters, digits, dots, dashes and underscores."""
    embedding: Annotated[str, AfterValidator(_embedding)] = EMBEDDINGS[0]
    """`bge-small-en-v1.5-int8`, `minilm-l6-v2-int8`, `wordllama-256`, `onnx:FOLDER` or `PROVIDER:MODEL`."""
    chunking: Chunking = Chunking()
    retrieval: Retrieval = Retrieval()
    reranking: Reranking = Reranking()
    routing: Routing = Routing()
    models: Models = Models()
    generation: Generation = Generation()
    checking: Checking = Checking()
    breaker: Breaker = Breaker()
    limits: Limits = Limits()
    prompts: Prompts = Field(default_factory=Prompts)

    @property
    def checking_model(self) -> str | None:
        """The model that decides about claims of which the rules are unsure; None: nobody does."""
        own = [name for name in (self.models.complex, self.models.simple) if name != "extractive"]
        named = {"release": own[0] if own else None, "none": None}
        return named.get(self.checking.model, self.checking.model)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of every field."""
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()

    @property
    def reads_sentences(self) -> bool:
        """Whether the cross-encoder reads the best sentences where no model writes."""
        wanted = self.reranking.sentences
        return wanted == "cross-encoder" or (wanted == "auto" and self.embedding != "wordllama-256")

    @property
    def label(self) -> str:
        """The name that answers carry: the release's own and the start of its digest."""
        return f"{self.name}@{self.digest[:12]}"
