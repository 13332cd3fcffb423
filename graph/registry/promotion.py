"""Promote, roll back, split and shadow versions. Production takes a version only with a warrant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import PromotionRefused, WarrantInvalid
from . import Stage, Version
from .stages import PRODUCTION, SHADOW, Placement, number_of, promoted, with_shadow, with_split, without_shadow
from .transitions import Actor, Reason, Transition, release_before
from .warrant import Warrant, any_signature, refusal
from .write_ahead import Plan, Recovered, perform

if TYPE_CHECKING:
    from .client import Registry


@dataclass(frozen=True)
class TransitionResult:
    """What a command did: the transition, whether it changed anything, and where versions stand now."""

    transition: Transition
    changed: bool
    placement: Placement


@dataclass(frozen=True)
class Override:
    """Promoting a version to production without evidence: why, who answers for it, and the ticket."""

    reason: str
    approver: str
    ticket: str


@dataclass(frozen=True)
class PromotionEvidence:
    """What is offered for a version, if anything; `two_persons`: the approver may not be who promotes it.

    `authenticated` are the names whose keys were checked just now; `sign` adds a signature to a new warrant.
    """

    warrant: Warrant | None = None
    override: Override | None = None
    two_persons: bool = False
    authenticated: frozenset[str] = frozenset()
    sign: Callable[[Warrant], Warrant] = lambda warrant: warrant


def promote(
    registry: "Registry",
    actor: Actor,
    name: str,
    stage: Stage,
    reason: Reason,
    evidence: PromotionEvidence | None = None,
) -> TransitionResult:
    """Put a version into a stage; raises PromotionRefused when production needs a warrant that it does not have."""
    placement = registry.placement()
    number = number_of(name, placement)
    version = registry.version(number)
    warrant = None
    if stage == PRODUCTION:
        warrant = require_warrant(registry, version, evidence, actor, placement)
    given = Reason(reason.ticket, reason.note, warrant.digest if warrant else "")

    def plan(now: Placement, recovered: Recovered) -> Plan:
        if warrant:
            check_champion(warrant, number, now)
        transition = Transition("promote", stage, number, now.aliases.get(stage), actor, given)
        return Plan(transition, promoted(now, number, stage))

    return _result(registry, actor, plan)


def roll_back(registry: "Registry", actor: Actor, reason: Reason, only_from: str = "") -> TransitionResult:
    """Put the previous release back into production; raises PromotionRefused when there is none.

    An interrupted rollback is finished, and nothing more is done. `only_from`: only if this version is in production;
    giving it makes the command safe to repeat.
    """
    known = {version.number for version in registry.versions()}

    def plan(now: Placement, recovered: Recovered) -> Plan:
        if interrupted := [each for each in recovered.finished if each.action == "rollback"]:
            return Plan(interrupted[-1], now)
        if done := _rolled_back_already(now, recovered.transitions, only_from):
            return Plan(done, now)
        number = release_before(recovered.transitions, known)
        if number is None:
            raise PromotionRefused(f"There is no release before {_named(now.production)} to go back to.")
        given = Reason(reason.ticket, reason.note, require_warrant(registry, registry.version(number)).digest)
        transition = Transition("rollback", PRODUCTION, number, now.production, actor, given)
        return Plan(transition, promoted(now, number, PRODUCTION))

    return _result(registry, actor, plan)


def split(registry: "Registry", actor: Actor, named: Mapping[str, float], reason: Reason) -> TransitionResult:
    """Give shares of production's questions to other versions, which need a warrant too; none: to no other."""
    placement = registry.placement()
    shares = {number_of(name, placement): share for name, share in named.items()}
    if len(shares) < len(named):
        raise PromotionRefused("A version has one share; one of them was named twice.")

    def plan(now: Placement, recovered: Recovered) -> Plan:
        then = with_split(now, shares)
        for number in shares:
            require_warrant(registry, registry.version(number))
        detail = ", ".join(f"v{number}={share:g}" for number, share in sorted(shares.items())) or "off"
        return Plan(Transition("split", "split", None, None, actor, reason, detail), then)

    return _result(registry, actor, plan)


def shadow(registry: "Registry", actor: Actor, name: str, share: float, reason: Reason) -> TransitionResult:
    """Let a version answer a share of production's questions unseen; an empty name: let none."""
    number = number_of(name, registry.placement()) if name else None
    if number is not None:
        registry.version(number)

    def plan(now: Placement, recovered: Recovered) -> Plan:
        then = without_shadow(now) if number is None else with_shadow(now, number, share)
        detail = "off" if number is None else f"{share:g}"
        return Plan(Transition("shadow", SHADOW, number, now.aliases.get(SHADOW), actor, reason, detail), then)

    return _result(registry, actor, plan)


