"""The trail: every move of a version, as it is written down before it is made; pure, knows no registry.

MLflow's aliases keep no history. A move is intended first, with all that it is to change; whoever comes later can tell
by its first change whether it happened, and finish it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from .stages import PRODUCTION, Change

Action = Literal["promote", "rollback", "split", "shadow", "found"]
"""`found`: production was moved past Warrant, and the trail was brought up to it."""
State = Literal["under way", "done", "withdrawn"]
PREFIX = "warrant."
PATIENCE = 60.0
"""Seconds after which a move of another machine is taken for broken off."""


@dataclass(frozen=True)
class Mover:
    """Who moves: a person, and the process that does it."""

    who: str
    host: str
    process: int


@dataclass(frozen=True)
class Why:
    """What a person says of a move; `evidence` is the digest of the warrant that it rests on."""

    ticket: str = ""
    note: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Move:
    """One move: `stage` is where, `before` and `version` are from and to; None: no version.

    `made` is in milliseconds since 1970. `detail` says what has no version: the shares of a split.
    """

    action: Action
    stage: str
    version: int | None
    before: int | None
    mover: Mover
    why: Why = field(default_factory=Why)
    detail: str = ""
    changes: tuple[Change, ...] = ()
    id: str = ""
    made: int = 0
    state: State = "under way"

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.made / 1000, UTC)


def move_tags(move: Move) -> dict[str, str]:
    """A move as tags, whole: `read_move` makes it again."""
    told = {
        "action": move.action,
        "stage": move.stage,
        "to": _text(move.version),
        "from": _text(move.before),
        "who": move.mover.who,
        "host": move.mover.host,
        "process": str(move.mover.process),
        "ticket": move.why.ticket,
        "note": move.why.note,
        "evidence": move.why.evidence,
        "detail": move.detail,
        "changes": json.dumps(move.changes),
    }
    return {PREFIX + name: value for name, value in told.items()}


def read_move(id: str, made: int, state: State, tags: Mapping[str, str]) -> Move | None:
    """A move from its tags; None when they are not a move's."""
    told = {name.removeprefix(PREFIX): value for name, value in tags.items() if name.startswith(PREFIX)}
    try:
        return Move(
            told["action"],  # type: ignore[arg-type]
            told["stage"],
            _number(told["to"]),
            _number(told["from"]),
            Mover(told["who"], told["host"], int(told["process"])),
            Why(told["ticket"], told["note"], told["evidence"]),
            told["detail"],
            tuple(Change(*each) for each in json.loads(told["changes"])),
            id,
            made,
            state,
        )
    except (KeyError, ValueError, TypeError):
        return None


def productions(trail: Iterable[Move]) -> list[int | None]:
    """The versions in production, oldest first, that a rollback can go back through; None: there was none.

    A promotion comes on top, a rollback takes off all that it goes back over.
    """
    stack: list[int | None] = []
    for move in trail:
        if move.state != "done" or move.stage != PRODUCTION:
            continue
        while move.action == "rollback" and stack and stack[-1] != move.version:
            stack.pop()
        if not stack or stack[-1] != move.version:
            stack.append(move.version)
    return stack


def release_before(trail: Iterable[Move], known: Collection[int]) -> int | None:
    """Where a rollback goes: the nearest version before the one in production that is still there."""
    stack = productions(trail)
    here = stack[-1] if stack else None
    return next((each for each in reversed(stack[:-1]) if each in known and each != here), None)


def ever_placed(trail: Iterable[Move]) -> set[int]:
    """The versions that had a stage once."""
    done = [move for move in trail if move.state == "done" and move.action in ("promote", "rollback", "found")]
    return {number for move in done for number in (move.version, move.before) if number is not None}


def under_way(trail: Sequence[Move]) -> list[Move]:
    """The moves that are neither done nor withdrawn."""
    return [move for move in trail if move.state == "under way"]


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(told: str) -> int | None:
    return int(told) if told else None
