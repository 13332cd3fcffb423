"""A table of questions becomes a table of answers: each row once, whatever happens."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable, write_deltalake
from support import QUICK, ROOT

from graph.batch.asking import ATTEMPTS, Pace, ask_row, ask_rows
from graph.batch.columns import ANSWERS, AnswerRows, question_of_row
from graph.batch.delta import Questions, Table
from graph.batch.estimate import estimate
from graph.batch.local import BatchPlan, run
from graph.cli.batch import batch
from graph.errors import BudgetExceeded, IndexBusy, ModelFailed, QuestionInvalid, SourceInvalid
from graph.release import Release
from graph.safety.sensitive import Action, Policy
from graph.state import no_usage

MAIL = "ann.lee@mail.example.org"
MODEL = Release(models={"simple": "openai:gpt-4o-mini", "complex": "openai:gpt-4o"})
PRICES = {"gpt-4o-mini": (0.15, 0.6), "gpt-4o": (2.5, 10.0)}


def asked(folder: Path, questions: list[str], **columns: list[Any]) -> str:
    """A table of questions with the ids 0, 1, 2 and so on."""
    columns = {"id": [*range(len(questions))], "question": questions, **columns}
    write_deltalake(folder / "questions", pa.table(columns))
    return str(folder / "questions")


def rows_of(uri: str) -> dict[str, dict[str, Any]]:
    """The answers by their ids; fails when one is there twice."""
    rows = list(Table(uri, ANSWERS).rows())
    assert not [name for name, times in Counter(row["id"] for row in rows).items() if times > 1]
    return {row["id"]: row for row in rows}


def answer(**told: Any) -> dict[str, Any]:
    """A reply of the graph."""
    own: dict[str, Any] = {
        "text": "Yes.",
        "status": "answered",
        "citations": [],
        "usage": no_usage(),
        "reason": None,
        "rung": "primary",
    }
    return {"answer": {**own, **told}}


async def yes(_: Any) -> dict[str, Any]:
    return answer()


def run_all(plan: BatchPlan, ask: Any = yes, commit_rows: int = 10, policy: Policy | None = None) -> Any:
    return asyncio.run(run(plan, ask, 4, commit_rows, AnswerRows({}, policy or Policy()), lambda _: None))


def test_every_row_is_answered_once_and_errors_are_kept(quick_handbook: Path, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text(f"name: quick\nembedding: {QUICK.embedding}\n")
    questions = ["How many days of annual leave do employees get?", "", "Who approves travel?", "Who approves travel?"]
    source = asked(tmp_path, questions, filters=[None, None, '{"no_such_column": 1}', "{"])
    command = ["--input", source, "--output", str(tmp_path / "answers"), "-r", str(release), "-i", str(quick_handbook)]
    first, second = (CliRunner().invoke(batch, [*command, "--json"], catch_exceptions=False) for _ in range(2))
    assert [json.loads(each.stdout)["answered"] for each in (first, second)] == [4, 0]
    rows = rows_of(str(tmp_path / "answers"))
    assert [rows[key]["error"] for key in "0123"] == [None, "QuestionInvalid", "FilterInvalid", "QuestionInvalid"]
    cited = rows["0"]["citations"][0]
    assert rows["0"]["status"] == "answered"
    assert cited["quote"] in rows["0"]["answer"]


def test_what_is_there_is_not_asked_again_and_errors_are_on_demand(tmp_path: Path) -> None:
    source, target, calls = asked(tmp_path, ["a", "b", "c"]), str(tmp_path / "answers"), list[str]()

    async def ask(question: Any) -> dict[str, Any]:
        calls.append(question["question"])
        if question["question"] == "b" and len(calls) < 4:
            raise QuestionInvalid("not now")
        return answer()

    for retry in (False, False, True):
        run_all(BatchPlan.of(source, "id", target, retry), ask)
    assert sorted(calls) == ["a", "b", "b", "c"]
    assert {row["error"] for row in rows_of(target).values()} == {None}


@pytest.mark.parametrize(
    ("action", "text", "status"),
    [
        ("allow", f"Ask {MAIL}.", "answered"),
        ("mask", "Ask <EMAIL_ADDRESS>.", "answered"),
        ("block", "The answer is withheld: it holds data that you may not see (EMAIL_ADDRESS).", "declined"),
    ],
)
def test_answers_are_written_as_the_policy_lets_them_be_seen(
    action: Action, text: str, status: str, tmp_path: Path
) -> None:
    source, target = asked(tmp_path, [f"Who is {MAIL}?", f"fail {MAIL}"]), str(tmp_path / "answers")

    async def ask(question: Any) -> dict[str, Any]:
        if question["question"].startswith("fail"):
            raise QuestionInvalid(f"not {MAIL}")
        return answer(text=f"Ask {MAIL}.", citations=[{"quote": f"Ask {MAIL}.", "marker": 1}])

    run_all(BatchPlan.of(source, "id", target), ask, policy=Policy({"EMAIL_ADDRESS": action}))
    rows = rows_of(target)
    assert (rows["0"]["answer"], rows["0"]["status"]) == (text, status)
    assert (MAIL in str(rows["0"])) == (MAIL in str(rows["1"]["question"])) == (action == "allow")
    assert rows["1"]["error_message"] == "not <EMAIL_ADDRESS>"


def test_a_plan_to_ask_errors_again_takes_none_of_them_out(tmp_path: Path) -> None:
    source, target = asked(tmp_path, ["a"]), str(tmp_path / "answers")

    async def fail(question: Any) -> dict[str, Any]:
        raise QuestionInvalid("not now")

    run_all(BatchPlan.of(source, "id", target), fail)
    assert BatchPlan.of(source, "id", target, retry=True).count == 1
    assert [row["error"] for row in rows_of(target).values()] == ["QuestionInvalid"]


def test_of_two_runs_over_one_table_one_is_refused(tmp_path: Path) -> None:
    source, target = asked(tmp_path, ["a", "b"]), str(tmp_path / "answers")
    first, second = (BatchPlan.of(source, "id", target) for _ in range(2))
    run_all(first)
    with pytest.raises(IndexBusy, match="Another run"):
        run_all(second)
    assert len(rows_of(target)) == 2


@pytest.mark.parametrize("ids", [["a", "a"], ["a", None]])
def test_rows_without_an_id_of_their_own_are_refused(tmp_path: Path, ids: list[str | None]) -> None:
    write_deltalake(tmp_path / "questions", pa.table({"id": ids, "question": ["x", "y"]}))
    with pytest.raises(SourceInvalid, match="id of its own"):
        Questions(str(tmp_path / "questions"), "id").count_new(set())


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    source = asked(tmp_path, ["a"])
    with pytest.raises(SourceInvalid, match="no column answer"):
        Table(source, ANSWERS)
    with pytest.raises(SourceInvalid, match="no column number"):
        Questions(source, "number")
    with pytest.raises(SourceInvalid, match="cannot be used"):
        Questions(str(tmp_path / "nowhere"), "id")


@pytest.mark.parametrize(
    ("trouble", "times", "attempts", "text"),
    [
        ("raised", 2, 3, "Yes."),
        ("answered", 2, 3, "Yes."),
        ("raised", ATTEMPTS, ATTEMPTS, None),
        ("answered", ATTEMPTS, ATTEMPTS, "Not now."),
    ],
)
def test_a_row_is_asked_again_while_an_endpoint_is_in_trouble(
    trouble: str, times: int, attempts: int, text: str | None
) -> None:
    asked = 0

    async def ask(_: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        if asked > times:
            return answer()
        if trouble == "raised":
            raise ModelFailed("error", "busy", transient=True)
        return answer(text="Not now.", reason="error", rung="decline")

    row = asyncio.run(ask_row({"id": "1", "question": "x"}, ask, AnswerRows({}, Policy()), Pace(1), pause=0))
    assert (row["attempts"], row["answer"], row["error"]) == (attempts, text, None if text else "ModelFailed")


def test_fewer_are_asked_at_once_while_an_endpoint_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that takes three at once."""
    under_way, peak, made = 0, list[int](), list[dict[str, Any]]()
    monkeypatch.setattr("graph.batch.asking.LONGEST_PAUSE", 0.0)

    async def ask(_: Any) -> dict[str, Any]:
        nonlocal under_way
        under_way += 1
        peak.append(under_way)
        try:
            await asyncio.sleep(0)
            if under_way <= 3:
                return answer()
            raise ModelFailed("error", "busy", transient=True)
        finally:
            under_way -= 1

    async def keep(row: dict[str, Any]) -> None:
        made.append(row)

    rows = ({"id": str(n), "question": "x"} for n in range(200))
    asyncio.run(ask_rows(rows, ask, 16, AnswerRows({}, Policy()), keep))
    assert len(made) == 200
    assert not [row for row in made if row["error"]]
    assert max(peak[100:]) <= 5


