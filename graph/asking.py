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

    model_config = ConfigDict(frozen=True, extra="forbid")


class Terms(Part):
    """How one call is asked: `timeout` in seconds, `context_window` in tokens for request and reply together.

    `format`: running text, or claims with passage numbers under a JSON schema for models that can keep to one.
    """

    timeout: Seconds = 20.0
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] = 8192
    format: Literal["text", "json"] = "text"


class RoleTerms(Part):
    """What a role is asked differently; what is not given is as for the others."""

    timeout: Seconds | None = None
    context_window: Annotated[int, Field(ge=512, le=10_000_000)] | None = None
    format: Literal["text", "json"] | None = None


class Roles(Part):
    """Terms by role."""

    simple: RoleTerms = RoleTerms()
    complex: RoleTerms = RoleTerms()
    backup: RoleTerms = RoleTerms()


class Generation(Terms):
    """How models are asked; `deadline` holds for the whole question, `roles` may change the terms of each role.

    `backoff` is the longest pause before the first retry in seconds, doubled with each. When no token has come
    `hedge_after` seconds, the same request goes to a second model and the first to speak wins; None: never.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=32_000)] = 512
    deadline: Seconds = 45.0
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    backoff: Seconds = 0.5
    hedge_after: Seconds | None = None
    roles: Roles = Roles()

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
    """When a model's endpoint is left alone: at a share of `failures` of its last `window` calls, `minimum` at least.

    After `open_seconds` as many as `probes` calls are let through; it closes when they succeed.
    """

    failures: Annotated[float, Field(gt=0, le=1)] = 0.2
    window: Annotated[int, Field(ge=1, le=10_000)] = 50
    minimum: Count = 10
    open_seconds: Seconds = 60.0
    probes: Annotated[int, Field(ge=1, le=100)] = 3

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.minimum > self.window:
            raise ValueError("minimum must not be above window")
        return self
