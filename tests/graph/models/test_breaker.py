"""The circuit breaker under a clock of its own: when it opens, what it counts, and how it closes again."""

import asyncio

import pytest

from graph.errors import ModelFailed, Reason
from graph.models.breaker import BreakerState, EndpointBreaker, breaker_of, breaker_states
from graph.release import Breaker

RULES = Breaker(failures=0.2, window=50, minimum=10, open_seconds=60, probes=3)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


def made(rules: Breaker = RULES) -> tuple[EndpointBreaker, Clock]:
    clock = Clock()
    return EndpointBreaker("openai:m", rules, clock), clock


def call(breaker: EndpointBreaker, error: BaseException | None = None) -> bool:
    """Make a call that ends in an error or well; whether it was let through."""

    async def run() -> None:
        async with breaker.call():
            if error:
                raise error

    try:
        asyncio.run(run())
    except ModelFailed as failed:
        return failed.reason != "circuit_open"
    except (OSError, asyncio.CancelledError):
        return True
    return True


def calls(breaker: EndpointBreaker, *, good: int = 0, bad: int = 0) -> None:
    for failed in [False] * good + [True] * bad:
        call(breaker, ModelFailed("error", "503") if failed else None)


def test_it_opens_at_a_fifth_of_failures_after_ten_calls() -> None:
    breaker, _ = made()
    calls(breaker, good=7, bad=2)
    assert breaker.state == BreakerState("openai:m", "closed", 2, 9)
    calls(breaker, good=1)
    assert breaker.state == BreakerState("openai:m", "open", 2, 10)
    assert not call(breaker)


@pytest.mark.parametrize("reason", ["content_policy", "context_window", "no_evidence", "unsupported"])
def test_what_says_nothing_about_the_endpoint_is_no_failure(reason: Reason) -> None:
    breaker, _ = made()
    for _ in range(20):
        call(breaker, ModelFailed(reason, "no"))
    assert breaker.state == BreakerState("openai:m", "closed", 0, 20)


@pytest.mark.parametrize("error", [ModelFailed("timeout", "late"), TimeoutError(), OSError("gone")])
def test_every_other_failure_counts(error: Exception) -> None:
    breaker, _ = made()
    for _ in range(10):
        call(breaker, error)
    assert breaker.state.state == "open"


def test_a_call_that_the_caller_gave_up_does_not_count() -> None:
    breaker, _ = made()
    for _ in range(20):
        call(breaker, asyncio.CancelledError())
    assert breaker.state == BreakerState("openai:m", "closed", 0, 0)


def opened() -> tuple[EndpointBreaker, Clock]:
    breaker, clock = made()
    calls(breaker, bad=10)
    return breaker, clock


def test_it_lets_a_call_through_again_after_a_minute() -> None:
    breaker, clock = opened()
    clock.now = 59.9
    assert not call(breaker)
    clock.now = 60
    assert call(breaker)
    assert breaker.state.state == "half_open"


def test_a_failure_among_the_three_opens_it_for_another_minute() -> None:
    breaker, clock = opened()
    clock.now = 60
    calls(breaker, good=2, bad=1)
    clock.now = 119
    assert (breaker.state.state, call(breaker)) == ("open", False)


def test_no_more_than_three_are_let_through_at_once_while_half_open() -> None:
    breaker, clock = opened()
    clock.now = 60

    async def run() -> list[bool]:
        release = asyncio.Event()

        async def one() -> bool:
            try:
                async with breaker.call():
                    await release.wait()
            except ModelFailed:
                return False
            return True

        tasks = [asyncio.create_task(one()) for _ in range(8)]
        await asyncio.sleep(0)
        release.set()
        return list(await asyncio.gather(*tasks))

    assert sorted(asyncio.run(run())) == [False] * 5 + [True] * 3


def test_a_probe_that_is_given_up_gives_its_place_back() -> None:
    breaker, clock = opened()
    clock.now = 60
    for _ in range(5):
        assert call(breaker, asyncio.CancelledError())
    calls(breaker, good=3)
    assert breaker.state.state == "closed"


def test_calls_that_take_long_are_no_failures() -> None:
    breaker, clock = made()

    async def slow() -> None:
        async with breaker.call():
            clock.now += 500

    for _ in range(20):
        asyncio.run(slow())
    assert breaker.state.state == "closed"


def test_one_endpoint_has_one_breaker_under_the_same_rules() -> None:
    one = breaker_of("openai:one", "http://a", RULES)
    assert one is breaker_of("openai:one", "http://a", Breaker())
    assert one is not breaker_of("openai:one", "http://b", RULES)
    assert one is not breaker_of("openai:two", "http://a", RULES)
    assert one is not breaker_of("openai:one", "http://a", Breaker(probes=1))


def test_every_breaker_can_be_read() -> None:
    calls(breaker_of("openai:read", "http://a", RULES), good=2, bad=1)
    assert BreakerState("openai:read", "closed", 1, 3) in breaker_states()
