"""Caches of answers, search results and vectors of questions, bounded by number, size and age.

A cache belongs to one Backend, so that another Release or Snapshot has its own. Values are JSON text: a hit is a copy,
and nothing that a caller does to it reaches the next one.
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
from .single_flight import Leader, SingleFlight, finished

ENTRY = 64 * 1024
"""Characters of JSON that one place of a cache may hold; what is longer takes several places."""


class BoundedCache:
    """Values by key, the least lately used dropped first; safe to use from several threads and event loops."""

    def __init__(self, places: int, seconds: float) -> None:
        """`places` entries at most, each for `seconds`; 0 of either keeps nothing."""
        self.on = places > 0 and seconds > 0
        self._values: TTLCache[Hashable, Any] = TTLCache(max(1, places), max(seconds, 1e-9), getsizeof=_places)
        self._lock = Lock()

    def get(self, key: Hashable) -> Any | None:
        with self._lock:
            return self._values.get(key) if self.on else None

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, unless it alone is larger than the whole cache."""
        with self._lock:
            if self.on and _places(value) <= self._values.maxsize:
                self._values[key] = value

    def __contains__(self, key: Hashable) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)


def _places(value: Any) -> int:
    return max(1, ceil(len(value) / ENTRY)) if isinstance(value, str) else 1


class JsonCache:
    """A cache of plain JSON values that are copied in and out."""

    def __init__(self, places: int, seconds: float) -> None:
        self._cache = BoundedCache(places, seconds)
        self.on = self._cache.on

    def get(self, key: str) -> Any | None:
        text = self._cache.get(key)
        return None if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        if self.on:
            self._cache.put(key, json.dumps(value, ensure_ascii=False))

    def __len__(self) -> int:
        return len(self._cache)


@dataclass(frozen=True)
class Caches:
    """The caches of one Backend, and the questions that are being answered just now; empty ones keep nothing."""

    answers: JsonCache = field(default_factory=lambda: JsonCache(0, 0))
    retrieval: JsonCache = field(default_factory=lambda: JsonCache(0, 0))
    embeddings: BoundedCache = field(default_factory=lambda: BoundedCache(0, 0))
    sentences: BoundedCache = field(default_factory=lambda: BoundedCache(0, 0))
    single_flight: SingleFlight = field(default_factory=SingleFlight)


def open_caches(settings: Settings) -> Caches:
    """Empty caches of the sizes and the age that the settings give; none on behalf of users, who may see less."""
    seconds = 0 if settings.on_behalf_of_user else settings.cache_seconds
    return Caches(
        JsonCache(settings.cache_answers, seconds),
        JsonCache(settings.cache_retrieval, seconds),
        BoundedCache(settings.cache_embeddings, seconds),
        BoundedCache(settings.cache_embeddings, seconds),
    )


def key_of(release: str, snapshot: str, filters: Mapping[str, Any], groups: Sequence[str], *inputs: Any) -> str:
    """One name for all that a result follows from: `inputs` are plain JSON values, the order of groups does not count.

    The filters must have been checked, since JSON takes 1 and "1" for the same name of a column.
    """
    parts = [release, snapshot, filters, sorted(set(groups)), *inputs]
    return sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


async def reuse(caches: Caches, key: str, leader: Leader | None, until: float) -> Answer | None:
    """The answer that is cached, or that is just being made for somebody else; None when the caller must make it.

    Waits at the most `until` a moment of time.monotonic(). A run that has to make an answer leads its key.
    """
    cached: Answer | None = caches.answers.get(key)
    if cached is None and leader and caches.answers.on:
        await _join(caches.single_flight, key, leader, until)
        cached = caches.answers.get(key)
    return cached and as_cached(cached)


async def _join(flight: SingleFlight, key: str, leader: Leader, until: float) -> None:
    """Come back as the leader of the key, or when its leader has finished."""
    while other := flight.join(key):
        if await finished(other, until - time.monotonic()):
            return
    leader.lead(flight, key)


def as_cached(answer: Answer) -> Answer:
    """A cached answer as it is given again: no model was asked for it."""
    usage: Usage = {**answer["usage"], "calls": 0, "input_tokens": 0, "output_tokens": 0}
    return {**answer, "cached": ["answer"], "usage": usage}
