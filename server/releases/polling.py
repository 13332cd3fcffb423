"""Polls for something new to serve: at an interval, and at once in every worker when one of them gets a reload.

Workers coordinate through modification times in STATE/reload:
requested    when a reload was requested last
ID.worker    locked by its worker; the time of the last request that it has followed
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
from server.processes import background_task, trim_memory
from server.releases.deployments import AgentFactory, Deployment, Deployments
from server.releases.failures import LoadFailures
from server.settings import ServerSettings

log = logging.getLogger("warrant.releases")
REQUEST_INTERVAL = 0.1
"""Seconds between two checks for another worker's request."""
RELOAD_TIMEOUT = 60.0
"""Seconds that a reload waits for the other workers."""
WORKER = ".worker"
Poll = Callable[[bool], Awaitable[None]]
"""Checks for something new to serve; True: a reload was requested."""


class PolledDeployments(Deployments):
    """Deployments that are refreshed at an interval, while questions are answered."""

    def __init__(self, settings: ServerSettings, open_agent: AgentFactory | None = None) -> None:
        super().__init__(open_agent)
        self._polling = ReloadPolling(settings.state / "reload", settings.poll)
        self._refreshing = asyncio.Lock()
        self._failures = LoadFailures()
        self._swaps = self._trimmed = 0

    async def reload(self) -> list[str]:
        """Refresh now, in every worker."""
        return await self._polling.reload(self._poll)

    def run(self) -> AbstractAsyncContextManager[None]:
        """Poll until the end of the block."""
        return self._polling.run(self._poll)

    async def _poll(self, force: bool) -> None:
        """Refresh, and trim memory once after a swap."""
        before = self._swaps
        await self._refresh(force=force)
        if self._trimmed != self._swaps == before:
            await asyncio.to_thread(trim_memory)
            self._trimmed = self._swaps

    async def _refresh(self, *, force: bool) -> None:
        """Deploy what is to be served now; `force`: also retry recent failures."""
        raise NotImplementedError

    def _deploy(self, target: str, deployment: Deployment) -> None:
        """Answer a target's requests with a deployment from now on."""
        self._deployed = {**self._deployed, target: deployment}
        self._swaps += 1
        agent = deployment.agent
        extra = {"version": deployment.version, "release": agent.label, "snapshot": agent.snapshot}
        log.info("swapped", extra={"target": target, **extra})

    def _deploy_failed(self, target: str, name: str, error: Exception) -> None:
        """Record what could not be deployed; it replaces nothing."""
        message = self._failures.record(target, name, error)
        log.error("not swapped", exc_info=error, extra={"target": target, "trouble": message})


class ReloadPolling:
    """When one worker polls; other workers wait for it from `join` until the end of `run`, or of its process."""

    def __init__(self, home: Path, every: float) -> None:
        """Polls `every` so many seconds; the workers share the directory `home`."""
        self._home, self._every = home, every
        self._request_file, self._own = home / "requested", home / f"{uuid4().hex}{WORKER}"
        self._done = 0
        self._leave: Callable[[], object] = lambda: None

    def join(self) -> None:
        """Let reloads wait for this worker; to be called before the first poll."""
        self._leave()
        self._done = self._requested()
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            while (handle := os.open(self._own, os.O_RDWR | os.O_CREAT, 0o600)) and not _is_own(handle, self._own):
                os.close(handle)
        except OSError:
            log.warning("reloads do not reach this worker", exc_info=True)
            return
        self._leave = weakref.finalize(self, _leave, handle, self._own)
        self._publish(self._done)

    @asynccontextmanager
    async def run(self, poll: Poll) -> AsyncIterator[None]:
        """Poll until the end of the block."""
        try:
            async with background_task(lambda: self._follow(poll)):
                yield
        finally:
            self._leave()

    async def reload(self, poll: Poll) -> list[str]:
        """Poll now, and wait for the other workers; a sentence when some are late."""
        try:
            ticket = await asyncio.to_thread(self._request)
        except OSError as error:
            await poll(True)
            return [f"Other workers cannot be reached ({error.strerror}); they poll every {self._every:g} seconds."]
        await poll(True)
        self._publish(ticket)
        late = await self._others(ticket)
        return [f"{late} other workers have not reloaded yet."] if late else []

    async def _follow(self, poll: Poll) -> None:
        force = False
        while True:
            ticket = self._requested()
            try:
                await poll(force)
            except Exception:
                log.exception("polling failed")
            self._publish(ticket)
            until = time.monotonic() + self._every
            while time.monotonic() < until and self._requested() <= self._done:
                await asyncio.sleep(min(REQUEST_INTERVAL, self._every))
            force = self._requested() > self._done

    def _requested(self) -> int:
        return _modified(self._request_file)

    def _request(self) -> int:
        """Request a reload of the other workers; returns its time."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._request_file.touch()
        moment = max(time.time_ns(), self._requested() + 1, self._done + 1)
        os.utime(self._request_file, ns=(moment, moment))
        return self._requested()

    def _publish(self, ticket: int) -> None:
        """Publish the last request that this worker has followed."""
        self._done = max(self._done, ticket)
        with suppress(OSError):
            os.utime(self._own, ns=(self._done, self._done))

    async def _others(self, ticket: int) -> int:
        """How many of the others are late at the timeout."""
        until = time.monotonic() + RELOAD_TIMEOUT
        while (late := await asyncio.to_thread(self._late, ticket)) and time.monotonic() < until:
            await asyncio.sleep(REQUEST_INTERVAL / 2)
        return late

    def _late(self, ticket: int) -> int:
        # Two workers that get a reload at the same time may leave the earlier moment in the file.
        wanted = min(ticket, self._requested())
        others = (path for path in self._home.glob(f"*{WORKER}") if path != self._own)
        return sum(_modified(path) < wanted and _is_held(path) for path in others)


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_own(handle: int, own: Path) -> bool:
    """Whether a worker's file is locked and still its own: another may have deleted it before it was locked."""
    return try_lock(handle) is not False and same_file(handle, own)


def _is_held(path: Path) -> bool:
    """Whether a worker is alive; the file of a dead one is deleted. None counts as alive where there are no locks."""
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
