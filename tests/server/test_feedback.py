"""POST /feedback, where it is kept, and the samples that come of it."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from server_under_test import app_over, key_file, serving
from support import QUICK

from evals.dataset import Sample
from graph.callers import ANONYMOUS
from server.cli.feedback import feedback, sample
from server.errors import RequestRefused
from server.observability.answer_store import (
    QUEUE_SIZE,
    WITH_SYNC,
    WITHOUT_SYNC,
    AnswerStore,
    _rate,
    open_answer_store,
    read_feedback,
)
from server.settings import ServerSettings

HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def client(quick_handbook: Path, state: Path) -> Iterator[httpx.Client]:
    keys = key_file(state / "keys.yaml", ann="key-of-ann", bob="key-of-bob", chief="key-of-chief")
    with (
        serving(app_over(quick_handbook, state, QUICK, keys=keys)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        client.headers["authorization"] = "Bearer key-of-ann"
        yield client


def ask(client: httpx.Client, **body: object) -> str:
    reply = client.post("/rag/invoke", json={**HOTEL, **body})
    answer: dict[str, str] = reply.json()["output"]
    return answer["request_id"]


def test_a_rated_answer_becomes_a_sample(client: httpx.Client, state: Path) -> None:
    name = ask(client)
    reply = client.post("/feedback", json={"request_id": name, "rating": "up", "comment": "quick"})
    assert reply.status_code == 204
    result = CliRunner().invoke(feedback, ["export", "--state", str(state)], catch_exceptions=False)
    sample = next(each for each in map(json.loads, result.stdout.splitlines()) if each["id"] == name)
    assert sample["question"] == "What is the hotel limit in the EU?"
    assert "EUR 145" in sample["reference"]
    assert "[1]" not in sample["reference"]
    assert sample["documents"] == ["handbook/policies/travel-expenses-2024.html"]
    assert (sample["answerable"], sample["tags"], sample["note"]) == (True, ["feedback", "up"], "quick")
    assert set(sample["origin"]) == {"answer", "release", "snapshot", "at"}
    assert Sample.model_validate(sample).reference == sample["reference"]


def test_a_record_of_a_corpus_is_named_by_its_id() -> None:
    citation = {"document": "pumps/17", "file": "pumps.jsonl.gz"}
    answer = {"text": "It holds 40 litres. [1]", "status": "answered", "citations": [citation]}
    row = {"request_id": "r", "rating": "up", "comment": "", "release": "a@1", "snapshot": "s", "said": 0.0}
    row |= {"asked": json.dumps({"question": "How much does it hold?"}), "answered": json.dumps(answer)}
    assert sample(row)["documents"] == ["pumps/17"]


def test_what_was_disliked_has_no_reference_until_somebody_writes_one(client: httpx.Client, state: Path) -> None:
    name = ask(client)
    client.post("/feedback", json={"request_id": name, "rating": "up"})
    client.post("/feedback", json={"request_id": name, "rating": "down", "comment": "too old"})
    rows = [row for row in read_feedback(state, "down", 0.0) if row["request_id"] == name]
    assert [row["comment"] for row in rows] == ["too old"]
    result = CliRunner().invoke(feedback, ["export", "--state", str(state), "--rating", "down"])
    sample = json.loads(result.stdout.splitlines()[-1])
    assert (sample["reference"], sample["documents"], sample["answerable"]) == (None, [], None)
    with pytest.raises(ValidationError, match="answerable"):
        Sample.model_validate(sample)
    assert Sample.model_validate({**sample, "answerable": True, "reference": "EUR 150"}).note == "too old"


def test_only_who_asked_may_rate(client: httpx.Client) -> None:
    name = ask(client)
    rated = {"request_id": name, "rating": "up"}
    other = client.post("/feedback", json=rated, headers={"authorization": "Bearer key-of-bob"})
    unknown = client.post("/feedback", json={**rated, "request_id": "nobody-asked-this"})
    assert (other.status_code, unknown.status_code) == (404, 404)
    assert other.json()["error"]["code"] == "not_found"
    assert client.post("/feedback", json=rated, headers={"authorization": "Bearer key-of-chief"}).status_code == 204


def test_an_id_that_a_client_gives_reaches_no_record_of_another_caller(client: httpx.Client, state: Path) -> None:
    mine = ask(client)
    theirs = {"authorization": "Bearer key-of-bob", "x-request-id": mine}
    other = client.post("/rag/invoke", json={"input": {"question": "Are dogs allowed?"}}, headers=theirs)
    assert other.headers["x-request-id"] == mine
    assert client.post("/feedback", json={"request_id": mine, "rating": "up"}, headers=theirs).status_code == 404
    assert client.post("/feedback", json={"request_id": mine, "rating": "up"}).status_code == 204
    [row] = [row for row in read_feedback(state, None, 0.0) if row["request_id"] == mine]
    assert (row["caller"], json.loads(row["asked"])["question"]) == ("ann", HOTEL["input"]["question"])
    with closing(open_answer_store(state)) as file:
        found = file.execute("SELECT caller FROM questions WHERE client_id = ?", (mine,)).fetchall()
    assert [row["caller"] for row in found] == ["bob"]


def test_each_question_of_a_batch_has_a_record_of_its_own(client: httpx.Client, state: Path) -> None:
    questions = ["What is the hotel limit in the EU?", "After how many years are laptops replaced?"]
    reply = client.post("/rag/batch", json={"inputs": [{"question": question} for question in questions]})
    names = [answer["request_id"] for answer in reply.json()["output"]]
    for name, rating in zip(names, ("up", "down"), strict=True):
        assert client.post("/feedback", json={"request_id": name, "rating": rating}).status_code == 204
    rows = {row["request_id"]: row for row in read_feedback(state, None, 0.0)}
    assert [json.loads(rows[name]["asked"])["question"] for name in names] == questions
    assert [rows[name]["rating"] for name in names] == ["up", "down"]


@pytest.mark.parametrize("wrong", [{"rating": "maybe"}, {"comment": "x" * 4001}, {"request_id": "../etc"}])
def test_what_is_no_feedback_is_refused(client: httpx.Client, wrong: dict[str, str]) -> None:
    reply = client.post("/feedback", json={"request_id": "0" * 32, "rating": "up", **wrong})
    assert reply.status_code == 422
    assert next(iter(wrong)) in reply.json()["error"]["message"]


def test_export_writes_a_file_whole(client: httpx.Client, state: Path, tmp_path: Path) -> None:
    client.post("/feedback", json={"request_id": ask(client), "rating": "up"})
    out = tmp_path / "samples.jsonl"
    CliRunner().invoke(feedback, ["export", "--state", str(state), "--out", str(out)], catch_exceptions=False)
    assert all(json.loads(line)["id"] for line in out.read_text("utf-8").splitlines())
    assert list(tmp_path.iterdir()) == [out]
    late = CliRunner().invoke(feedback, ["export", "--state", str(state), "--since", "2999-01-01"])
    assert late.stdout == ""


def test_questions_are_not_kept_unless_wanted(quick_handbook: Path, tmp_path: Path) -> None:
    with (
        serving(app_over(quick_handbook, tmp_path, QUICK, keep_questions=False)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        assert client.post("/feedback", json={"request_id": ask(client), "rating": "down"}).status_code == 204
    assert [row["asked"] for row in read_feedback(tmp_path, None, 0.0)] == [None]
    assert b"hotel" not in (tmp_path / "feedback.db").read_bytes()


def test_old_questions_are_forgotten_unless_somebody_spoke_of_them(quick_handbook: Path, tmp_path: Path) -> None:
    long_ago = time.time() - 2 * 86_400
    with closing(open_answer_store(tmp_path)) as file, file:
        rows = [(name, long_ago, "anonymous", "", "r", "s", "answered") for name in ("forgotten", "remembered")]
        file.executemany(
            "INSERT INTO questions (request_id, at, caller, session, release, snapshot, status) VALUES (?,?,?,?,?,?,?)",
            rows,
        )
        file.execute("INSERT INTO feedback VALUES ('remembered', ?, 'up', '')", (long_ago,))
    with (
        serving(app_over(quick_handbook, tmp_path, QUICK, keep_days=1)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        new = ask(client)
    with closing(open_answer_store(tmp_path)) as file:
        assert {row["request_id"] for row in file.execute("SELECT request_id FROM questions")} == {"remembered", new}


def stored_question(state: Path) -> sqlite3.Connection:
    """A store with the question `one` of nobody."""
    connection = open_answer_store(state)
    connection.execute(
        "INSERT INTO questions (request_id, at, caller, session, release, snapshot, status) "
        "VALUES ('one', 0, 'anonymous', '', '', '', '')"
    )
    connection.commit()
    return connection


def test_only_feedback_waits_for_the_disk(tmp_path: Path) -> None:
    with closing(stored_question(tmp_path)) as connection:
        said: list[str] = []
        connection.set_trace_callback(said.append)
        _rate(connection, "one", ANONYMOUS, "up", "")
        assert said[0] == WITH_SYNC
        assert said[-2:] == ["COMMIT", WITHOUT_SYNC]


def test_feedback_is_refused_when_too_much_waits(tmp_path: Path) -> None:
    with AnswerStore(ServerSettings(state=tmp_path)) as store, closing(stored_question(tmp_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(QUEUE_SIZE):
            store.rate("one", ANONYMOUS, "up", "")
        with pytest.raises(RequestRefused, match="does not take requests"):
            store.rate("one", ANONYMOUS, "up", "").result(0)
