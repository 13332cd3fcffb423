"""Versions and Snapshots that could not be loaded: their messages, and when each is tried again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import TTLCache

from graph.errors import PackageBroken, PromotionRefused, RegistryError, RegistryUnavailable, VersionUnknown

PAUSES = (5.0, 20.0, 60.0, 300.0)
"""Seconds before the next try, by the number of failures so far."""
CACHED_PINS = 1000
"""Failures of pinned versions that are cached, each for the first of the pauses."""


@dataclass(frozen=True)
class LoadFailure:
    """A failed load; `retry_at` is on the monotonic clock, `refused`: it may not be served, rather than cannot be."""

    message: str
    times: int
    retry_at: float
    refused: bool


class LoadFailures:
    """Current failures by target and name: a version such as `v3`, or a Snapshot."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], LoadFailure] = {}
        self._pins: TTLCache[int, tuple[type[Exception], str]] = TTLCache(CACHED_PINS, PAUSES[0])
        self.count = 0

    @property
    def messages(self) -> list[str]:
        """A sentence for each failure."""
        return [failure.message for failure in self._current.values()]

    def record(self, target: str, name: str, error: Exception) -> str:
        """Record a failure; returns its message."""
        before = self._current.get((target, name))
        times = before.times + 1 if before else 1
        retry_at = time.monotonic() + PAUSES[min(times, len(PAUSES)) - 1]
        message = f"{target}: {_message(name, error)}"
        self._current[target, name] = LoadFailure(message, times, retry_at, isinstance(error, PromotionRefused))
        self.count += 1
        return message

    def backing_off(self, target: str, name: str) -> bool:
        """Whether it is too early to try again."""
        failure = self._current.get((target, name))
        return failure is not None and time.monotonic() < failure.retry_at

    def refused(self, target: str, name: str) -> bool:
        """Whether it may not be served on a target."""
        failure = self._current.get((target, name))
        return failure is not None and failure.refused

    def clear(self, target: str, name: str) -> None:
        """Forget a failure: it is loaded."""
        self._current.pop((target, name), None)

    def keep_only(self, wanted: Mapping[str, str]) -> None:
        """Forget the failures of what is not wanted any more; `wanted` maps targets to names."""
        self._current = {key: failure for key, failure in self._current.items() if wanted.get(key[0]) == key[1]}

    def record_pin(self, number: int, error: Exception) -> Exception:
        """Cache the failure of a pinned version; returns the exception to raise."""
        plain = isinstance(error, RegistryError) and not isinstance(error, PromotionRefused)
        raised = error if plain else PackageBroken(_message(f"v{number}", error))
        if not isinstance(error, RegistryUnavailable):
            self._pins[number] = (type(raised), str(raised))
        if not isinstance(error, RegistryUnavailable | VersionUnknown):
            self.count += 1
        return raised

    def pin_failure(self, number: int) -> Exception | None:
        """The exception to raise for a pinned version that failed a moment ago."""
        found = self._pins.get(number)
        return found[0](found[1]) if found else None


def _message(name: str, error: Exception) -> str:
    """Other exceptions' own messages may hold a path; the log has them."""
    return str(error) if isinstance(error, PromotionRefused) else f"{name} cannot be opened: {type(error).__name__}."
