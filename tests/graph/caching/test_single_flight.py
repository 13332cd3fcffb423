"""Equal questions at one moment: one leads, the others wait, and whoever leads may fall without the others."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from graph.caching.single_flight import Leader, SingleFlight, finished


def test_the_first_leads_and_the_next_waits_until_it_has_finished() -> None:
    async def run() -> tuple[bool, bool]:
        flight = SingleFlight()
        assert flight.join("q") is None
        first = flight.join("q")
        assert first is not None
        waiting = asyncio.create_task(finished(first, 60))
        await asyncio.sleep(0)
        before = waiting.done()
        flight.finish("q", completed=True)
        return before, await waiting

    assert asyncio.run(run()) == (False, True)


def test_who_is_cut_off_says_so_and_its_place_is_free() -> None:
    async def run() -> tuple[bool, object]:
        flight = SingleFlight()
        flight.join("q")
        first = flight.join("q")
        assert first is not None
        flight.finish("q", completed=False)
        return await finished(first, 60), flight.join("q")

    assert asyncio.run(run()) == (False, None)


def test_other_questions_do_not_wait() -> None:
    flight = SingleFlight()
    assert (flight.join("a"), flight.join("b")) == (None, None)


def test_patience_ends() -> None:
    assert asyncio.run(finished(Future(), 0.0)) is True


def test_one_who_waits_and_is_cancelled_disturbs_neither_the_first_nor_the_others() -> None:
    async def run() -> bool:
        flight = SingleFlight()
        flight.join("q")
        first = flight.join("q")
        assert first is not None
        gives_up, stays = (asyncio.create_task(finished(first, 60)) for _ in range(2))
        await asyncio.sleep(0)
        gives_up.cancel()
        await asyncio.sleep(0)
        flight.finish("q", completed=True)
        return gives_up.cancelled() and await stays

    assert asyncio.run(run())


def test_it_is_told_across_threads_and_to_loops_that_are_gone(caplog: pytest.LogCaptureFixture) -> None:
    flight, waits = SingleFlight(), threading.Event()
    flight.join("q")
    first = flight.join("q")
    assert first is not None
    seen: list[bool] = []

    async def wait() -> None:
        asyncio.get_running_loop().call_soon(waits.set)
        seen.append(await finished(first, 60))

    asyncio.run(finished(first, 0.0))
    other = threading.Thread(target=asyncio.run, args=(wait(),))
    other.start()
    waits.wait()
    flight.finish("q", completed=True)
    other.join()
    assert (seen, caplog.records) == ([True], [])


def test_a_leader_finishes_all_its_keys_once() -> None:
    flight, leader = SingleFlight(), Leader()
    for key in "ab":
        flight.join(key)
        leader.lead(flight, key)
    leader.end(completed=True)
    leader.end(completed=True)
    assert (flight.join("a"), flight.join("b")) == (None, None)
