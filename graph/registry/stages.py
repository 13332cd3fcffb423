"""Where versions stand, and what a transition makes of it; pure, knows no registry.

The aliases are the truth. A version has one stage: `production`, `staging`, or `archived` when it had one once;
the alias `archived` names the one that left production last.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ..errors import PromotionRefused, RegistryUnavailable, VersionUnknown
from . import Stage

PRODUCTION: Stage = "production"
STAGING: Stage = "staging"
ARCHIVED, SHADOW = "archived", "shadow"
STANDING = (PRODUCTION, STAGING, ARCHIVED)
"""Aliases that are stages; the first that names a version is its stage."""
SPLIT_TAG, SHADOW_TAG = "warrant.split", "warrant.shadow"


class RegistryChange(NamedTuple):
    """One change, which may be applied again: an alias, a tag of the model, or the copy of a version's stage.

    `name` is the alias, the tag or the version's number; without a `value` it is taken away.
    """

    kind: Literal["alias", "tag", "stage"]
    name: str
    value: str | None


@dataclass(frozen=True)
class Placement:
    """The numbers of versions by alias, and the tags of the model that speak of traffic."""

    aliases: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def production(self) -> int | None:
        return self.aliases.get(PRODUCTION)

    @property
    def split(self) -> dict[int, float]:
        """The shares of production's questions that other versions answer; raises RegistryUnavailable."""
        try:
            return {int(number): float(share) for number, share in json.loads(self.tags.get(SPLIT_TAG, "{}")).items()}
        except (ValueError, TypeError, AttributeError):
            raise RegistryUnavailable(
                f"The model's tag {SPLIT_TAG} cannot be read; set it with `warrant split`."
            ) from None

    @property
    def shadow(self) -> tuple[int, float] | None:
        """The shadow version, and its share of the questions; raises RegistryUnavailable."""
        number = self.aliases.get(SHADOW)
        try:
            return (number, float(self.tags.get(SHADOW_TAG, "1"))) if number else None
        except ValueError:
            raise RegistryUnavailable(
                f"The model's tag {SHADOW_TAG} cannot be read; set it with `warrant shadow`."
            ) from None

    def stage(self, number: int) -> str:
        """The stage that an alias gives a version; empty when none does."""
        return next((stage for stage in STANDING if self.aliases.get(stage) == number), "")


def number_of(name: str, placement: Placement) -> int:
    """The version that `12`, `v12` or an alias names; raises VersionUnknown."""
    if re.fullmatch(r"v?[1-9][0-9]{0,8}", name):
        return int(name.removeprefix("v"))
    if name not in placement.aliases:
        known = ", ".join(sorted(placement.aliases)) or "none yet"
        raise VersionUnknown(f"A version is a number such as 12 or v12, or an alias ({known}); {name!r} is neither.")
    return placement.aliases[name]


def promoted(now: Placement, number: int, stage: Stage) -> Placement:
    """A version takes a stage and leaves the one that it had; raises PromotionRefused when that is production."""
    if stage != PRODUCTION and now.production == number:
        raise PromotionRefused(f"v{number} is in production, and a version has one stage. Promote another one first.")
    before = now.aliases.get(stage)
    aliases = {alias: each for alias, each in now.aliases.items() if each != number or alias not in STANDING}
    if stage == PRODUCTION and before not in (None, number):
        aliases[ARCHIVED] = before
    then = replace(now, aliases={**aliases, stage: number})
    return _by_itself(then, number) if stage == PRODUCTION else then


def with_split(now: Placement, shares: Mapping[int, float]) -> Placement:
    """Give shares of production's questions to other versions; none: production answers all.

    Raises PromotionRefused when there is no production, or it is among them, or nothing would be left to it.
    """
    if shares:
        _beside_production(now, shares)
    if not all(0 < share < 1 for share in shares.values()) or sum(shares.values()) >= 1:
        raise PromotionRefused("Shares are above 0 and together below 1; production answers the rest.")
    text = json.dumps({str(number): share for number, share in sorted(shares.items())})
    return replace(now, tags=_tagged(now, SPLIT_TAG, text if shares else None))


def with_shadow(now: Placement, number: int, share: float) -> Placement:
    """Let a version answer a share of the questions unseen; raises PromotionRefused."""
    _beside_production(now, [number])
    if not 0 < share <= 1:
        raise PromotionRefused(f"A share is above 0 and at most 1; {share:g} is not.")
    return Placement({**now.aliases, SHADOW: number}, _tagged(now, SHADOW_TAG, f"{share:g}"))


def without_shadow(now: Placement) -> Placement:
    """Stop the shadow."""
    aliases = {alias: number for alias, number in now.aliases.items() if alias != SHADOW}
    return Placement(aliases, _tagged(now, SHADOW_TAG, None))


def changes(now: Placement, then: Placement) -> tuple[RegistryChange, ...]:
    """The steps from one to the other. The first decides: once it is applied the transition has taken effect."""
    order = [*STANDING, SHADOW]
    aliases = sorted(
        (name for name in _different(now.aliases, then.aliases) if name in order),
        key=lambda name: (name not in then.aliases, order.index(name)),
    )
    return (
        *(RegistryChange("alias", name, _text(then.aliases.get(name))) for name in aliases),
        *(RegistryChange("tag", name, then.tags.get(name)) for name in sorted(_different(now.tags, then.tags))),
        *(RegistryChange("stage", str(number), stage) for number, stage in _stages(now, then)),
    )


def is_applied(change: RegistryChange, now: Placement) -> bool:
    """Whether a change was applied; a copy of a stage is never the truth, so that it is applied again."""
    if change.kind == "alias":
        return _text(now.aliases.get(change.name)) == change.value
    return change.kind == "tag" and now.tags.get(change.name) == change.value


def _beside_production(now: Placement, numbers: Iterable[int]) -> None:
    if now.production is None:
        raise PromotionRefused("No version is in production; promote one first.")
    if now.production in numbers:
        raise PromotionRefused(f"v{now.production} is in production; name another version.")


def _by_itself(now: Placement, number: int) -> Placement:
    """What is in production is neither in the split nor the shadow."""
    if now.aliases.get(SHADOW) == number:
        now = without_shadow(now)
    shares = now.split
    return with_split(now, {each: share for each, share in shares.items() if each != number}) if shares else now


def _stages(now: Placement, then: Placement) -> list[tuple[int, str]]:
    """The stages of the versions that the transition touches; what has none any more is archived."""
    touched = {each.aliases[name] for each in (now, then) for name in STANDING if name in each.aliases}
    return [(each, then.stage(each) or ARCHIVED) for each in sorted(touched) if now.stage(each) != then.stage(each)]


def _different(now: Mapping[str, object], then: Mapping[str, object]) -> set[str]:
    return {name for name in {*now, *then} if now.get(name) != then.get(name)}


def _tagged(now: Placement, name: str, value: str | None) -> dict[str, str]:
    tags = {each: text for each, text in now.tags.items() if each != name}
    return tags if value is None else {**tags, name: value}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
