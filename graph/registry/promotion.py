"""What people do with versions: promote, roll back, split, shadow. Production is let in by its warrant alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ..errors import PromotionRefused, WarrantInvalid
from . import Stage, Version
from .moving import Moves, Plan, Settled, make
from .stages import PRODUCTION, SHADOW, Places, number_of, promoted, with_shadow, with_split, without_shadow
from .trail import Move, Mover, Why, release_before
from .warrant import Warrant, refusal


class Promotes(Moves, Protocol):
    """A registry whose versions hold warrants. Every method blocks; raises RegistryUnavailable."""

    def version(self, number: int) -> Version:
        """A version; raises VersionUnknown."""
        ...

    def versions(self) -> list[Version]:
        """Every version, newest first."""
        ...

    def warrant(self, version: Version) -> Warrant | None:
        """The evidence that was stored with the version; raises WarrantInvalid."""
        ...

    def store(self, version: Version, warrant: Warrant) -> None:
        """Store the evidence with a version; raises WarrantInvalid."""
        ...


@dataclass(frozen=True)
class Override:
    """Letting a version into production without evidence: why, who answers for it, and the ticket."""

    reason: str
    approver: str
    ticket: str


@dataclass(frozen=True)
class Evidence:
    """What is offered for a version, if anything."""

    warrant: Warrant | None = None
    override: Override | None = None


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
    number = number_of(told, registry.places())
    version = registry.version(number)
    digest = _let_in(registry, version, evidence or Evidence()) if stage == PRODUCTION else ""
    given = Why(why.ticket, why.note, digest)

    def plan(now: Places, settled: Settled) -> Plan:
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
        given = Why(why.ticket, why.note, _let_in(registry, registry.version(number), Evidence()))
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
            _let_in(registry, registry.version(number), Evidence())
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


def _let_in(registry: Promotes, version: Version, evidence: Evidence) -> str:
    """The digest of the warrant that lets a version into production; what is offered and holds is stored with it.

    Raises PromotionRefused when neither the one that it has nor the one that is offered does.
    """
    held = _held(registry, version, evidence)
    offered = evidence.warrant
    if offered is None and evidence.override and refusal(held, version.digest):
        offered = override(version, evidence.override)
    why_not = refusal(offered or held, version.digest)
    if why_not:
        raise PromotionRefused(
            f"v{version.number} may not answer for production: {why_not}. Give its evidence with --warrant FILE "
            "(see `warrant release sign`), or answer for it with --override REASON."
        )
    warrant = offered or held
    assert warrant is not None
    if offered and (held is None or held.digest != offered.digest):
        registry.store(version, offered)
    return warrant.digest


def override(version: Version, given: Override) -> Warrant:
    """A warrant without evidence, for an emergency; raises PromotionRefused for what has no digest."""
    check_logged(version)
    return Warrant(
        release=version.digest,
        verdict="override",
        reason=given.reason,
        judge=given.approver,
        approver=given.approver,
        ticket=given.ticket,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def check_logged(version: Version) -> None:
    """Raises PromotionRefused when a version has no digest that a warrant could name."""
    if not version.digest:
        raise PromotionRefused(f"v{version.number} was not logged by `warrant release log`: it has no digest.")


def _held(registry: Promotes, version: Version, evidence: Evidence) -> Warrant | None:
    """What a version has; one that cannot be read is replaced by what is offered, if anything is."""
    try:
        return registry.warrant(version)
    except WarrantInvalid:
        if evidence.warrant or evidence.override:
            return None
        raise


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
