"""Single-flight: of equal questions asked at the same moment one run does the work, and the others wait for it."""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock


class SingleFlight:
    """The work under way, by key; safe to use from several threads and event loops."""

    def __init__(self) -> None:
        self._under_way: dict[str, Future[bool]] = {}
        self._lock = Lock()

    def join(self, key: str) -> Future[bool] | None:
        """None when the caller leads and must call `finish`; else what tells that the leader has finished."""
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            self._under_way[key] = Future()
            return None

    def finish(self, key: str, *, completed: bool) -> None:
        """Let the others go on; not `completed` makes one of them the leader."""
        with self._lock:
            future = self._under_way.pop(key)
        future.set_result(completed)


async def finished(leader: Future[bool], seconds: float) -> bool:
    """Wait for the leader, at most so long; False when it was cut off and another must take its place."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def notify(_: Future[bool]) -> None:
        # The loop is closed when the one who waited here is gone: then there is nobody to notify.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    leader.add_done_callback(notify)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()
    return leader.result() if leader.done() else True


class Leader:
    """The keys that one run of the graph leads; finished when the run ends, however it ends."""

    def __init__(self) -> None:
        self._keys: list[tuple[SingleFlight, str]] = []

    def lead(self, flight: SingleFlight, key: str) -> None:
        self._keys.append((flight, key))

    def end(self, *, completed: bool) -> None:
        while self._keys:
            flight, key = self._keys.pop()
            flight.finish(key, completed=completed)
