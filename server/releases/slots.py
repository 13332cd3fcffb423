"""A slot: one version as it is loaded in this process. Whoever answers takes one and ends with it."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from graph.agent import Agent
from graph.registry.stages import PRODUCTION
from server.errors import Refused, refuse

PINNED = re.compile(r"v([1-9][0-9]{0,8})")
Standing = Literal["local", "warranted", "override", "unchecked"]
"""How a version stands: the environment's own release; with a warrant; let through by override; none is needed."""


OPEN: tuple[Standing, ...] = ("local", "warranted", "override")
"""How a version stands that every caller may ask by its number."""


@dataclass(frozen=True, eq=False)
class Slot:
    """`version` is the number as text, empty without a registry; `reason` is why an override was given."""

    version: str
    agent: Agent
    standing: Standing = "local"
    reason: str = ""
    digest: str = ""
    held: object = field(default=None, repr=False)


@dataclass(frozen=True)
class Candidate:
    """A version that is asked a `share`, 0 to 1, of the live questions."""

    version: str
    agent: Agent
    share: float


def pinned_number(track: str) -> int | None:
    """The version that a track pins; None when it follows an alias."""
    found = PINNED.fullmatch(track)
    return int(found.group(1)) if found else None


def nothing_there(track: str) -> Refused:
    """What a caller is told who asks for a track that has nothing."""
    number = pinned_number(track)
    if number is not None:
        return refuse(404, f"There is no version {number} here.", "version_unknown")
    if track == PRODUCTION:
        return refuse(503, "Nothing is in production yet. Ask again.", "nothing_served")
    return refuse(404, f"Nothing is in {track} just now.", "nothing_served")


def place_of(name: str) -> float:
    """Where a name lies in [0, 1), the same in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
