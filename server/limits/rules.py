"""The rules of WARRANT_LIMITS: a YAML list, each row of which bounds one unit for one kind of subject in one period.

- {of: caller, requests: 60, per: minute}
- {of: caller, name: intranet, requests: 600, per: minute}
- {of: team, tokens: 2000000, per: month}
- {of: endpoint, name: openai, requests: 1000, per: minute}

A row with a name takes the place of the row without one that bounds the same unit in the same period.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from graph.callers import Caller
from graph.errors import SettingsInvalid
from graph.invalid import problem
from graph.strict_yaml import YamlInvalid, load_yaml

Subject = Literal["caller", "team", "endpoint"]
Unit = Literal["requests", "tokens", "cost"]
Period = Literal["minute", "hour", "day", "month"]
UNITS: tuple[Unit, ...] = ("requests", "tokens", "cost")
Amount = Annotated[float, Field(ge=0)]


class LimitRule(BaseModel):
    """At most so many requests, tokens or US dollars in a period of UTC, for each subject or for the one named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Subject
    name: str = ""
    requests: Amount | None = None
    tokens: Amount | None = None
    cost: Amount | None = None
    per: Period

    @model_validator(mode="after")
    def _one_unit(self) -> "LimitRule":
        if sum(getattr(self, unit) is not None for unit in UNITS) != 1:
            raise ValueError("a row bounds one of requests, tokens and cost")
        return self

    @cached_property
    def unit(self) -> Unit:
        """What it bounds."""
        return next(unit for unit in UNITS if getattr(self, unit) is not None)

    @property
    def most(self) -> float:
        """How much of it is allowed."""
        return float(getattr(self, self.unit))

    def period(self, now: datetime) -> tuple[datetime, datetime]:
        """When the current period began, and when it ends."""
        start = now.replace(second=0, microsecond=0)
        if self.per == "minute":
            return start, start + timedelta(minutes=1)
        start = start.replace(minute=0)
        if self.per == "hour":
            return start, start + timedelta(hours=1)
        start = start.replace(hour=0)
        if self.per == "day":
            return start, start + timedelta(days=1)
        start = start.replace(day=1)
        return start, (start + timedelta(days=32)).replace(day=1)


def read_rules(path: Path) -> tuple[LimitRule, ...]:
    """The rules in a file; raises SettingsInvalid naming what is wrong."""
    try:
        return tuple(TypeAdapter(list[LimitRule]).validate_python(load_yaml(path.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"WARRANT_LIMITS={path} cannot be read: {type(error).__name__}.") from error
    except YamlInvalid as error:
        raise SettingsInvalid(f"WARRANT_LIMITS={path} cannot be read: line {error.line}: {error.problem}.") from None
    except ValidationError as error:
        raise SettingsInvalid(f"WARRANT_LIMITS={path}: {problem(error.errors()[0], 'the file')}.") from None


def rules_for(rules: Sequence[LimitRule], caller: Caller, endpoint: str) -> Iterator[tuple[LimitRule, str]]:
    """The rules that bound a question, each with the subject that it counts for."""
    subjects: dict[Subject, str] = {"caller": caller.name, "team": caller.team, "endpoint": endpoint}
    named = {(rule.of, rule.name, rule.unit, rule.per) for rule in rules if rule.name}
    for rule in rules:
        subject = subjects[rule.of]
        if subject and (rule.name == subject or not (rule.name or (rule.of, subject, rule.unit, rule.per) in named)):
            yield rule, subject
