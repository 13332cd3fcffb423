"""Whether a version may answer for production: its warrant, who approved it, and what it was compared with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from ..errors import PromotionRefused, WarrantInvalid
from . import Version
from .stages import Places
from .trail import Mover
from .warrant import Warrant, refusal


class Keeps(Protocol):
    """A registry whose versions hold warrants. Every method blocks; raises RegistryUnavailable."""

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
    """What is offered for a version, if anything; `two_persons`: who moves it may not be who approved it."""

    warrant: Warrant | None = None
    override: Override | None = None
    two_persons: bool = False


def let_in(
    registry: Keeps,
    version: Version,
    evidence: Evidence | None = None,
    mover: Mover | None = None,
    places: Places | None = None,
) -> Warrant:
    """The warrant that lets a version into production; what is offered and holds is stored with it.

    With `places` it has to have been compared with what is in production there. Raises PromotionRefused when neither
    the warrant that it has nor the one that is offered lets it in.
    """
    evidence = evidence or Evidence()
    held, offered = _held(registry, version, evidence), evidence.warrant
    if offered is None and evidence.override and refusal(held, version.digest):
        offered = override(version, evidence.override)
    why_not = refusal(offered or held, version.digest)
    if why_not:
        raise PromotionRefused(
            f"v{version.number} may not answer for production: {why_not}. Give its evidence with --dataset, --verdict "
            "or --warrant (see `warrant promote --help`), or answer for it with --override REASON."
        )
    warrant = offered or held
    assert warrant is not None
    if places:
        check_champion(warrant, version.number, places)
    if mover and evidence.two_persons and same_person(mover.who, warrant.approver):
        raise PromotionRefused(
            f"v{version.number} was approved by {warrant.approver}, and is promoted by {mover.who}: two persons are "
            "asked for, one who approves and one who promotes."
        )
    if offered and (held is None or held.digest != offered.digest):
        registry.store(version, offered)
    return warrant


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: `ann` is `Ann` and `ann@laptop`, but `ann@a` is not `ann@b`."""
    names = [name.strip().casefold() for name in (one, other)]
    bare = [name.partition("@")[0] for name in names]
    return names[0] == names[1] or (bare[0] == bare[1] and bare != names)


def check_champion(warrant: Warrant, number: int, now: Places) -> None:
    """Raises PromotionRefused when a release was compared with another one than is in production now."""
    compared = warrant.champion.version if warrant.champion else None
    by_hand = warrant.evidence is None and compared is None
    if warrant.verdict == "override" or by_hand or now.production in (number, compared):
        return
    against = "no other" if compared is None else f"v{compared}"
    here = "none is" if now.production is None else f"v{now.production} is"
    raise PromotionRefused(
        f"v{number} was compared with {against}, and {here} in production now. Evaluate it again: its evidence is old."
    )


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


def _held(registry: Keeps, version: Version, evidence: Evidence) -> Warrant | None:
    """What a version has; one that cannot be read is replaced by what is offered, if anything is."""
    try:
        return registry.warrant(version)
    except WarrantInvalid:
        if evidence.warrant or evidence.override:
            return None
        raise