def test_the_estimate_comes_first_and_a_limit_needs_consent() -> None:
    assert estimate(5, Release(), {}).dollars == 0
    dear = estimate(10_000, MODEL, PRICES)
    assert (dear.model, dear.output_tokens) == ("openai:gpt-4o", 10_000 * MODEL.generation.max_tokens)
    assert dear.dollars == pytest.approx(dear.input_tokens * 2.5e-6 + dear.output_tokens * 1e-5)
    with pytest.raises(BudgetExceeded, match="--yes"):
        dear.check(10, yes=False)
    dear.check(10, yes=True)
    dear.check(1000, yes=False)
    with pytest.raises(BudgetExceeded, match="unknown cost"):
        estimate(10_000, MODEL, {}).check(10_000, yes=False)


@pytest.mark.parametrize(
    "row", [{"question": None}, {"question": "x", "history": "{}"}, {"question": "x", "filters": "["}]
)
def test_a_row_that_cannot_be_asked(row: dict[str, Any]) -> None:
    with pytest.raises(QuestionInvalid, match="column"):
        question_of_row(row)


KILLED = """
import asyncio, sys
from graph.batch.columns import AnswerRows
from graph.batch.local import BatchPlan, run
from graph.safety.sensitive import Policy
from graph.state import no_usage
async def ask(question):
    await asyncio.sleep(0.002)
    return {"answer": {"text": "Yes.", "citations": [], "usage": no_usage(), "reason": None, "rung": "primary"}}
plan = BatchPlan.of(sys.argv[1], "id", sys.argv[2])
asyncio.run(run(plan, ask, 4, 20, AnswerRows({}, Policy()), lambda progress: print(progress.answered, flush=True)))
"""


@pytest.mark.slow
def test_killed_at_any_time_no_row_is_lost_or_doubled(tmp_path: Path) -> None:
    source, target = asked(tmp_path, [f"question {n}" for n in range(1000)]), str(tmp_path / "answers")
    command = [sys.executable, "-c", KILLED, source, target]
    there = []
    for parts in (1, 3, 5):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}) as process:
            assert process.stdout is not None
            for _ in range(parts):
                process.stdout.readline()
            time.sleep(0.003 * parts)
            process.send_signal(signal.SIGKILL)
        there.append(len(rows_of(target)))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert 0 < there[0] < there[1] < there[2] < 1000
    assert len(rows_of(target)) == 1000
    assert DeltaTable(target).version() >= 50
