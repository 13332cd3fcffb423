"""The ladder: which rung comes next, after what pause, and in how much time."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.release import Generation, Models, Release, Roles, RoleTerms
from graph.state import Failure, Route
from graph.steps.fallback import Climb, Moment, Step, begin, begin_hedge, climb, ladder, worth

WRITERS = ("extractive", "openai:large", "openai:small")
RETRY, BACKUP = Step("retry", "openai:large"), Step("backup", "openai:small", "backup")
SHRUNK = Step("retry", "openai:large", share=0.5)
EXTRACTIVE, DECLINE = Step("extractive", "extractive"), Step("decline", None)
FULL = [RETRY, SHRUNK, BACKUP, EXTRACTIVE, DECLINE]


def release(primary: str = "openai:large", backup: str = "openai:small", **generation: Any) -> Release:
    models = Models(simple=primary, complex="openai:other", backup=backup)
    return Release(models=models, generation=Generation(**{"retries": 1, **generation}))


def failure(reason: str, *, transient: bool = False, retry_after: float | None = None) -> Failure:
    told = Failure(reason=reason, detail="", transient=transient)
    if retry_after is not None:
        told["retry_after"] = retry_after
    return told


def next_step(failed: Failure, taken: int = 0, *, left: float = 45.0, of: Release | None = None) -> Climb:
    return climb(of or release(), "simple", failed, Moment(left, taken))


@pytest.mark.parametrize(
    ("primary", "backup", "steps"),
    [
        ("openai:large", "openai:small", FULL),
        ("openai:large", "openai:large", [RETRY, SHRUNK, EXTRACTIVE, DECLINE]),
        ("openai:large", "extractive", [RETRY, SHRUNK, EXTRACTIVE, DECLINE]),
        ("extractive", "openai:small", [Step("retry", "extractive"), BACKUP, DECLINE]),
        ("extractive", "extractive", [Step("retry", "extractive"), DECLINE]),
    ],
)
def test_the_ladder_of_each_primary_and_backup(primary: str, backup: str, steps: list[Step]) -> None:
    assert ladder(release(primary, backup), "simple") == steps


def test_the_complex_route_has_its_own_model_and_terms() -> None:
    chosen = release(roles=Roles(complex=RoleTerms(timeout=3)))
    assert ladder(chosen, "complex")[0] == Step("retry", "openai:other", "complex")
    assert (begin(chosen, "complex", 45).seconds, begin(chosen, "simple", 45).seconds) == (3, 20)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_primary_is_retried_as_often_as_the_release_says(retries: int) -> None:
    assert ladder(release(retries=retries), "simple") == [RETRY] * retries + FULL[1:]


@pytest.mark.parametrize(("primary", "backup"), list(product(WRITERS, WRITERS)))
def test_no_writer_stands_on_two_rungs_but_to_retry_and_the_last_one_declines(primary: str, backup: str) -> None:
    steps = ladder(release(primary, backup), "simple")
    writers = [step.writer for step in steps if step.rung != "retry"]
    assert len(writers) == len(set(writers))
    assert writers[-1] is None
    assert {primary, backup, "extractive"} >= {step.writer for step in steps[:-1]} >= {primary, "extractive"}


@pytest.mark.parametrize("reason", ["error", "timeout"])
def test_a_passing_failure_is_retried(reason: str) -> None:
    assert next_step(failure(reason, transient=True)).step == RETRY


@pytest.mark.parametrize(
    "failed",
    [
        failure("error"),
        failure("timeout"),
        failure("circuit_open", transient=True),
        failure("content_policy", transient=True),
        failure("unsupported", transient=True),
    ],
)
def test_a_failure_that_would_come_again_skips_the_retries(failed: Failure) -> None:
    assert next_step(failed).step == BACKUP


def test_a_request_that_was_too_long_is_sent_shorter_once() -> None:
    first = next_step(failure("context_window"))
    assert (first.step, first.number, first.pause) == (SHRUNK, 2, 0.0)
    assert next_step(failure("context_window"), first.number).step == BACKUP


def test_without_evidence_there_is_nothing_to_try() -> None:
    assert next_step(failure("no_evidence", transient=True)).step == DECLINE


@pytest.mark.parametrize(("taken", "rung"), [(0, RETRY), (1, BACKUP), (3, EXTRACTIVE), (4, DECLINE), (9, DECLINE)])
def test_the_next_rung_is_below_those_taken_until_the_last(taken: int, rung: Step) -> None:
    assert next_step(failure("error", transient=True), taken).step == rung


@settings(deadline=None)
@given(
    st.sampled_from(["error", "timeout", "unsupported", "no_evidence", "context_window", "circuit_open"]),
    st.floats(-5, 60),
)
def test_climbing_always_ends_on_the_last_rung(reason: str, left: float) -> None:
    taken = [0]
    while (chosen := next_step(failure(reason, transient=True), taken[-1], left=left)).step != DECLINE:
        taken.append(chosen.number)
    assert taken == sorted(set(taken))


def test_a_writer_whose_draft_was_refused_is_not_asked_again() -> None:
    chosen = climb(release(), "simple", failure("unsupported"), Moment(45, 0, "openai:small"))
    assert chosen.step == EXTRACTIVE
    assert not worth(BACKUP, failure("unsupported"), "openai:small")


@pytest.mark.parametrize(("taken", "draw", "pause"), [(0, 1.0, 0.5), (1, 1.0, 1.0), (2, 0.25, 0.5), (4, 1.0, 8.0)])
def test_pauses_are_drawn_from_a_range_that_doubles(taken: int, draw: float, pause: float) -> None:
    chosen = climb(
        release(retries=5, backoff=0.5 if taken < 4 else 4.0),
        "simple",
        failure("error", transient=True),
        Moment(45, taken, None, draw),
    )
    assert chosen.pause == pause


def test_the_backup_is_asked_without_a_pause() -> None:
    assert next_step(failure("error", retry_after=5)).pause == 0.0


def test_a_wait_that_the_endpoint_asks_for_is_kept_when_it_fits() -> None:
    chosen = next_step(failure("error", transient=True, retry_after=20))
    assert (chosen.step, chosen.pause) == (RETRY, 20)
    assert chosen.seconds == pytest.approx(45 - 20 - 1 - 15)


@pytest.mark.parametrize("retry_after", [28, 60, 1e9])
def test_a_wait_that_does_not_fit_goes_to_the_next_rung_at_once(retry_after: float) -> None:
    chosen = next_step(failure("error", transient=True, retry_after=retry_after))
    assert (chosen.step, chosen.pause) == (BACKUP, 0.0)


def test_a_model_gets_its_timeout_while_there_is_time() -> None:
    assert begin(release(), "simple", 45).seconds == 20


def test_a_model_leaves_the_backup_and_the_quotes_their_time() -> None:
    assert begin(release(timeout=600), "simple", 45).seconds == pytest.approx(45 - 1 - 15)
    assert begin(release(timeout=600, backup="extractive"), "simple", 45).seconds == pytest.approx(44)


def test_a_model_that_would_get_too_little_is_not_asked() -> None:
    assert next_step(failure("error", transient=True), left=18.6).step == RETRY
    assert next_step(failure("error", transient=True), left=17.9).step == BACKUP
    assert next_step(failure("error", transient=True), left=2.9).step == EXTRACTIVE
    assert begin(release(), "simple", 17.9).seconds == 0


def test_the_quotes_are_given_even_when_the_time_is_over() -> None:
    chosen = next_step(failure("timeout", transient=True), left=-3)
    assert (chosen.step, chosen.seconds > 0) == (EXTRACTIVE, True)


@pytest.mark.parametrize(("left", "blamed"), [(45, True), (26.1, True), (25.9, False)])
def test_a_model_is_blamed_for_a_timeout_only_when_it_had_half_of_its_own(left: float, blamed: bool) -> None:
    assert begin(release(), "simple", left).blamed is blamed


@settings(deadline=None)
@given(st.floats(0, 45), st.floats(0.1, 60), st.floats(0.5, 60), st.integers(0, 5), st.floats(0, 50))
def test_no_rung_takes_more_than_is_left(
    spent: float, timeout: float, deadline: float, taken: int, retry_after: float
) -> None:
    of = release(timeout=timeout, deadline=deadline, retries=2)
    chosen = next_step(failure("error", transient=True, retry_after=retry_after), taken, left=deadline - spent, of=of)
    if chosen.step not in (EXTRACTIVE, DECLINE):
        assert chosen.pause + chosen.seconds < deadline - spent
        assert 0 < chosen.seconds <= timeout


def test_hedging_is_off_unless_the_release_asks_for_it() -> None:
    assert begin_hedge(release(), "simple", 45) is None
    assert begin_hedge(release("extractive", hedge_after=1), "simple", 45) is None


def test_the_second_request_goes_to_the_backup_or_else_to_the_same_model() -> None:
    to_backup = begin_hedge(release(hedge_after=2), "simple", 45)
    to_same = begin_hedge(release(backup="extractive", hedge_after=2), "simple", 45)
    assert to_backup
    assert to_same
    assert (to_backup.step, to_same.step) == (
        Step("hedge", "openai:small", "backup"),
        Step("hedge", "openai:large", "simple"),
    )


def test_the_second_request_has_what_is_left_when_it_begins() -> None:
    second = begin_hedge(release(hedge_after=10, timeout=40, backup="extractive"), "simple", 45)
    assert second
    assert second.seconds == pytest.approx(45 - 10 - 1)


@pytest.mark.parametrize("route", ["simple", "complex"])
def test_the_first_rung_is_the_model_of_the_route(route: Route) -> None:
    named = {"simple": "openai:large", "complex": "openai:other"}
    assert begin(release(), route, 45).step == Step("primary", named[route], route)
