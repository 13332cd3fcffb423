"""One attempt: its time, its breaker, and the race of a hedged request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import pytest

from graph.backend import Brief
from graph.errors import ModelFailed
from graph.models.breaker import BreakerState, EndpointBreaker
from graph.release import Breaker
from graph.state import Failure, Rung, Usage, no_usage
from graph.steps.fallback import Climb, Step
from graph.steps.generate import Attempt, Call, attempt, reason_to_hedge, used

LONG = 30.0


@dataclass
class Voice:
    """Says its words, each after some seconds, then fails if it is told to; remembers being cut off."""

    name: str
    words: list[str | float | Exception]
    guard: EndpointBreaker = field(default_factory=lambda: EndpointBreaker("e", Breaker()))
    cut_off: bool = False

    @property
    def breaker(self) -> "Voice":
        return self

    def call(self) -> AbstractAsyncContextManager[None]:
        return self.guard.call()

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        usage["calls"] += 1
        usage["input_tokens"] += 10
        try:
            for word in self.words:
                if isinstance(word, Exception):
                    raise word
                if isinstance(word, float):
                    await asyncio.sleep(word)
                else:
                    yield word
        except asyncio.CancelledError:
            self.cut_off = True
            raise

    @property
    def counted(self) -> tuple[int, int]:
        state: BreakerState = self.guard.state
        return state.failures, state.calls


def asked(voice: Voice, *, seconds: float = LONG, blamed: bool = True, rung: Rung = "primary") -> Call:
    return Call(Climb(Step(rung, voice.name), seconds=seconds, blamed=blamed), voice, Brief("why?", [], []))


def run(*calls: Call, after: float | None = None) -> tuple[list[Attempt], list[str]]:
    heard: list[str] = []
    return asyncio.run(attempt(calls, after, heard.append)), heard


def detail(failure: Failure | None) -> str:
    return failure["detail"] if failure else ""


def test_every_piece_is_given_as_it_comes() -> None:
    [tried], heard = run(asked(Voice("a", ["one ", "two"])))
    assert (tried.text, tried.failure, heard) == ("one two", None, ["one ", "two"])


def test_a_failure_keeps_its_reason_and_the_wait_that_it_asks_for() -> None:
    failed = ModelFailed("error", "429", transient=True, retry_after=7.0)
    [tried], heard = run(asked(Voice("a", ["one ", failed])))
    assert tried.failure == {"reason": "error", "detail": "429", "transient": True, "retry_after": 7.0}
    assert heard == ["one "]


def test_a_call_that_takes_too_long_is_a_timeout_of_its_endpoint() -> None:
    voice = Voice("a", [LONG])
    [tried], _ = run(asked(voice, seconds=0.05))
    assert tried.failure
    assert (tried.failure["reason"], tried.failure["transient"]) == ("timeout", True)
    assert (voice.counted, voice.cut_off) == ((1, 1), True)


def test_a_call_that_the_deadline_cut_short_is_not_held_against_its_endpoint() -> None:
    voice = Voice("a", [LONG])
    [tried], _ = run(asked(voice, seconds=0.05, blamed=False))
    assert tried.failure
    assert (tried.failure["reason"], voice.counted) == ("timeout", (0, 0))


def test_an_open_circuit_is_a_failure_without_a_call() -> None:
    voice = Voice("a", ["one"])
    for _ in range(10):
        run(asked(Voice("b", [ModelFailed("error", "503")], voice.guard)))
    [tried], _ = run(asked(voice))
    assert tried.failure
    assert (tried.failure["reason"], tried.usage["calls"]) == ("circuit_open", 0)


def test_a_fault_of_ours_is_raised_and_no_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        run(asked(Voice("a", [ZeroDivisionError()])))
    with pytest.raises(ZeroDivisionError):
        run(asked(Voice("a", [0.2, "one"])), asked(Voice("b", [ZeroDivisionError()])), after=0.01)


def test_giving_up_ends_every_call() -> None:
    first, second = Voice("a", [LONG]), Voice("b", [LONG])

    async def give_up() -> None:
        task = asyncio.create_task(attempt([asked(first), asked(second)], 0.01, print))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert (first.cut_off, second.cut_off) == (True, True)
    assert (first.counted, second.counted) == ((0, 0), (0, 0))


def test_a_first_model_that_speaks_in_time_is_not_hedged() -> None:
    second = Voice("b", ["never"])
    tried, heard = run(asked(Voice("a", ["one ", 0.1, "two"])), asked(second, rung="hedge"), after=0.05)
    assert ([each.call.writer.name for each in tried], heard) == (["a"], ["one ", "two"])
    assert (second.counted, reason_to_hedge(tried)) == ((0, 0), None)


def test_the_second_model_wins_when_the_first_says_nothing() -> None:
    first, second = Voice("a", [LONG, "late"]), Voice("b", ["one ", "two"])
    tried, heard = run(asked(first), asked(second, rung="hedge"), after=0.02)
    assert (tried[0].call.writer.name, tried[0].text, heard) == ("b", "one two", ["one ", "two"])
    assert first.cut_off
    assert reason_to_hedge(tried) == {
        "reason": "timeout",
        "detail": "a had said nothing when a second request, sent later, was answered",
        "transient": True,
    }


def test_the_first_model_may_still_win_after_the_second_was_asked() -> None:
    second = Voice("b", [LONG])
    tried, heard = run(asked(Voice("a", [0.1, "one"])), asked(second, rung="hedge"), after=0.02)
    assert (tried[0].call.writer.name, heard, second.cut_off) == ("a", ["one"], True)
    assert (reason_to_hedge(tried), second.counted) == (None, (0, 0))


def test_only_the_winner_is_heard_when_both_speak_at_once() -> None:
    @dataclass
    class Together(Voice):
        """Waits until both have been asked."""

        both: asyncio.Event = field(default_factory=asyncio.Event)

        async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
            if self.name == "b":
                self.both.set()
            await self.both.wait()
            yield self.name
            await asyncio.sleep(0)
            yield self.name

    async def race() -> tuple[list[Attempt], list[str]]:
        both, heard = asyncio.Event(), list[str]()
        first, second = Together("a", [], both=both), Together("b", [], both=both)
        return await attempt([asked(first), asked(second, rung="hedge")], 0.01, heard.append), heard

    tried, heard = asyncio.run(race())
    assert heard == [tried[0].call.writer.name] * 2


def test_usage_counts_both_and_names_the_winner() -> None:
    before: Usage = {**no_usage(), "calls": 1, "output_tokens": 4}
    tried, _ = run(asked(Voice("a", [LONG])), asked(Voice("b", ["one"]), rung="hedge"), after=0.02)
    assert used(before, tried) == {"model": "b", "calls": 3, "input_tokens": 20, "output_tokens": 4}


def test_usage_keeps_the_last_model_where_none_was_asked() -> None:
    before: Usage = {**no_usage(), "model": "a", "calls": 1}
    voice = Voice("extractive", ["one"])
    tried = Attempt(asked(voice))
    assert used(before, [tried])["model"] == "a"


def test_being_outrun_by_another_endpoint_counts_as_a_failure() -> None:
    first = Voice("a", [LONG])
    run(asked(first), asked(Voice("b", ["one"]), rung="hedge"), after=0.02)
    assert first.counted == (1, 1)


def test_being_outrun_by_a_second_request_to_the_same_endpoint_counts_for_nothing() -> None:
    class Fickle(Voice):
        """Hangs the first time and speaks the second."""

        async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
            words: list[str | float | Exception] = [LONG] if not self.cut_off and not self.words else ["one"]
            self.words = ["asked"]
            async for word in Voice(self.name, words).write(brief, usage):
                yield word

    fickle = Fickle("a", [])
    tried, heard = run(asked(fickle), asked(fickle, rung="hedge"), after=0.02)
    assert (heard, tried[0].call.climb.step.rung, fickle.counted) == (["one"], "hedge", (0, 1))


def test_a_first_model_that_fails_in_time_is_left_to_the_ladder() -> None:
    second = Voice("b", ["one"])
    failed = ModelFailed("error", "503", transient=True)
    tried, heard = run(asked(Voice("a", [failed])), asked(second, rung="hedge"), after=5)
    assert (len(tried), detail(tried[0].failure), heard) == (1, "503", [])


def test_a_second_model_carries_on_when_the_first_fails_late() -> None:
    failed = ModelFailed("error", "503", transient=True)
    tried, _ = run(asked(Voice("a", [0.05, failed])), asked(Voice("b", [0.15, "one"]), rung="hedge"), after=0.02)
    assert tried[0].text == "one"
    assert detail(reason_to_hedge(tried)) == "503"


def test_when_both_fail_the_first_ones_failure_counts() -> None:
    late, later = ModelFailed("error", "a"), ModelFailed("error", "b")
    tried, _ = run(asked(Voice("a", [0.1, late])), asked(Voice("b", [later]), rung="hedge"), after=0.02)
    assert [detail(each.failure) for each in tried] == ["a", "b"]


def test_a_winner_that_fails_afterwards_has_failed() -> None:
    broken = ModelFailed("error", "cut", transient=True)
    tried, heard = run(asked(Voice("a", [LONG])), asked(Voice("b", ["one", broken]), rung="hedge"), after=0.02)
    assert (heard, detail(tried[0].failure)) == (["one"], "cut")
