"""Makes a move so that it can be broken off anywhere: written down, made step by step, signed off.

Two who move at once see each other: each writes its intent before it looks for another's, and gives way if there is
one. What a killed process has left is settled by whoever comes next.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..errors import RegistryUnavailable, VersionUnknown
from ..processes import alive
from .stages import ARCHIVED, PRODUCTION, Change, Places, changes, is_made
from .trail import PATIENCE, Move, Mover, State, productions, under_way


class Moves(Protocol):
    """The registry as a mover needs it. Every method blocks; raises RegistryUnavailable when it does not answer."""

    def places(self) -> Places:
        """Where versions stand."""
        ...

    def trail(self) -> list[Move]:
        """Every move, oldest first."""
        ...

    def begin(self, move: Move) -> Move:
        """Write an intent down, all in one call."""
        ...

    def apply(self, change: Change) -> None:
        """Take one step; taking it again does no harm. Raises VersionUnknown."""
        ...

    def end(self, move: Move, state: State) -> None:
        """Write down what became of a move."""
        ...


@dataclass(frozen=True)
class Plan:
    """A move that is wanted, and where versions stand after it; what is so already changes nothing."""

    move: Move
    then: Places = field(default_factory=Places)


@dataclass(frozen=True)
class Settled:
    """The trail as it is now, and the moves of killed processes that had happened and were finished just now."""

    trail: list[Move]
    finished: list[Move] = field(default_factory=list)


Planner = Callable[[Places, Settled], Plan]
"""Makes a plan of where versions stand and of the trail; raises PromotionRefused."""


def make(registry: Moves, mover: Mover, planner: Planner) -> tuple[Move, bool]:
    """Settle what was left, plan, and make the move; also gives whether anything had to be changed.

    Raises RegistryUnavailable when somebody else is moving, and whatever the planner raises.
    """
    settled = settle(registry, mover)
    _give_way(under_way(settled.trail))
    now = registry.places()
    plan = planner(now, settled)
    steps = changes(now, plan.then)
    if not steps:
        return plan.move, False
    move = registry.begin(_timed(replace(plan.move, changes=steps), settled.trail))
    try:
        _give_way([each for each in under_way(registry.trail()) if each.id != move.id])
        if registry.places() != now:
            raise RegistryUnavailable("Somebody else has moved a version just now; look at `warrant release list`.")
    except RegistryUnavailable:
        registry.end(move, "withdrawn")
        raise
    for step in steps:
        registry.apply(step)
    registry.end(move, "done")
    return replace(move, state="done"), True


def settle(registry: Moves, mover: Mover) -> Settled:
    """Finish or withdraw what killed processes have left, and bring the trail up to what was moved past Warrant.

    A move that another process is still making is left alone.
    """
    now, trail = _still(registry)
    broken = [move for move in under_way(trail) if is_broken_off(move, mover, time.time())]
    finished = [move for move in broken if _settle(registry, move, now)]
    if len(broken) < len(under_way(trail)):
        return Settled(trail, finished)
    trail = registry.trail() if broken else trail
    stack = productions(trail)
    before = stack[-1] if stack else None
    if before != now.production:
        _find(registry, _timed(Move("found", PRODUCTION, now.production, before, mover), trail))
        trail = registry.trail()
    return Settled(trail, finished)


def is_broken_off(move: Move, mover: Mover, now: float) -> bool:
    """Whether nobody is making a move any more: its process is gone, or has had PATIENCE seconds."""
    here = move.mover.host == mover.host
    return now - move.made / 1000 > PATIENCE or (here and not alive(move.mover.process))


def _settle(registry: Moves, move: Move, now: Places) -> bool:
    """Finish a move if it happened, withdraw it if not."""
    happened = bool(move.changes) and is_made(move.changes[0], now)
    if happened:
        _take(registry, move.changes[1:])
    registry.end(move, "done" if happened else "withdrawn")
    return happened


def _find(registry: Moves, found: Move) -> None:
    """Write down where production is, and set the copies right."""
    stages = ((found.version, PRODUCTION), (found.before, ARCHIVED))
    steps = tuple(Change("stage", str(number), stage) for number, stage in stages if number is not None)
    move = registry.begin(replace(found, changes=steps))
    _take(registry, steps)
    registry.end(move, "done")


def _take(registry: Moves, steps: Iterable[Change]) -> None:
    """Take steps late: a version that was deleted since has nothing to be set right."""
    for step in steps:
        with suppress(VersionUnknown):
            registry.apply(step)


def _timed(move: Move, trail: list[Move]) -> Move:
    """A move of now, and after all that were made before."""
    return replace(move, made=max([int(time.time() * 1000), *(each.made + 1 for each in trail[-1:])]))


def _still(registry: Moves) -> tuple[Places, list[Move]]:
    """Places and trail of one moment: nothing moved while they were read."""
    before = registry.places()
    while True:
        trail = registry.trail()
        now = registry.places()
        if now == before:
            return now, trail
        before = now


def _give_way(others: list[Move]) -> None:
    if others:
        other = others[0]
        told = f"{other.mover.who} began a {other.action} {max(0, time.time() - other.made / 1000):.0f} s ago"
        raise RegistryUnavailable(f"{told}, which is still under way. Try again in a minute.")
