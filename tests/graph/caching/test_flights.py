"""Equal questions at one moment: one leads, the others wait, and whoever leads may fall without the others."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from graph.caching.flights import Flights, Lease, landed


def test_the_first_leads_and_the_next_waits_until_it_has_landed() -> None:
    async def fly() -> tuple[bool, bool]:
        flights = Flights()
        assert flights.board("q") is None
        first = flights.board("q")
        assert first is not None
        waiting = asyncio.create_task(landed(first, 60))
        await asyncio.sleep(0)
        before = waiting.done()
        flights.land("q", finished=True)
        return before, await waiting

    assert asyncio.run(fly()) == (False, True)


def test_who_is_cut_off_says_so_and_its_place_is_free() -> None:
    async def fly() -> tuple[bool, object]:
        flights = Flights()
        flights.board("q")
        first = flights.board("q")
        assert first is not None
        flights.land("q", finished=False)
        return await landed(first, 60), flights.board("q")

    assert asyncio.run(fly()) == (False, None)


def test_other_questions_do_not_wait() -> None:
    flights = Flights()
    assert (flights.board("a"), flights.board("b")) == (None, None)


def test_patience_ends() -> None:
    assert asyncio.run(landed(Future(), 0.0)) is True


def test_one_who_waits_and_is_cancelled_disturbs_neither_the_first_nor_the_others() -> None:
    async def fly() -> bool:
        flights = Flights()
        flights.board("q")
        first = flights.board("q")
        assert first is not None
        gives_up, stays = (asyncio.create_task(landed(first, 60)) for _ in range(2))
        await asyncio.sleep(0)
        gives_up.cancel()
        await asyncio.sleep(0)
        flights.land("q", finished=True)
        return gives_up.cancelled() and await stays

    assert asyncio.run(fly())


def test_it_is_told_across_threads_and_to_loops_that_are_gone(caplog: pytest.LogCaptureFixture) -> None:
    flights, waits = Flights(), threading.Event()
    flights.board("q")
    first = flights.board("q")
    assert first is not None
    seen: list[bool] = []

    async def wait() -> None:
        asyncio.get_running_loop().call_soon(waits.set)
        seen.append(await landed(first, 60))

    asyncio.run(landed(first, 0.0))
    other = threading.Thread(target=asyncio.run, args=(wait(),))
    other.start()
    waits.wait()
    flights.land("q", finished=True)
    other.join()
    assert (seen, caplog.records) == ([True], [])


def test_a_lease_gives_up_all_that_it_holds_once() -> None:
    flights, lease = Flights(), Lease()
    for key in "ab":
        flights.board(key)
        lease.hold(flights, key)
    lease.end(finished=True)
    lease.end(finished=True)
    assert (flights.board("a"), flights.board("b")) == (None, None)
