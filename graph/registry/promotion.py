"""What people do with versions: promote, roll back, split, shadow. Production is let in by its warrant alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import PromotionRefused
from . import Stage, Version
from .admission import Evidence, Keeps, check_champion, let_in
from .moving import Moves, Plan, Settled, make
from .stages import PRODUCTION, SHADOW, Places, number_of, promoted, with_shadow, with_split, without_shadow
from .trail import Move, Mover, Why, release_before


class Promotes(Moves, Keeps, Protocol):
    """A registry whose versions hold warrants. Every method blocks; raises RegistryUnavailable."""

    def version(self, number: int) -> Version:
        """A version; raises VersionUnknown."""
        ...

    def versions(self) -> list[Version]:
        """Every version, newest first."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a command did: the move, whether it changed anything, and where versions stand now."""

    move: Move
    changed: bool
    places: Places


def promote(
    registry: Promotes, mover: Mover, told: str, stage: Stage, why: Why, evidence: Evidence | None = None
) -> Outcome:
    """Let a version take a stage; raises PromotionRefused when its warrant does not let it into production."""
    places = registry.places()
    number = number_of(told, places)
    version = registry.version(number)
    warrant = None
    if stage == PRODUCTION:
        warrant = let_in(registry, version, evidence or Evidence(), mover, places)
    given = Why(why.ticket, why.note, warrant.digest if warrant else "")

    def plan(now: Places, settled: Settled) -> Plan:
        if warrant:
            check_champion(warrant, number, now)
        move = Move("promote", stage, number, now.aliases.get(stage), mover, given)
        return Plan(move, promoted(now, number, stage))

    return _outcome(registry, mover, plan)


def roll_back(registry: Promotes, mover: Mover, why: Why, only_from: str = "") -> Outcome:
    """Put the release before back into production; raises PromotionRefused when there is none.

    A rollback that was broken off is finished, and nothing more. `only_from`: only if this version is in production;
    what was rolled back last is not rolled back again.
    """
    known = {version.number for version in registry.versions()}

    def plan(now: Places, settled: Settled) -> Plan:
        if broken := [move for move in settled.finished if move.action == "rollback"]:
            return Plan(broken[-1], now)
        if made := _made_before(now, settled.trail, only_from):
            return Plan(made, now)
        number = release_before(settled.trail, known)
        if number is None:
            raise PromotionRefused(f"There is no release before {_named(now.production)} to go back to.")
        given = Why(why.ticket, why.note, let_in(registry, registry.version(number)).digest)
        move = Move("rollback", PRODUCTION, number, now.production, mover, given)
        return Plan(move, promoted(now, number, PRODUCTION))

    return _outcome(registry, mover, plan)


def split(registry: Promotes, mover: Mover, told: Mapping[str, float], why: Why) -> Outcome:
    """Give shares of production's questions to other versions, which need a warrant too; none: to no other."""
    places = registry.places()
    shares = {number_of(name, places): share for name, share in told.items()}
    if len(shares) < len(told):
        raise PromotionRefused("A version has one share; one of them was named twice.")

    def plan(now: Places, settled: Settled) -> Plan:
        then = with_split(now, shares)
        for number in shares:
            let_in(registry, registry.version(number))
        detail = ", ".join(f"v{number}={share:g}" for number, share in sorted(shares.items())) or "off"
        return Plan(Move("split", "split", None, None, mover, why, detail), then)

    return _outcome(registry, mover, plan)


def shadow(registry: Promotes, mover: Mover, told: str, share: float, why: Why) -> Outcome:
    """Let a version answer a share of production's questions unseen; an empty name: let none."""
    number = number_of(told, registry.places()) if told else None
    if number is not None:
        registry.version(number)

    def plan(now: Places, settled: Settled) -> Plan:
        then = without_shadow(now) if number is None else with_shadow(now, number, share)
        detail = "off" if number is None else f"{share:g}"
        return Plan(Move("shadow", SHADOW, number, now.aliases.get(SHADOW), mover, why, detail), then)

    return _outcome(registry, mover, plan)


def _outcome(registry: Promotes, mover: Mover, plan: Callable[[Places, Settled], Plan]) -> Outcome:
    move, changed = make(registry, mover, plan)
    return Outcome(move, changed, registry.places())


def _made_before(now: Places, trail: Sequence[Move], told: str) -> Move | None:
    """The rollback from a named version, if it was made last; raises PromotionRefused when another is in production."""
    if not told or (now.production and number_of(told, now) == now.production):
        return None
    last = [move for move in trail if move.stage == PRODUCTION and move.state == "done"][-1:]
    if last and last[0].action == "rollback" and last[0].before == number_of(told, now):
        return last[0]
    here = "no version is" if now.production is None else f"{_named(now.production)} is"
    raise PromotionRefused(f"{_named(number_of(told, now))} is not in production, {here}. Nothing was moved.")


def _named(number: int | None) -> str:
    return "now" if number is None else f"v{number}"
