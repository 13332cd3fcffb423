"""Makes a transition that survives a crash at any point: written down, applied change by change, closed.

Two processes that do this at once see each other: each writes its intent before it looks for another's, and gives way
if there is one. What a killed process has left is finished or withdrawn by whoever comes next.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..errors import RegistryUnavailable, VersionUnknown
from ..processes import alive
from .stages import ARCHIVED, PRODUCTION, Placement, RegistryChange, changes, is_applied
from .transitions import ABANDONED_AFTER, Actor, Transition, productions, under_way

if TYPE_CHECKING:
    from .client import Registry


@dataclass(frozen=True)
class Plan:
    """A transition that is wanted, and where versions stand after it; what is so already changes nothing."""

    transition: Transition
    then: Placement = field(default_factory=Placement)


@dataclass(frozen=True)
class Recovered:
    """Every transition until now, and those of killed processes that had taken effect and were finished just now."""

    transitions: list[Transition]
    finished: list[Transition] = field(default_factory=list)


Planner = Callable[[Placement, Recovered], Plan]
"""Makes a plan from where versions stand and from the transitions; raises PromotionRefused."""


def perform(registry: "Registry", actor: Actor, planner: Planner) -> tuple[Transition, bool]:
    """Recover what was left, plan, and make the transition; also gives whether anything had to be changed.

    Raises RegistryUnavailable when somebody else's transition is under way, and whatever the planner raises.
    """
    recovered = recover(registry, actor)
    _give_way(under_way(recovered.transitions))
    now = registry.placement()
    plan = planner(now, recovered)
    steps = changes(now, plan.then)
    if not steps:
        return plan.transition, False
    begun = registry.begin(_timed(replace(plan.transition, changes=steps), recovered.transitions))
    try:
        _give_way([each for each in under_way(registry.transitions()) if each.id != begun.id])
        if registry.placement() != now:
            raise RegistryUnavailable("Somebody else has moved a version just now; look at `warrant release list`.")
    except RegistryUnavailable:
        registry.end(begun, "withdrawn")
        raise
    for step in steps:
        registry.apply(step)
    registry.end(begun, "done")
    return replace(begun, state="done"), True


def recover(registry: "Registry", actor: Actor) -> Recovered:
    """Finish or withdraw what killed processes have left, and record what was moved without Warrant.

    A transition that another process is still making is left alone.
    """
    now, transitions = _consistent_read(registry)
    abandoned = [each for each in under_way(transitions) if is_abandoned(each, actor, time.time())]
    finished = [each for each in abandoned if _finish_or_withdraw(registry, each, now)]
    if len(abandoned) < len(under_way(transitions)):
        return Recovered(transitions, finished)
    transitions = registry.transitions() if abandoned else transitions
    before = (productions(transitions) or [None])[-1]
    if before != now.production:
        found = Transition("found", PRODUCTION, now.production, before, actor)
        _record_found(registry, _timed(found, transitions))
        transitions = registry.transitions()
    return Recovered(transitions, finished)


def is_abandoned(transition: Transition, actor: Actor, now: float) -> bool:
    """Whether nobody is making it any more: its process is gone, or has had ABANDONED_AFTER seconds."""
    here = transition.actor.host == actor.host
    return now - transition.made / 1000 > ABANDONED_AFTER or (here and not alive(transition.actor.process))


def _finish_or_withdraw(registry: "Registry", transition: Transition, now: Placement) -> bool:
    """Finish a transition if it took effect, withdraw it if not."""
    effective = bool(transition.changes) and is_applied(transition.changes[0], now)
    if effective:
        _apply_late(registry, transition.changes[1:])
    registry.end(transition, "done" if effective else "withdrawn")
    return effective


def _record_found(registry: "Registry", found: Transition) -> None:
    """Write down where production is, and correct the copies of the stages."""
    stages = ((found.version, PRODUCTION), (found.before, ARCHIVED))
    steps = tuple(RegistryChange("stage", str(number), stage) for number, stage in stages if number is not None)
    begun = registry.begin(replace(found, changes=steps))
    _apply_late(registry, steps)
    registry.end(begun, "done")


def _apply_late(registry: "Registry", steps: Iterable[RegistryChange]) -> None:
    """Apply changes of an earlier transition: a version that was deleted since needs none."""
    for step in steps:
        with suppress(VersionUnknown):
            registry.apply(step)


def _timed(transition: Transition, earlier: list[Transition]) -> Transition:
    """A transition of now, and after all that were made before."""
    return replace(transition, made=max([int(time.time() * 1000), *(each.made + 1 for each in earlier[-1:])]))


def _consistent_read(registry: "Registry") -> tuple[Placement, list[Transition]]:
    """Placement and transitions of one moment: nothing changed while they were read."""
    before = registry.placement()
    while True:
        transitions = registry.transitions()
        now = registry.placement()
        if now == before:
            return now, transitions
        before = now


def _give_way(others: list[Transition]) -> None:
    if others:
        other = others[0]
        seconds = max(0, time.time() - other.made / 1000)
        raise RegistryUnavailable(
            f"{other.actor.who} began a {other.action} {seconds:.0f} s ago, which is still under way. "
            "Try again in a minute."
        )
