"""A batch on Databricks, by the real client against the emulated warehouse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from databricks_emulator import Emulator
from databricks_under_test import signed_in

from graph.batch.ai_query import Job, Warehouse, quoted
from graph.cli.batch import batch
from graph.errors import IndexBusy, RetrievalUnavailable, SourceInvalid
from graph.models.databricks import workspace

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SOURCE, TARGET = "main.support.questions", "main.support.answers"
JOB = Job(SOURCE, "id", TARGET, "warrant", {"gpt-4o": (1.0, 2.0)})
CITATION = {
    "marker": 1,
    "document": "a.md",
    "file": "a.md",
    "title": "A",
    "page": None,
    "quote": "It's so.",
    "other": 1,
}


def served(row: dict[str, Any]) -> dict[str, Any]:
    """The endpoint: a reply as the logged model gives it."""
    if row["question"] == "broken":
        raise ValueError("The endpoint did not answer.")
    if not row["question"]:
        return {"answer": None, "error": {"code": "QuestionInvalid", "message": "It is empty."}}
    usage = {"model": "databricks:gpt-4o", "calls": 1, "input_tokens": 500_000, "output_tokens": 250_000}
    answer = {"text": f"It's {row['question']}", "status": "answered", "confidence": 0.5, "usage": usage}
    return {"answer": {**answer, "citations": [CITATION], "reason": None}, "error": None}


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WARRANT_PRICES", '{"gpt-4o": [1, 2]}')
    monkeypatch.setattr("graph.batch.ai_query.PAUSES", (0.01,))
    with signed_in() as emulator:
        emulator.sql.endpoints["warrant"] = served
        emulator.sql.database.execute(f"CREATE TABLE `{SOURCE}` (id INTEGER, question TEXT)")
        questions = ["O'Brien; DROP TABLE x --", "", "broken", *(f"number {n}" for n in range(7))]
        rows = list(enumerate(questions))
        emulator.sql.database.executemany(f"INSERT INTO `{SOURCE}` VALUES (?, ?)", rows)
        yield emulator


def answers(emulator: Emulator) -> dict[str, dict[str, Any]]:
    """The answers by their ids."""
    cursor = emulator.sql.database.execute(f"SELECT * FROM `{TARGET}`")
    names = [each[0] for each in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def command(*more: str) -> Any:
    given = ["--engine", "databricks", "--endpoint", "warrant", "--warehouse", "warehouse-1"]
    return CliRunner().invoke(batch, ["--input", SOURCE, "--output", TARGET, *given, *more], catch_exceptions=False)


def test_a_table_is_answered_on_a_warehouse(emulator: Emulator) -> None:
    planned = command("--dry-run", "--commit-rows", "4")
    assert "MERGE INTO `main`.`support`.`answers`" in planned.output
    assert "10 questions" in planned.output
    assert answers(emulator) == {}
    assert json.loads(command("--commit-rows", "4", "--json").stdout) == {
        "expected": 10,
        "answered": 10,
        "failed": 2,
    }
    rows = answers(emulator)
    assert rows["0"]["answer"] == "It's O'Brien; DROP TABLE x --"
    assert json.loads(rows["0"]["citations"])[0]["quote"] == "It's so."
    assert (rows["0"]["cost"], rows["0"]["calls"], rows["0"]["confidence"]) == (1.0, 1, 0.5)
    assert (rows["1"]["error"], rows["1"]["error_message"]) == ("QuestionInvalid", "It is empty.")
    assert (rows["2"]["error"], rows["2"]["error_message"]) == ("ModelFailed", "The endpoint did not answer.")
    assert json.loads(command("--json").stdout)["expected"] == 0


def test_a_statement_that_outlived_its_run_doubles_no_row(emulator: Emulator) -> None:
    warehouse = Warehouse(workspace(), "warehouse-1")
    JOB.count(warehouse)
    left_behind = workspace().client.statement_execution.execute_statement(JOB.merge(0, 1), "warehouse-1")
    JOB.run(warehouse, 10, 10, lambda _: None)
    while (looked := workspace().client.statement_execution.get_statement(str(left_behind.statement_id))).status:
        if looked.status.state and looked.status.state.value not in ("PENDING", "RUNNING"):
            break
    assert looked.status is not None
    assert looked.status.error is not None
    assert "CONCURRENT" in str(looked.status.error.message)
    assert len(answers(emulator)) == 10


def test_what_goes_wrong_is_said_without_the_workspace(emulator: Emulator) -> None:
    warehouse = Warehouse(workspace(), "warehouse-1")
    for sql, error in (("SELECT FROM", "syntax"), ("DESCRIBE TABLE `no`.`such`.`table`", "NOT_FOUND")):
        with pytest.raises(RetrievalUnavailable, match=error):
            warehouse.rows(sql)
    with pytest.raises(RetrievalUnavailable, match="not a valid endpoint") as refused:
        Warehouse(workspace(), "another").rows("SELECT 1")
    assert emulator.url not in str(refused.value)
    emulator.fault("/api/2.0/sql/statements", status=503, retry_after=0)
    with pytest.raises(RetrievalUnavailable, match="does not answer"):
        warehouse.rows("SELECT 1")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO `{0}` VALUES (1, 'again')", "id of its own"),
        ("ALTER TABLE `{0}` ADD COLUMN groups TEXT", "has groups"),
        ("ALTER TABLE `{0}` RENAME COLUMN id TO number", "no column id"),
    ],
)
def test_tables_that_cannot_be_asked_are_refused(emulator: Emulator, statement: str, error: str) -> None:
    emulator.sql.database.execute(statement.format(SOURCE))
    with pytest.raises(SourceInvalid, match=error):
        JOB.count(Warehouse(workspace(), "warehouse-1"))


def test_a_concurrent_run_is_named(emulator: Emulator) -> None:
    warehouse = Warehouse(workspace(), "warehouse-1")
    JOB.count(warehouse)
    wrote, emulator.sql.endpoints["warrant"] = emulator.sql.versions, lambda row: served(row)
    submitted = emulator.sql.run

    def interfere(statement: Any) -> None:
        wrote[TARGET] += 1
        submitted(statement)

    emulator.sql.run = interfere  # type: ignore[method-assign]
    with pytest.raises(IndexBusy, match="Another run"):
        warehouse.rows(JOB.merge(0, 1))


def test_names_are_quoted() -> None:
    assert quoted("a.b`; DROP TABLE c.d") == "`a`.`b``; DROP TABLE c`.`d`"
