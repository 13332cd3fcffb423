"""Transitions of versions between stages, as they are written down before they are made; pure, knows no registry.

MLflow's aliases keep no history. A transition is recorded first, with all that it is to change; whoever comes later can
tell by its first change whether it took effect, and finish it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal

from .stages import PRODUCTION, RegistryChange

Action = Literal["promote", "rollback", "split", "shadow", "found"]
"""`found`: production was moved without Warrant, and this was recorded afterwards."""
State = Literal["under way", "done", "withdrawn"]
PREFIX = "warrant."
ABANDONED_AFTER = 60.0
"""Seconds after which a transition of another machine counts as abandoned."""


@dataclass(frozen=True)
class Actor:
    """Who makes a transition: a person, and the process that does it."""

    who: str
    host: str
    process: int


@dataclass(frozen=True)
class Reason:
    """What a person says of a transition; `evidence` is the digest of the warrant that it rests on."""

    ticket: str = ""
    note: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Transition:
    """One transition: `stage` is where, `before` and `version` are from and to; None: no version.

    `made` is in milliseconds since 1970. `detail` says what has no version: the shares of a split.
    """

    action: Action
    stage: str
    version: int | None
    before: int | None
    actor: Actor
    reason: Reason = field(default_factory=Reason)
    detail: str = ""
    changes: tuple[RegistryChange, ...] = ()
    id: str = ""
    made: int = 0
    state: State = "under way"

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.made / 1000, UTC)


def transition_tags(transition: Transition) -> dict[str, str]:
    """A transition as tags, whole: `read_transition` makes it again."""
    fields = {
        "action": transition.action,
        "stage": transition.stage,
        "to": _text(transition.version),
        "from": _text(transition.before),
        **{name: str(value) for name, value in asdict(transition.actor).items()},
        **asdict(transition.reason),
        "detail": transition.detail,
        "changes": json.dumps(transition.changes),
    }
    return {PREFIX + name: value for name, value in fields.items()}


def read_transition(id: str, made: int, state: State, tags: Mapping[str, str]) -> Transition | None:
    """A transition from its tags; None when they are not those of one."""
    fields = {name.removeprefix(PREFIX): value for name, value in tags.items() if name.startswith(PREFIX)}
    try:
        return Transition(
            fields["action"],  # type: ignore[arg-type]
            fields["stage"],
            _number(fields["to"]),
            _number(fields["from"]),
            Actor(fields["who"], fields["host"], int(fields["process"])),
            Reason(fields["ticket"], fields["note"], fields["evidence"]),
            fields["detail"],
            tuple(RegistryChange(*each) for each in json.loads(fields["changes"])),
            id,
            made,
            state,
        )
    except (KeyError, ValueError, TypeError):
        return None


def productions(transitions: Iterable[Transition]) -> list[int | None]:
    """The versions in production, oldest first, that a rollback can go back through; None: there was none.

    A promotion comes on top, a rollback takes off all that it goes back over.
    """
    stack: list[int | None] = []
    for each in transitions:
        if each.state != "done" or each.stage != PRODUCTION:
            continue
        while each.action == "rollback" and stack and stack[-1] != each.version:
            stack.pop()
        if not stack or stack[-1] != each.version:
            stack.append(each.version)
    return stack


def release_before(transitions: Iterable[Transition], known: Collection[int]) -> int | None:
    """Where a rollback goes: the nearest version before the one in production that is still there."""
    stack = productions(transitions)
    here = stack[-1] if stack else None
    return next((each for each in reversed(stack[:-1]) if each in known and each != here), None)


def ever_placed(transitions: Iterable[Transition]) -> set[int]:
    """The versions that had a stage once."""
    done = [each for each in transitions if each.state == "done" and each.action in ("promote", "rollback", "found")]
    return {number for each in done for number in (each.version, each.before) if number is not None}


def under_way(transitions: Sequence[Transition]) -> list[Transition]:
    """The transitions that are neither done nor withdrawn."""
    return [each for each in transitions if each.state == "under way"]


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(text: str) -> int | None:
    return int(text) if text else None
