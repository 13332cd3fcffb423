"""Sensitive data by roles: in answers and their streams, logs, traces, errors, and what is stored."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from server_under_test import app_over, serving
from support import QUICK, run_index

from graph.callers import Role
from graph.errors import SettingsInvalid
from graph.safety.sensitive import policy_of
from server.errors import ErrorResponse
from server.observability.answer_store import read_feedback
from server.observability.logs import _JsonLines
from server.sensitive import AnswerFilter, StoredTexts
from server.settings import ServerSettings

CARD, MAIL = "4012 8888 8888 1881", "ann.lee@mail.example.org"
TEXT = f"# Lunch\n\nThe lunch of the Corrento team is paid with the card {CARD}, and {MAIL} has the receipts.\n"
QUESTION = f"Which card pays for the lunch of the Corrento team, asks {MAIL}?"


@pytest.fixture(scope="module")
def lunch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of one document with sensitive data."""
    folder = tmp_path_factory.mktemp("lunch")
    (folder / "lunch.md").write_text(TEXT, "utf-8")
    run_index(folder, folder / "index")
    return folder / "index"


def told(index: Path, state: Path, **settings: object) -> tuple[dict[str, Any], str]:
    """The answer of one call, and all that a stream says in another one."""
    with (
        serving(app_over(index, state, QUICK, **settings)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        asked = {"input": {"question": QUESTION, "session_id": "s"}}
        answer = client.post("/rag/invoke", json=asked).json()["output"]
        client.post("/feedback", json={"request_id": answer["request_id"], "rating": "up", "comment": f"Ask {MAIL}."})
        stream = client.post("/rag/stream", json={"input": {"question": QUESTION}}).text
        follow_up = client.get("/conversations").text
        for cited in answer["citations"]:
            place = {name: cited[name] for name in ("document", "start", "end")}
            excerpt = client.get("/documents", params=place).json()
            assert len(excerpt["cited"]) == cited["end"] - cited["start"]
            follow_up += json.dumps(excerpt, ensure_ascii=False)
    return answer, stream + follow_up


@pytest.mark.parametrize(
    ("policy", "seen", "hidden"),
    [
        ({}, [MAIL], [CARD]),
        ({"*": {"CREDIT_CARD": "allow"}}, [CARD, MAIL], []),
        ({"*": {"*": "mask"}}, [], [CARD, MAIL]),
        ({"*": {"CREDIT_CARD": "block"}}, [], [CARD, "receipts"]),
    ],
)
def test_an_answer_and_its_stream_follow_the_policy(
    lunch: Path, tmp_path: Path, policy: dict[str, Any], seen: list[str], hidden: list[str]
) -> None:
    answer, stream = told(lunch, tmp_path, sensitive=policy)
    for each in seen:
        assert each in answer["text"]
        assert each in stream
    for each in hidden:
        assert each not in json.dumps({**answer, "asked": ""})
        assert each not in stream.replace(QUESTION, "")
    assert (answer["reason"] == "sensitive_data") == ("block" in json.dumps(policy))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["plain", "mask", "encrypt"])
def test_texts_are_stored_as_the_settings_say(lunch: Path, tmp_path: Path, mode: str) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings = {"stored_texts": mode, "stored_key": f"{new},{old}", "sensitive": {"*": {"CREDIT_CARD": "allow"}}}
    told(lunch, tmp_path, **settings)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    assert (MAIL.encode() in stored) == (mode == "plain")
    assert (b"Corrento" in stored) == (mode != "encrypt")
    texts = StoredTexts(ServerSettings(state=tmp_path, **settings))  # type: ignore[arg-type]
    [row] = read_feedback(tmp_path, "up", 0.0, texts.read)
    known = MAIL if mode != "mask" else "<EMAIL_ADDRESS>"
    assert (json.loads(row["asked"])["question"], row["comment"]) == (
        QUESTION.replace(MAIL, known),
        f"Ask {known}.",
    )


def test_encrypted_texts_need_a_key_that_fits() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with pytest.raises(SettingsInvalid, match="WARRANT_STORED_KEY"):
        StoredTexts(ServerSettings(stored_texts="encrypt"))
    with pytest.raises(SettingsInvalid, match="Fernet"):
        StoredTexts(ServerSettings(stored_texts="encrypt", stored_key="short"))
    before = StoredTexts(ServerSettings(stored_texts="encrypt", stored_key=old)).store("a")
    after = ServerSettings(stored_texts="encrypt", stored_key=f"{new},{old}")
    assert StoredTexts(after).read(before) == "a"
    with pytest.raises(SettingsInvalid, match="no key"):
        StoredTexts(ServerSettings(stored_key=new)).read(before)


def test_a_role_has_its_own_policy_and_the_most_lenient_of_several_counts() -> None:
    settings = ServerSettings(sensitive={"app_team": {"EMAIL_ADDRESS": "mask"}, "security_admin": {"*": "allow"}})
    assert AnswerFilter(policy_of([Role.APP_TEAM], settings.sensitive)).apply({"text": f"{MAIL} {CARD}"}) == {
        "text": "<EMAIL_ADDRESS> <CREDIT_CARD>"
    }
    assert policy_of([Role.APP_TEAM, Role.SECURITY_ADMIN], settings.sensitive).masked == ()
    assert policy_of([Role.DATA_SCIENTIST], settings.sensitive).of("CREDIT_CARD") == "mask"


def test_errors_and_logs_are_masked() -> None:
    assert MAIL not in json.dumps(ErrorResponse(422, "filter_invalid", f"There is no {MAIL}.").body("1"))
    record = logging.LogRecord("a", logging.INFO, "a", 1, f"It failed for {MAIL}.", (), None)
    record.question = QUESTION
    assert MAIL not in _JsonLines("{message}", style="{").format(record)
