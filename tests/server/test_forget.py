"""`warrant forget`: nothing that a caller said is left in any file, and everybody else's is."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from server_under_test import app_over, key_file, serving, until
from support import QUICK

from graph.audit import read_records, verify_log
from server.files import wipe_deleted
from server.limits.usage import UsageStore
from server.observability.answer_store import open_answer_store
from server.observability.mlflow_traces import MlflowTraceStore
from warrant import warrant

# MLflow warns of its own type hints when it is imported.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


HASHED = f"sha256:{hashlib.sha256(b'ann').hexdigest()}"


def asked(index: Path, state: Path, uri: str) -> MlflowTraceStore:
    """Ask a question and rate its answer as ann and as bob; gives the traces of both."""
    keys = key_file(state.parent / "keys.yaml", ann="key-of-ann", bob="key-of-bob")
    options: dict[str, Any] = {"keys": keys, "traces": uri, "traces_share": 1.0, "audit_questions": True}
    with serving(app_over(index, state, QUICK, **options)) as url:
        for name in ("ann", "bob"):
            question = {"question": f"What is the hotel limit in the EU for {name}'s zebra?", "session_id": "talk"}
            headers = {"x-api-key": f"key-of-{name}"}
            output = httpx.post(f"{url}/rag/invoke", json={"input": question}, headers=headers, timeout=60).json()
            rating = {"request_id": output["output"]["request_id"], "rating": "up", "comment": f"{name} likes zebras"}
            assert httpx.post(f"{url}/feedback", json=rating, headers=headers, timeout=60).status_code < 300
        traces = MlflowTraceStore(uri, "warrant")
        until(lambda: len(traces._client.search_traces(locations=[traces._experiment])) == 2)
    return traces


def files_with(place: Path, words: str) -> Iterator[str]:
    for path in place.rglob("*"):
        if path.is_file() and words.encode() in path.read_bytes():
            yield path.name


def free_pages(path: Path) -> int:
    """Pages of a database in which deleted rows may still be read."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def test_deleted_rows_are_wiped_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ("secure_delete = OFF", "journal_mode = WAL"):
            connection.execute(f"PRAGMA {statement}")
        connection.execute("CREATE TABLE said (words TEXT)")
        connection.execute("INSERT INTO said VALUES (?)", ("the zebra's secret",))
        connection.execute("DELETE FROM said")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert [*files_with(tmp_path, "the zebra's secret")] == ["some.db"]
    wipe_deleted(path)
    assert [*files_with(tmp_path, "the zebra's secret")] == []


def test_a_caller_is_forgotten_everywhere_and_nobody_else(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, uri = tmp_path / "state", f"sqlite:///{tmp_path}/traces.db"
    traces = asked(quick_handbook, state, uri)
    for name in ("ann", "bob"):
        assert {*files_with(state, f"{name}'s zebra")} >= {"conversations.db", "feedback.db"}
    with closing(open_answer_store(state)) as connection, connection:
        connection.execute("UPDATE questions SET answered = ? WHERE caller = 'ann'", ("x" * 100_000,))
    for name, value in {"STATE": state, "TRACES": uri, "AUDIT": state / "audit.jsonl"}.items():
        monkeypatch.setenv(f"WARRANT_{name}", str(value))
    done = CliRunner().invoke(warrant, ["forget", "--caller", "ann"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "1 conversations, 1 questions, 1 rows of usage, 1 traces deleted.\n"
    assert [*files_with(state, "ann's zebra"), *files_with(state, "ann likes")] == []
    assert {*files_with(state, "bob's zebra")} >= {"conversations.db", "feedback.db"}
    assert [free_pages(state / name) for name in ("conversations.db", "feedback.db", "usage.sqlite")] == [0, 0, 0]
    left = traces._client.search_traces(locations=[traces._experiment])
    assert [each.info.trace_metadata["mlflow.trace.user"] for each in left] == ["bob"]
    usage = UsageStore(None, state)
    assert sorted((row["caller"], row["requests"]) for row in usage.used()) == [("", 1), ("bob", 1)]
    usage.close()
    assert verify_log(state / "audit.jsonl") is None
    records = [*read_records(state / "audit.jsonl")]
    assert {(each.act, each.target) for each in records[-2:]} == {("forget", HASHED)}
    assert not any("zebra" in each.line().decode() for each in records)
    again = CliRunner().invoke(warrant, ["forget", "--caller", "ann"])
    assert again.stdout == "0 conversations, 0 questions, 0 rows of usage, 0 traces deleted.\n"
    assert CliRunner().invoke(warrant, ["forget", "--caller", "a' OR 1=1"]).exit_code == 2
