"""Which versions hold a valid warrant, as far as was known a moment ago: others than operators may open no other."""

from cachetools import TTLCache

from graph.errors import RegistryUnavailable, VersionUnknown
from graph.registry import RegistryReader
from server.releases.loading import Loader

SECONDS = 5.0
"""For how long an answer of the registry is good."""
REMEMBERED = 1000


class Warranted:
    """Asks the registry, and remembers what it said."""

    def __init__(self, loader: Loader, seconds: float = SECONDS) -> None:
        self._loader = loader
        self._recent: TTLCache[int, bool] = TTLCache(REMEMBERED, seconds)
        self._held: set[int] = set()

    async def holds(self, registry: RegistryReader, number: int, *, loaded: bool) -> bool:
        """Whether a version holds a valid warrant; no version that is not there does.

        While the registry is away, what it said last counts for a version that is `loaded`; for others it raises
        RegistryUnavailable.
        """
        known = self._recent.get(number)
        if known is None:
            known = self._recent[number] = await self._ask(registry, number, loaded=loaded)
        return known

    async def _ask(self, registry: RegistryReader, number: int, *, loaded: bool) -> bool:
        try:
            found = await self._loader.has_warrant(registry, number)
        except VersionUnknown:
            found = False
        except RegistryUnavailable:
            if loaded and number in self._held:
                return True
            raise
        (self._held.add if found else self._held.discard)(number)
        return found
