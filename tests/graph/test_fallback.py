from itertools import product
from typing import Any

import pytest

from graph.fallback import Step, after, ladder
from graph.release import Generation, Models, Release
from graph.state import Failure, Route

WRITERS = ("extractive", "openai:large", "openai:small")
RETRY, BACKUP = Step("retry", "openai:large"), Step("backup", "openai:small")
EXTRACTIVE, DECLINE = Step("extractive", "extractive"), Step("decline", None)
FULL = [RETRY, BACKUP, EXTRACTIVE, DECLINE]


def rungs(primary: str, backup: str, retries: int = 1, route: Route = "simple") -> list[Step]:
    models = Models(simple="llama:smollm2", complex="llama:smollm2", backup=backup).model_copy(update={route: primary})
    return ladder(Release(models=models, generation=Generation(retries=retries)), route)


def failure(reason: str, *, transient: bool = False) -> Failure:
    return {"reason": reason, "detail": "", "transient": transient}


@pytest.mark.parametrize(
    ("primary", "backup", "steps"),
    [
        ("openai:large", "openai:small", FULL),
        ("openai:large", "openai:large", [RETRY, EXTRACTIVE, DECLINE]),
        ("openai:large", "extractive", [RETRY, EXTRACTIVE, DECLINE]),
        ("extractive", "openai:small", [Step("retry", "extractive"), BACKUP, DECLINE]),
        ("extractive", "extractive", [Step("retry", "extractive"), DECLINE]),
    ],
)
@pytest.mark.parametrize("route", ["simple", "complex"])
def test_the_ladder_of_each_primary_and_backup(primary: str, backup: str, steps: list[Step], route: Route) -> None:
    assert rungs(primary, backup, route=route) == steps


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_primary_is_retried_as_often_as_the_release_says(retries: int) -> None:
    assert rungs("openai:large", "openai:small", retries) == [RETRY] * retries + [BACKUP, EXTRACTIVE, DECLINE]


@pytest.mark.parametrize(("primary", "backup"), list(product(WRITERS, WRITERS)))
def test_no_writer_stands_on_two_rungs_and_the_last_one_declines(primary: str, backup: str) -> None:
    writers = [step.writer for step in rungs(primary, backup)]
    assert len(writers) == len(set(writers))
    assert writers[-1] is None
    assert {primary, backup, "extractive"} >= set(writers[:-1]) >= {primary, "extractive"}


@pytest.mark.parametrize("reason", ["error", "timeout"])
def test_a_passing_failure_is_retried(reason: str) -> None:
    assert FULL[after(FULL, 0, failure(reason, transient=True))] == RETRY


@pytest.mark.parametrize(
    "failed",
    [
        failure("error"),
        failure("timeout"),
        failure("context_window", transient=True),
        failure("content_policy", transient=True),
        failure("unsupported", transient=True),
    ],
)
def test_a_failure_that_would_come_again_skips_the_retries(failed: Failure) -> None:
    assert FULL[after([RETRY, *FULL], 0, failed) - 1] == BACKUP


def test_without_evidence_there_is_nothing_to_try() -> None:
    assert FULL[after(FULL, 0, failure("no_evidence", transient=True))] == DECLINE


@pytest.mark.parametrize(("taken", "rung"), [(0, RETRY), (1, BACKUP), (2, EXTRACTIVE), (3, DECLINE), (4, DECLINE)])
def test_the_next_rung_is_the_one_above_those_taken_until_the_last(taken: int, rung: Step) -> None:
    assert FULL[after(FULL, taken, failure("error", transient=True))] == rung


@pytest.mark.parametrize("reason", ["error", "unsupported", "no_evidence"])
def test_climbing_always_ends_on_the_last_rung(reason: str) -> None:
    failed: Any = failure(reason, transient=True)
    taken = [0]
    while taken[-1] < len(FULL):
        taken.append(after(FULL, taken[-1], failed) + 1)
    assert taken == sorted(set(taken))
