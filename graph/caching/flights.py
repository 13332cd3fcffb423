"""One answer for questions that are asked at the same moment: the first does the work, the others wait for it."""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from threading import Lock


class Flights:
    """The questions under way, by key; safe to use from several threads and event loops."""

    def __init__(self) -> None:
        self._under_way: dict[str, Future[bool]] = {}
        self._lock = Lock()

    def board(self, key: str) -> Future[bool] | None:
        """None when the caller is the first and must `land`; else what tells that the first has landed."""
        with self._lock:
            if key in self._under_way:
                return self._under_way[key]
            self._under_way[key] = Future()
            return None

    def land(self, key: str, *, finished: bool) -> None:
        """Let those go on who wait; not `finished` makes one of them the first."""
        with self._lock:
            waited_for = self._under_way.pop(key)
        waited_for.set_result(finished)


async def landed(first: Future[bool], patience: float) -> bool:
    """Wait for the first up to `patience` seconds; False when it was cut off and another must take its place."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[bool]) -> None:
        # The loop is closed when the one who waited here is gone: then there is nobody to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(told.set)

    first.add_done_callback(tell)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await told.wait()
    return first.result() if first.done() else True


class Lease:
    """What one run of the graph holds; given up when the run ends, however it ends."""

    def __init__(self) -> None:
        self._held: list[tuple[Flights, str]] = []

    def hold(self, flights: Flights, key: str) -> None:
        self._held.append((flights, key))

    def end(self, *, finished: bool) -> None:
        while self._held:
            flights, key = self._held.pop()
            flights.land(key, finished=finished)