def require_warrant(
    registry: "Registry",
    version: Version,
    evidence: PromotionEvidence | None = None,
    actor: Actor | None = None,
    placement: Placement | None = None,
) -> Warrant:
    """The warrant that allows a version in production; evidence that is offered and valid is stored with it.

    With `placement` the version must have been compared with what is in production there. Raises PromotionRefused when
    neither the stored warrant nor the one that is offered allows it.
    """
    evidence = evidence or PromotionEvidence()
    held, offered = _stored_warrant(registry, version, evidence), evidence.warrant
    if offered is None and evidence.override and refusal(held, version.digest, registry.is_signed, registry.rules):
        offered = _override_warrant(version, evidence.override)
    if offered and actor:
        offered = _authored(registry, offered, actor, evidence)
    warrant = offered or held
    why_not = refusal(warrant, version.digest, registry.is_signed, registry.rules)
    if warrant is None or why_not:
        raise PromotionRefused(
            f"v{version.number} may not answer for production: {why_not}. Give its evidence with --dataset, --verdict "
            "or --warrant (see `warrant promote --help`), or answer for it with --override REASON."
        )
    if placement:
        check_champion(warrant, version.number, placement)
    if actor and (evidence.two_persons or registry.rules.two_persons):
        _check_two_persons(version, warrant, actor, evidence)
    if offered and (held is None or held.digest != offered.digest):
        registry.store(version, offered)
    return warrant


def _authored(registry: "Registry", offered: Warrant, actor: Actor, evidence: PromotionEvidence) -> Warrant:
    """An offered warrant with who promotes by it, and a new signature.

    Who it says was authenticated before counts only if a signature proves that it was not written by hand.
    """
    proven = registry.is_signed is not any_signature and registry.is_signed(offered)
    names = {*evidence.authenticated, *(offered.authenticated if proven else ())}
    known = tuple(sorted(names & {actor.who, offered.approver}))
    return evidence.sign(offered.model_copy(update={"author": actor.who, "authenticated": known}))


def _check_two_persons(version: Version, warrant: Warrant, actor: Actor, evidence: PromotionEvidence) -> None:
    """Raises PromotionRefused unless who promotes and who approved are two, and both are known by their keys."""
    known = {*evidence.authenticated, *warrant.authenticated}
    if warrant.approver.casefold() in (actor.who.casefold(), warrant.author.casefold()):
        why = f"it was approved by {warrant.approver}, and is promoted by the same person"
    elif unknown := [name for name in (actor.who, warrant.approver) if name not in known]:
        why = f"{unknown[0]} is not known by a key of WARRANT_KEYS (WARRANT_KEY, WARRANT_APPROVER_KEY)"
    else:
        return
    raise PromotionRefused(
        f"v{version.number} was not promoted: {why}. Two persons are asked for, one who approves and one who promotes."
    )


def check_champion(warrant: Warrant, number: int, now: Placement) -> None:
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


def check_logged(version: Version) -> None:
    """Raises PromotionRefused when a version has no digest that a warrant could name."""
    if not version.digest:
        raise PromotionRefused(f"v{version.number} was not logged by `warrant release log`: it has no digest.")


def _override_warrant(version: Version, given: Override) -> Warrant:
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


def _stored_warrant(registry: "Registry", version: Version, evidence: PromotionEvidence) -> Warrant | None:
    """The version's warrant; one that cannot be read is replaced by what is offered, if anything is."""
    try:
        return registry.warrant(version)
    except WarrantInvalid:
        if evidence.warrant or evidence.override:
            return None
        raise


def _result(registry: "Registry", actor: Actor, plan: Callable[[Placement, Recovered], Plan]) -> TransitionResult:
    transition, changed = perform(registry, actor, plan)
    return TransitionResult(transition, changed, registry.placement())


def _rolled_back_already(now: Placement, transitions: Sequence[Transition], only_from: str) -> Transition | None:
    """The last rollback, if it was from this version; raises PromotionRefused when another one is in production."""
    if not only_from or (now.production and number_of(only_from, now) == now.production):
        return None
    last = [each for each in transitions if each.stage == PRODUCTION and each.state == "done"][-1:]
    if last and last[0].action == "rollback" and last[0].before == number_of(only_from, now):
        return last[0]
    here = "no version is" if now.production is None else f"{_named(now.production)} is"
    raise PromotionRefused(f"{_named(number_of(only_from, now))} is not in production, {here}. Nothing was moved.")


def _named(number: int | None) -> str:
    return "now" if number is None else f"v{number}"
