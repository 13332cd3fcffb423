"""Serves what a registry's aliases name: production, staging, what production is split with, a shadow, pinned versions.

A version is fetched, checked, opened and asked a question beside what is being served; then the track points to it, in
one step. Whoever is being answered ends with the slot that was taken. What cannot be loaded never replaces what is
there, and is tried again after growing pauses, or at once on a reload.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from graph.agent import Agent
from graph.errors import PromotionRefused, RegistryError, VersionUnknown
from graph.registry import Follows
from server.live import Live, State
from server.releases.keeping import Good, Keeping
from server.releases.loading import Loader
from server.releases.slots import (
    PRODUCTION,
    SHADOW,
    STAGING,
    Candidate,
    Slot,
    nothing_there,
    pinned_number,
    place_of,
)
from server.settings import ServerSettings

log = logging.getLogger("warrant.releases")
FOLLOWED = (PRODUCTION, STAGING, SHADOW)
GLANCE = 0.5
"""Seconds between two looks for another worker's word that something has changed."""
PAUSES = (5.0, 20.0, 60.0, 300.0)
"""Seconds after which a version that could not be loaded is tried again, by how often it failed."""


@dataclass
class Failure:
    """A version that could not be loaded on a track."""

    told: str
    times: int
    again: float


class Followed(Live):
    """Serves what the aliases of a registered model name."""

    def __init__(
        self, registry: Callable[[], Follows], package: Callable[[Path], Awaitable[Agent]], settings: ServerSettings
    ) -> None:
        """`registry` is opened in a thread when it is first needed; `package` opens a fetched package."""
        super().__init__()
        self._opening_registry, self._settings = registry, settings
        self._registry: Follows | None = None
        self._keeping = Keeping(settings.state / "releases" / settings.model)
        self._loader = Loader(package, self._keeping, settings.override)
        self._settling, self._pinning = asyncio.Lock(), asyncio.Lock()
        self._shares: dict[str, float] = {}
        self._shadow_share = 0.0
        self._pins: dict[str, float] = {}
        self._failures: dict[tuple[str, int], Failure] = {}
        self._away = ""
        self._swaps = self._failed = 0

    async def open(self) -> None:
        """Load what the aliases name, or what was good last; raises a WarrantError when there is nothing to serve."""
        await self._settle(force=True)
        if not self.ready:
            why = "; ".join(self.state.trouble) or f"no version of {self._settings.model} is in production"
            raise PromotionRefused(f"There is nothing to serve: {why}. `warrant promote VERSION --to production`.")

    async def take(self, track: str, name: str) -> Slot:
        """The slot for a question; production's are split by `name`, a pinned version is loaded when it is asked."""
        if pinned_number(track) is not None:
            return await self._pinned(track)
        if track == PRODUCTION and self._shares:
            track = self._chosen(name)
        return await super().take(track, name)

    async def reload(self) -> None:
        """Look now, in this process, and let the other workers know."""
        await self._settle(force=True)
        self._kick_file.parent.mkdir(parents=True, exist_ok=True)
        self._kick_file.touch()

    def candidate(self) -> Candidate | None:
        """The version that the shadow alias names."""
        slot = self._slots.get(SHADOW)
        return Candidate(slot.version, slot.agent, self._shadow_share) if slot and self._shadow_share else None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Follow the aliases until the end of the block."""
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @property
    def state(self) -> State:
        """What is served now, and what there is trouble with."""
        told = [failure.told for failure in self._failures.values()]
        return State(
            slots=dict(self._slots),
            split=dict(self._shares),
            registry="away" if self._away else "ok",
            trouble=[*([self._away] if self._away else []), *told],
            swaps=self._swaps,
            failures=self._failed,
        )

    @property
    def _kick_file(self) -> Path:
        return self._keeping.home / "reload"

    async def _follow(self) -> None:
        seen = self._kicks()
        while True:
            until = time.monotonic() + self._settings.poll
            while time.monotonic() < until and self._kicks() == seen:
                await asyncio.sleep(min(GLANCE, self._settings.poll))
            force, seen = self._kicks() != seen, self._kicks()
            try:
                await self._settle(force=force)
            except Exception:
                log.exception("the registry was not followed")

    def _kicks(self) -> float:
        with suppress(OSError):
            return self._kick_file.stat().st_mtime
        return 0.0

    async def _settle(self, *, force: bool) -> None:
        """Make what is served what the registry says; `force`: also what failed lately."""
        async with self._settling:
            try:
                registry = await self._reach()
                aliases = await asyncio.to_thread(registry.aliases)
                shares = await asyncio.to_thread(registry.split)
                shadow = await asyncio.to_thread(registry.shadow)
            except RegistryError as error:
                lost = isinstance(error, VersionUnknown)
                self._away = "The registry has no such model." if lost else "The registry is away."
                log.warning("the registry does not help", extra={"trouble": str(error)})
                await self._fall_back()
                return
            self._away = ""
            wanted = {track: aliases[track] for track in FOLLOWED if track in aliases}
            wanted |= {f"split-v{number}": number for number in shares}
            self._failures = {key: found for key, found in self._failures.items() if wanted.get(key[0]) == key[1]}
            for track, number in wanted.items():
                await self._bring(registry, track, number, force=force)
            self._drop(wanted)
            self._shadow_share = shadow[1] if shadow else 0.0
            self._shares = {f"split-v{n}": share for n, share in shares.items() if f"split-v{n}" in self._slots}
            await asyncio.to_thread(self._tidy)

    async def _reach(self) -> Follows:
        if self._registry is None:
            self._registry = await asyncio.to_thread(self._opening_registry)
        return self._registry

    async def _bring(self, registry: Follows, track: str, number: int, *, force: bool) -> None:
        """Put a version on a track unless it is there; what goes wrong is noted and changes nothing."""
        there, failure = self._slots.get(track), self._failures.get((track, number))
        if there and there.version == str(number):
            return
        if failure and not force and time.monotonic() < failure.again:
            return
        try:
            guarded = track == PRODUCTION or track.startswith("split-")
            slot = await self._loader.load(registry, number, list(self._slots.values()), guarded=guarded)
        except Exception as error:  # noqa: BLE001 - whatever keeps a version from being served is told, and harms nobody
            self._note(track, number, error)
            return
        self._failures.pop((track, number), None)
        self._slots = {**self._slots, track: slot}
        self._swaps += 1
        log.info("swapped", extra={"track": track, "version": slot.version, "release": slot.agent.label})
        good = Good(version=slot.version, digest=slot.digest, standing=slot.standing, reason=slot.reason)
        await asyncio.to_thread(self._keeping.keep, track, good)

    async def _fall_back(self) -> None:
        """With the registry away and nothing served: what was good last."""
        if not self.ready and (slot := await self._loader.last_good(PRODUCTION)):
            self._slots = {**self._slots, PRODUCTION: slot}
            log.warning("serving what was good last", extra={"version": slot.version, "release": slot.agent.label})

    def _note(self, track: str, number: int, error: Exception) -> None:
        before = self._failures.get((track, number))
        times = before.times + 1 if before else 1
        pause = PAUSES[min(times, len(PAUSES)) - 1]
        # What an error of another kind says may hold a path; the log has it.
        kind = type(error).__name__
        told = str(error) if isinstance(error, PromotionRefused) else f"v{number} cannot be opened: {kind}."
        self._failures[track, number] = Failure(f"{track}: {told}", times, time.monotonic() + pause)
        self._failed += 1
        log.error("not swapped", exc_info=error, extra={"track": track, "trouble": told})

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

    async def _pinned(self, track: str) -> Slot:
        """A pinned version, one loaded after the other; raises Refused (404) when there is none."""
        async with self._pinning:
            if track not in self._slots:
                number = pinned_number(track) or 0
                there = next((slot for slot in self._slots.values() if slot.version == str(number)), None)
                if there:
                    return there
                try:
                    loaded = list(self._slots.values())
                    slot = await self._loader.load(await self._reach(), number, loaded, guarded=False)
                except VersionUnknown:
                    raise nothing_there(track) from None
                self._slots = {**self._slots, track: slot}
        self._pins[track] = time.monotonic()
        self._drop([name for name in self._slots if pinned_number(name) is None])
        return self._slots[track]
