"""What could not be loaded to be served: what is told of it, and when it is tried again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import TTLCache

from graph.errors import PackageBroken, PromotionRefused, RegistryError, RegistryUnavailable, VersionUnknown

PAUSES = (5.0, 20.0, 60.0, 300.0)
"""Seconds after which what could not be loaded is tried again, by how often it failed."""
REMEMBERED = 1000
"""Pinned versions of which it is remembered, for the first of the pauses, that they cannot be loaded."""


@dataclass(frozen=True)
class Failure:
    """What could not be loaded on a track; `again` is when it is tried again, on the monotonic clock."""

    told: str
    times: int
    again: float
    refused: bool
    """Whether it may not be served, rather than cannot be."""


class Failures:
    """What could not be loaded, by track and name: `v3`, or a Snapshot's."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, str], Failure] = {}
        self._pins: TTLCache[int, tuple[type[Exception], str]] = TTLCache(REMEMBERED, PAUSES[0])
        self.count = 0

    @property
    def told(self) -> list[str]:
        """A sentence for each."""
        return [failure.told for failure in self._now.values()]

    def note(self, track: str, name: str, error: Exception) -> str:
        """Keep a failure; what is told of it."""
        before = self._now.get((track, name))
        times = before.times + 1 if before else 1
        again = time.monotonic() + PAUSES[min(times, len(PAUSES)) - 1]
        told = f"{track}: {_told(name, error)}"
        self._now[track, name] = Failure(told, times, again, isinstance(error, PromotionRefused))
        self.count += 1
        return told

    def waits(self, track: str, name: str) -> bool:
        """Whether it is too early to try again."""
        failure = self._now.get((track, name))
        return failure is not None and time.monotonic() < failure.again

    def refused(self, track: str, name: str) -> bool:
        """Whether it may not be served on a track."""
        failure = self._now.get((track, name))
        return failure is not None and failure.refused

    def settle(self, track: str, name: str) -> None:
        """Forget a failure: it is there."""
        self._now.pop((track, name), None)

    def only(self, wanted: Mapping[str, str]) -> None:
        """Forget what is not wanted any more."""
        self._now = {key: found for key, found in self._now.items() if wanted.get(key[0]) == key[1]}

    def pin(self, number: int, error: Exception) -> Exception:
        """Remember for a moment that a pinned version cannot be loaded; what to raise."""
        plain = isinstance(error, RegistryError) and not isinstance(error, PromotionRefused)
        raised = error if plain else PackageBroken(_told(f"v{number}", error))
        if not isinstance(error, RegistryUnavailable):
            self._pins[number] = (type(raised), str(raised))
        if not isinstance(error, RegistryUnavailable | VersionUnknown):
            self.count += 1
        return raised

    def pinned(self, number: int) -> Exception | None:
        """What to raise for a pinned version that could not be loaded a moment ago."""
        found = self._pins.get(number)
        return found[0](found[1]) if found else None


def _told(name: str, error: Exception) -> str:
    """What an error of another kind says may hold a path; the log has it."""
    return str(error) if isinstance(error, PromotionRefused) else f"{name} cannot be opened: {type(error).__name__}."
