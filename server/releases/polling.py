"""Looks now and then for something else to serve, and at once in every worker when one of them is told to.

STATE/reload/asked       its time of change is when a worker was told last
STATE/reload/ID.worker   held by a worker; its time of change is that of `asked` when the worker began its last look
"""

import asyncio
import logging
import os
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

from graph.locks import same_file, try_lock
from server.background import beside
from server.live import Live, Opening
from server.processes import give_back_memory
from server.releases.failures import Failures
from server.releases.slots import Slot
from server.settings import ServerSettings

log = logging.getLogger("warrant.releases")
GLANCE = 0.1
"""Seconds between two looks for another worker's word that something has changed."""
PATIENCE = 60.0
"""Seconds that a worker which was told waits for the others to have looked."""
WORKER = ".worker"
Look = Callable[[bool], Awaitable[None]]
"""Looks for something else to serve; True: somebody asked for it."""


class Polled(Live):
    """Serves what is looked at now and then, and swaps while it answers."""

    def __init__(self, settings: ServerSettings, opening: Opening | None = None) -> None:
        super().__init__(opening)
        self._polling = Polling(settings.state / "reload", settings.poll)
        self._settling = asyncio.Lock()
        self._failures = Failures()
        self._swaps = self._trimmed = 0

    async def reload(self) -> list[str]:
        """Look now, in every worker."""
        return await self._polling.call(self._look)

    def run(self) -> AbstractAsyncContextManager[None]:
        """Look until the end of the block."""
        return self._polling.run(self._look)

    async def _look(self, force: bool) -> None:
        """Serve what is to be served; give memory back when nothing was swapped any more since the last look."""
        before = self._swaps
        await self._settle(force=force)
        if self._trimmed != self._swaps == before:
            await asyncio.to_thread(give_back_memory)
            self._trimmed = self._swaps

    async def _settle(self, *, force: bool) -> None:
        """Make what is served what is to be served; `force`: also what failed lately is tried."""
        raise NotImplementedError

    def _put(self, track: str, slot: Slot) -> None:
        """Let a track point to a slot from now on."""
        self._slots = {**self._slots, track: slot}
        self._swaps += 1
        told = {"version": slot.version, "release": slot.agent.label, "snapshot": slot.agent.snapshot}
        log.info("swapped", extra={"track": track, **told})

    def _not_put(self, track: str, name: str, error: Exception) -> None:
        """Note what could not be put on a track; it replaces nothing."""
        told = self._failures.note(track, name, error)
        log.error("not swapped", exc_info=error, extra={"track": track, "trouble": told})


class Polling:
    """When one worker of a server looks; the others know of it from `join` to the end of `run`, or of its process."""

    def __init__(self, home: Path, every: float) -> None:
        """`every` so many seconds it looks by itself; the workers share the directory `home`."""
        self._home, self._every = home, every
        self._asked_file, self._own = home / "asked", home / f"{uuid4().hex}{WORKER}"
        self._done = 0
        self._leave: Callable[[], object] = lambda: None

    def join(self) -> None:
        """Be waited for by whoever is told; to be called before the first look."""
        self._leave()
        self._done = self._asked()
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            while (handle := os.open(self._own, os.O_RDWR | os.O_CREAT, 0o600)) and not _mine(handle, self._own):
                os.close(handle)
        except OSError:
            log.warning("other workers do not know of this one", exc_info=True)
            return
        self._leave = weakref.finalize(self, _leave, handle, self._own)
        self._say(self._done)

    @asynccontextmanager
    async def run(self, look: Look) -> AsyncIterator[None]:
        """Look until the end of the block."""
        try:
            async with beside(lambda: self._follow(look)):
                yield
        finally:
            self._leave()

    async def call(self, look: Look) -> list[str]:
        """Look now, and wait until the other workers have; a sentence when some have not."""
        try:
            ticket = await asyncio.to_thread(self._ask)
        except OSError as error:
            await look(True)
            return [f"Other workers were not told ({error.strerror}); they look every {self._every:g} seconds."]
        await look(True)
        self._say(ticket)
        late = await self._others(ticket)
        return [f"{late} other workers have not looked yet."] if late else []

    async def _follow(self, look: Look) -> None:
        force = False
        while True:
            ticket = self._asked()
            try:
                await look(force)
            except Exception:
                log.exception("it could not be seen what is to be served")
            self._say(ticket)
            until = time.monotonic() + self._every
            while time.monotonic() < until and self._asked() <= self._done:
                await asyncio.sleep(min(GLANCE, self._every))
            force = self._asked() > self._done

    def _asked(self) -> int:
        return _changed(self._asked_file)

    def _ask(self) -> int:
        """Tell the other workers; gives the moment."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._asked_file.touch()
        moment = max(time.time_ns(), self._asked() + 1, self._done + 1)
        os.utime(self._asked_file, ns=(moment, moment))
        return self._asked()

    def _say(self, ticket: int) -> None:
        """Let the others know how far this one has followed."""
        self._done = max(self._done, ticket)
        with suppress(OSError):
            os.utime(self._own, ns=(self._done, self._done))

    async def _others(self, ticket: int) -> int:
        """How many of the others have not looked when there is no more patience."""
        until = time.monotonic() + PATIENCE
        while (late := await asyncio.to_thread(self._late, ticket)) and time.monotonic() < until:
            await asyncio.sleep(GLANCE / 2)
        return late

    def _late(self, ticket: int) -> int:
        # Two workers that are told at the same time may leave the earlier moment in the file.
        wanted = min(ticket, self._asked())
        others = (path for path in self._home.glob(f"*{WORKER}") if path != self._own)
        return sum(_changed(path) < wanted and _is_held(path) for path in others)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _mine(handle: int, own: Path) -> bool:
    """Whether a worker's file is its own now: another may have taken it for a dead one's before it was locked."""
    return try_lock(handle) is not False and same_file(handle, own)


def _is_held(path: Path) -> bool:
    """Whether a worker lives; what a dead one has left is cleared away. None lives where there are no locks."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        held = try_lock(handle) is False
        if not held:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)
    return held


def _leave(handle: int, own: Path) -> None:
    own.unlink(missing_ok=True)
    os.close(handle)
