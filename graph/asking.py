"""The parts of a Release that say how models are asked, and what every part of a Release is."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Role = Literal["simple", "complex", "backup"]
ROLES: tuple[Role, ...] = ("simple", "complex", "backup")


class Part(BaseModel):
    """A frozen part of a Release in which a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Terms(Part):
    """How one call to a model is made."""

    timeout: Seconds = 20.0
    """Seconds for one call."""
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] = 8192
    """Tokens of the request and the reply together."""
    format: Literal["text", "json"] = "text"
    """`text`: prose with markers. `json`: claims with passage numbers, by a JSON schema where there can be one."""


class RoleTerms(Part):
    """Terms of one role; null is as in `generation`."""

    timeout: Seconds | None = None
    """Seconds for one call."""
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] | None = None
    """Tokens of the request and the reply together."""
    format: Literal["text", "json"] | None = None
    """`text` or `json`."""


class Roles(Part):
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


class Breaker(Part):
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
