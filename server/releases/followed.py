"""Serves what a registry's aliases name: production, staging, what production is split with, a shadow, pinned versions.

A version is fetched, checked, opened and asked a question beside what is being served; then the track points to it, in
one step. Whoever is being answered ends with the slot that was taken. What cannot be loaded never replaces what is
there, and is tried again after growing pauses, or at once on a reload.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

from graph.agent import Agent
from graph.errors import PromotionRefused, RegistryError, RegistryUnavailable, VersionUnknown
from graph.registry import RegistryReader
from graph.registry.stages import PRODUCTION, SHADOW, STAGING
from server.live import State
from server.releases.keeping import Good, Keeping
from server.releases.loading import Loader
from server.releases.polling import Polled
from server.releases.slots import (
    OPEN,
    Candidate,
    Slot,
    nothing_there,
    pinned_number,
    place_of,
)
from server.releases.warranted import Warranted
from server.settings import ServerSettings

log = logging.getLogger("warrant.releases")
FOLLOWED = (PRODUCTION, STAGING, SHADOW)


class Followed(Polled):
    """Serves what the aliases of a registered model name."""

    def __init__(
        self,
        registry: Callable[[], RegistryReader],
        package: Callable[[Path], Awaitable[Agent]],
        settings: ServerSettings,
    ) -> None:
        """`registry` is opened in a thread when it is first needed; `package` opens a fetched package."""
        super().__init__(settings)
        self._opening_registry, self._settings = registry, settings
        self._registry: RegistryReader | None = None
        self._keeping = Keeping(settings.state / "releases" / settings.model)
        self._loader = Loader(package, self._keeping, settings.override)
        self._pinning = asyncio.Lock()
        self._shares: dict[str, float] = {}
        self._shadow_share = 0.0
        self._pins: dict[str, float] = {}
        self._warranted = Warranted(self._loader)
        self._away = ""

    async def open(self) -> None:
        """Load what the aliases name, or what was good last; raises a WarrantError when there is nothing to serve."""
        self._polling.join()
        await self._settle(force=True, first=True)
        if not self.ready:
            why = "; ".join(self.state.trouble) or f"no version of {self._settings.model} is in production"
            raise PromotionRefused(f"There is nothing to serve: {why}. `warrant promote VERSION --to production`.")

    async def take(self, track: str, name: str, *, operator: bool = False) -> Slot:
        """The slot for a question; production's are split by `name`, a pinned version is loaded when it is asked.

        A version that holds no valid warrant and is not in production is for an `operator` alone: to others it is not
        there.
        """
        if number := pinned_number(track):
            if not (operator or await self._is_open(number)):
                raise nothing_there(track)
            return self._there(number) or await self._pin(number)
        if track == PRODUCTION and self._shares:
            track = self._chosen(name)
        return await super().take(track, name)

    def candidate(self) -> Candidate | None:
        """The version that the shadow alias names."""
        slot = self._slots.get(SHADOW)
        return Candidate(slot.version, slot.agent, self._shadow_share) if slot and self._shadow_share else None

    @property
    def state(self) -> State:
        """What is served now, and what there is trouble with."""
        return State(
            slots=dict(self._slots),
            split=dict(self._shares),
            registry="away" if self._away else "ok",
            trouble=[*([self._away] if self._away else []), *self._failures.told],
            swaps=self._swaps,
            failures=self._failures.count,
        )

    async def _settle(self, *, force: bool, first: bool = False) -> None:
        """Make what is served what the registry says; `force`: also what failed lately; `first`: production alone."""
        async with self._settling:
            try:
                registry = await self._reach()
                places = await asyncio.to_thread(registry.placement)
                split, shadow = places.split, places.shadow
            except RegistryError as error:
                lost = isinstance(error, VersionUnknown)
                self._away = "The registry has no such model." if lost else "The registry is away."
                log.warning("the registry does not help", extra={"trouble": str(error)})
                await self._fall_back(None)
                return
            self._away = ""
            wanted = {track: places.aliases[track] for track in FOLLOWED if track in places.aliases}
            wanted |= {f"split-v{number}": number for number in split}
            self._failures.only({track: f"v{number}" for track, number in wanted.items()})
            for track, number in wanted.items():
                if not first or track not in (STAGING, SHADOW):
                    await self._bring(registry, track, number, force=force)
            if PRODUCTION in wanted:
                await self._fall_back(registry, wanted[PRODUCTION])
            self._drop(wanted)
            self._shadow_share = shadow[1] if shadow else 0.0
            self._shares = {f"split-v{n}": share for n, share in split.items() if f"split-v{n}" in self._slots}
            await asyncio.to_thread(self._tidy)

    async def _reach(self) -> RegistryReader:
        if self._registry is None:
            self._registry = await asyncio.to_thread(self._opening_registry)
        return self._registry

    async def _bring(self, registry: RegistryReader, track: str, number: int, *, force: bool) -> None:
        """Put a version on a track unless it is there; what goes wrong is noted and changes nothing.

        `force`: one that is there is held against its warrant again.
        """
        there = self._slots.get(track)
        same = there if there and there.version == str(number) else None
        if not force and (same or self._failures.waits(track, f"v{number}")):
            return
        try:
            guarded = track == PRODUCTION or track.startswith("split-")
            slot = await self._loader.load(registry, number, list(self._slots.values()), guarded=guarded)
        except Exception as error:  # noqa: BLE001 - whatever it is, what is served stays; it is told and logged
            self._not_put(track, f"v{number}", error)
            return
        self._failures.settle(track, f"v{number}")
        if same and (same.standing, same.reason, same.digest) == (slot.standing, slot.reason, slot.digest):
            return
        self._put(track, slot)
        good = Good(version=slot.version, digest=slot.digest, standing=slot.standing, reason=slot.reason)
        await asyncio.to_thread(self._keeping.keep, track, good)

    async def _fall_back(self, registry: RegistryReader | None, wanted: int | None = None) -> None:
        """With nothing in production's place: what was good there last, unless it is what may not be served now."""
        good = None if self.ready else await asyncio.to_thread(self._keeping.last, PRODUCTION)
        if good is None or (good.version == str(wanted) and self._failures.refused(PRODUCTION, f"v{wanted}")):
            return
        try:
            slot = await self._good(registry, good)
        except Exception as error:
            log.exception("what was good last cannot be served", exc_info=error)
            return
        self._slots = {**self._slots, PRODUCTION: slot}
        log.warning("serving what was good last", extra={"version": slot.version, "release": slot.agent.label})

    async def _good(self, registry: RegistryReader | None, good: Good) -> Slot:
        """What was good last, held against its warrant if the registry still knows it."""
        if registry:
            with suppress(RegistryUnavailable, VersionUnknown):
                return await self._loader.load(registry, int(good.version), [], guarded=True)
        return await self._loader.again(good)

    def _drop(self, wanted: Iterable[str]) -> None:
        """Let go of tracks that no alias names any more, and of pins that nobody asked for; production stays."""
        now, pins = time.monotonic(), self._pins
        kept = sorted(pins, key=lambda track: -pins[track])[: self._settings.pinned]
        self._pins = {track: pins[track] for track in kept if now - pins[track] < self._settings.pinned_idle}
        stays = {PRODUCTION, *wanted, *self._pins}
        self._slots = {track: slot for track, slot in self._slots.items() if track in stays}

    def _used(self) -> list[str]:
        return [slot.digest for slot in self._slots.values()]

    def _tidy(self) -> None:
        self._keeping.hold(self._used())
        self._keeping.tidy()

    def _chosen(self, name: str) -> str:
        """Production, or the part of the split that a session falls to; the same everywhere."""
        place = place_of(f"split/{name}")
        for track in sorted(self._shares):
            place -= self._shares[track]
            if place < 0:
                return track if track in self._slots else PRODUCTION
        return PRODUCTION

    def _there(self, number: int) -> Slot | None:
        """A version that is loaded, for whatever track."""
        track = f"v{number}"
        found = self._slots.get(track) or next(
            (slot for slot in self._slots.values() if slot.version == str(number)), None
        )
        if track in self._slots:
            self._pins[track] = time.monotonic()
        return found

    async def _is_open(self, number: int) -> bool:
        """Whether a version is in production, or holds a valid warrant as far as was known a moment ago."""
        if any(slot.version == str(number) and slot.standing in OPEN for slot in self._slots.values()):
            return True
        return await self._warranted.holds(await self._reach(), number, loaded=self._there(number) is not None)

    async def _pin(self, number: int) -> Slot:
        """Load a pinned version, one after the other; raises Refused (404) when there is none, or a RegistryError."""
        async with self._pinning:
            if there := self._there(number):
                return there
            if error := self._failures.pinned(number):
                raise nothing_there(f"v{number}") if isinstance(error, VersionUnknown) else error
            try:
                loaded = list(self._slots.values())
                slot = await self._loader.load(await self._reach(), number, loaded, guarded=False)
            except VersionUnknown as error:
                self._failures.pin(number, error)
                raise nothing_there(f"v{number}") from None
            except Exception as error:
                log.warning("not pinned", exc_info=error, extra={"version": str(number)})
                raise self._failures.pin(number, error) from error
            self._slots, self._pins[f"v{number}"] = {**self._slots, f"v{number}": slot}, time.monotonic()
        self._drop([name for name in self._slots if pinned_number(name) is None])
        return slot
