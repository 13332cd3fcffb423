"""What has been worked out before: answers, what was found, and vectors of questions; bounded by number, size and age.

A cache belongs to one Backend, so that another Release or Snapshot has its own. What is kept is JSON text: a hit is a
copy, and nothing that a caller does to it reaches the next one.
"""

import json
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from threading import Lock
from typing import Any

from cachetools import TTLCache

from ..settings import Settings
from ..state import Answer, Usage
from .flights import Flights, Lease, landed

ENTRY = 64 * 1024
"""Characters of JSON that one place of a cache may hold; what is longer takes several places."""


class Shelf:
    """Values by key, the least lately used dropped first; safe to use from several threads and event loops."""

    def __init__(self, places: int, seconds: float) -> None:
        """`places` entries at most, each for `seconds`; 0 of either keeps nothing."""
        self.on = places > 0 and seconds > 0
        self._kept: TTLCache[Hashable, Any] = TTLCache(max(1, places), max(seconds, 1e-9), getsizeof=_places)
        self._lock = Lock()

    def get(self, key: Hashable) -> Any | None:
        with self._lock:
            return self._kept.get(key) if self.on else None

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, unless it alone is larger than the whole shelf."""
        with self._lock:
            if self.on and _places(value) <= self._kept.maxsize:
                self._kept[key] = value

    def __contains__(self, key: Hashable) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)


def _places(value: Any) -> int:
    return max(1, ceil(len(value) / ENTRY)) if isinstance(value, str) else 1


class Copies:
    """A shelf of plain JSON values that are copied in and out."""

    def __init__(self, places: int, seconds: float) -> None:
        self._shelf = Shelf(places, seconds)
        self.on = self._shelf.on

    def get(self, key: str) -> Any | None:
        text = self._shelf.get(key)
        return None if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        if self.on:
            self._shelf.put(key, json.dumps(value, ensure_ascii=False))

    def __len__(self) -> int:
        return len(self._shelf)


@dataclass(frozen=True)
class Caches:
    """The caches of one Backend, and the questions that are being answered just now; empty ones keep nothing."""

    answers: Copies = field(default_factory=lambda: Copies(0, 0))
    retrieval: Copies = field(default_factory=lambda: Copies(0, 0))
    embeddings: Shelf = field(default_factory=lambda: Shelf(0, 0))
    sentences: Shelf = field(default_factory=lambda: Shelf(0, 0))
    flights: Flights = field(default_factory=Flights)


def open_caches(settings: Settings) -> Caches:
    """Empty caches of the sizes and the age that the settings give."""
    seconds = settings.cache_seconds
    return Caches(
        Copies(settings.cache_answers, seconds),
        Copies(settings.cache_retrieval, seconds),
        Shelf(settings.cache_embeddings, seconds),
        Shelf(settings.cache_embeddings, seconds),
    )


def key_of(release: str, snapshot: str, filters: Mapping[str, Any], groups: Sequence[str], *asked: Any) -> str:
    """One name for all that a result follows from: `asked` are plain JSON values, the order of groups does not count.

    The filters must have been checked, since JSON takes 1 and "1" for the same name of a column.
    """
    parts = [release, snapshot, filters, sorted(set(groups)), *asked]
    return sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


async def reuse(caches: Caches, key: str, lease: Lease | None, until: float) -> Answer | None:
    """The answer that is kept, or that is just being made for somebody else; None when the caller must make it.

    Waits at the most `until` a moment of time.monotonic(). Who has to make an answer holds the key in its lease.
    """
    kept: Answer | None = caches.answers.get(key)
    if kept is None and lease and caches.answers.on:
        await _take_turns(caches.flights, key, lease, until)
        kept = caches.answers.get(key)
    return kept and as_kept(kept)


async def _take_turns(flights: Flights, key: str, lease: Lease, until: float) -> None:
    """Come back as the first of those who ask, or when the first has ended."""
    while first := flights.board(key):
        if await landed(first, until - time.monotonic()):
            return
    lease.hold(flights, key)


def as_kept(answer: Answer) -> Answer:
    """A kept answer as it is given again: no model was asked for it."""
    usage: Usage = {**answer["usage"], "calls": 0, "input_tokens": 0, "output_tokens": 0}
    return {**answer, "cached": ["answer"], "usage": usage}
