"""Brings one version into this process: fetched, checked, opened, and asked its smoke question."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from graph.agent import Agent
from graph.errors import PackageBroken, PromotionRefused, RegistryError, RegistryUnavailable
from graph.registry import RegistryReader, Version
from graph.registry.package_cache import is_intact
from graph.registry.warrant import Warrant, refusal
from server.releases.keeping import Good, Keeping
from server.releases.slots import Slot, Standing
from server.releases.warming import warm

UNCHECKED: tuple[Standing, str] = ("unchecked", "")


class Loader:
    """Loads versions; `override` is why one for production may be without a valid warrant."""

    def __init__(
        self, package: Callable[[Path], Awaitable[Agent]], keeping: Keeping, override: str | None = None
    ) -> None:
        """`package` opens a fetched package."""
        self._package, self._keeping, self._override = package, keeping, override

    async def load(self, registry: RegistryReader, number: int, loaded: Sequence[Slot], *, guarded: bool) -> Slot:
        """A slot for a version; one whose package is loaded already shares its agent. `guarded`: it needs a warrant.

        Raises PromotionRefused when it has none or does not answer, or a RegistryError or SnapshotError.
        """
        version = await asyncio.to_thread(registry.version, number)
        standing, reason = await asyncio.to_thread(self._stands, registry, version) if guarded else UNCHECKED
        same = next((slot for slot in loaded if slot.digest == version.digest), None)
        agent = same.agent if same else await self._fetched(registry, version)
        return Slot(str(number), agent, standing, reason, version.digest)

    async def again(self, good: Good) -> Slot:
        """What was good before, without the registry; raises PackageBroken when it is not here as it was."""
        root = self._keeping.package(good.digest)
        if not await asyncio.to_thread(is_intact, root, good.digest):
            raise PackageBroken(f"v{good.version}, which was good last, is not here any more, or was altered.")
        agent = await self._opened(int(good.version), root)
        return Slot(good.version, agent, good.standing, good.reason, good.digest)

    async def _fetched(self, registry: RegistryReader, version: Version) -> Agent:
        try:
            await asyncio.to_thread(self._keeping.claim, version.digest)
            root = await asyncio.to_thread(registry.fetch, version, self._keeping.home)
            return await self._opened(version.number, root)
        finally:
            self._keeping.yield_up(version.digest)

    async def _opened(self, number: int, directory: Path) -> Agent:
        agent = await self._package(directory)
        await warm(number, agent, directory)
        return agent

    async def has_warrant(self, registry: RegistryReader, number: int) -> bool:
        """Whether a version holds a valid warrant; raises VersionUnknown or RegistryUnavailable."""
        version = await asyncio.to_thread(registry.version, number)
        return not (await asyncio.to_thread(_warrant, registry, version))[1]

    def _stands(self, registry: RegistryReader, version: Version) -> tuple[Standing, str]:
        """How a version stands for production, and the reason of an override; raises PromotionRefused."""
        warrant, why = _warrant(registry, version)
        if not why and warrant:
            return ("override", warrant.reason) if warrant.verdict == "override" else ("warranted", "")
        if self._override:
            return "override", self._override
        raise PromotionRefused(f"v{version.number} may not be served: {why}.")


def _warrant(registry: RegistryReader, version: Version) -> tuple[Warrant | None, str]:
    """A version's warrant, and why it is not valid."""
    try:
        warrant = registry.warrant(version)
        return warrant, refusal(warrant, version.digest)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return None, f"its warrant cannot be read ({type(error).__name__})"
