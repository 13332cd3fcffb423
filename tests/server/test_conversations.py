"""Conversations: remembered under the caller who began them, in SQLite and in Postgres."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK

from graph.errors import SettingsInvalid
from graph.state import Turn
from server.conversations import Conversations
from server.settings import ServerSettings

FIRST = {"question": "What is the hotel limit in the EU?"}
NEXT = {"question": "And in Switzerland?"}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def client(
    request: pytest.FixtureRequest, quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    state = tmp_path_factory.mktemp("talks")
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    keys = key_file(state / "keys.yaml", ann="key-of-ann", bob="key-of-bob")
    with ExitStack() as stack:
        served = stack.enter_context(serving(app_over(quick_handbook, state, QUICK, keys=keys, sessions=url)))
        client = stack.enter_context(httpx.Client(base_url=served, timeout=60))
        client.headers["authorization"] = "Bearer key-of-ann"
        yield client


BOB = {"authorization": "Bearer key-of-bob"}


def ask(client: httpx.Client, question: dict[str, str], session: str, **more: object) -> httpx.Response:
    return client.post("/rag/invoke", json={"input": {**question, "session_id": session}}, **more)  # type: ignore[arg-type]


def test_a_follow_up_is_understood_from_what_was_asked_before(client: httpx.Client) -> None:
    alone = ask(client, NEXT, "").json()["output"]
    ask(client, FIRST, "talk-1")
    followed = ask(client, NEXT, "talk-1").json()["output"]
    assert followed["asked"] != alone["asked"]
    assert "hotel" in followed["asked"]
    assert followed["session_id"] == "talk-1"


def test_another_caller_with_the_same_id_has_a_conversation_of_its_own(client: httpx.Client) -> None:
    ask(client, FIRST, "shared")
    other = ask(client, NEXT, "shared", headers=BOB).json()["output"]
    assert "hotel" not in other["asked"]
    assert client.get("/conversations/shared", headers=BOB).json()["turns"][0]["content"] == NEXT["question"]


def test_one_s_own_conversations_are_listed_read_and_deleted(client: httpx.Client) -> None:
    ask(client, FIRST, "mine")
    ask(client, NEXT, "mine")
    listed = {each["session_id"]: each for each in client.get("/conversations").json()}
    assert (listed["mine"]["title"], listed["mine"]["turns"]) == (FIRST["question"], 4)
    turns = client.get("/conversations/mine").json()["turns"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert client.delete("/conversations/mine", headers=BOB).status_code == 404
    assert client.delete("/conversations/mine").status_code == 204
    assert client.get("/conversations/mine").status_code == 404
    assert "mine" not in {each["session_id"] for each in client.get("/conversations").json()}
    assert client.delete("/conversations/mine").status_code == 404


def test_nobody_lists_another_caller_s(client: httpx.Client) -> None:
    ask(client, FIRST, "only-ann-s")
    assert "only-ann-s" not in {each["session_id"] for each in client.get("/conversations", headers=BOB).json()}


def test_questions_of_one_conversation_at_the_same_time_are_all_kept(client: httpx.Client) -> None:
    async def several() -> None:
        async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers, timeout=60) as many:
            body = {"input": {**FIRST, "session_id": "busy"}}
            await asyncio.gather(*(many.post("/rag/invoke", json=body) for _ in range(5)))

    asyncio.run(several())
    assert len(client.get("/conversations/busy").json()["turns"]) == 10


def test_what_could_not_be_asked_is_not_remembered(client: httpx.Client) -> None:
    assert ask(client, {"question": "?"}, "refused").status_code == 422
    assert client.get("/conversations/refused").status_code == 404


def test_a_session_and_a_history_together_are_refused(client: httpx.Client) -> None:
    both = {**NEXT, "session_id": "talk", "history": [{"role": "user", "content": "Hello"}]}
    reply = client.post("/rag/invoke", json={"input": both})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize("session", ["a b", "../x", "x" * 65])
def test_a_session_id_is_a_plain_name(client: httpx.Client, session: str) -> None:
    assert ask(client, FIRST, session).status_code == 422


def turns(number: int) -> list[Turn]:
    return [Turn(role="user", content=f"question {number}"), Turn(role="assistant", content=f"answer {number}")]


def test_only_the_newest_checkpoint_is_kept_and_the_latest_turns_are_given(tmp_path: Path) -> None:
    async def converse() -> list[Turn]:
        async with Conversations(ServerSettings(state=tmp_path, session_turns=4)) as conversations:
            for number in range(6):
                await conversations.append("ann", "long", turns(number))
            return await conversations.turns("ann", "long")

    assert asyncio.run(converse()) == [*turns(4), *turns(5)]
    with sqlite3.connect(tmp_path / "conversations.db") as file:
        assert file.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)


TALK_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from server.conversations import Conversations
from server.settings import ServerSettings

async def talk():
    async with Conversations(ServerSettings(state=Path(sys.argv[1]))) as talks:
        for number in range(10_000):
            said = [("user", f"question {number}"), ("assistant", f"answer {number}")]
            await talks.append("ann", "s", [{"role": role, "content": text} for role, text in said])
            print(number, flush=True)

asyncio.run(talk())
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TALK_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        for _ in range(5):
            child.stdout.readline()
        child.kill()

    async def read() -> list[Turn]:
        async with Conversations(ServerSettings(state=tmp_path, session_turns=200)) as conversations:
            return await conversations.turns("ann", "s")

    assert asyncio.run(read())[:10] == [turn for number in range(5) for turn in turns(number)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sessions": "mysql://somewhere"}, "postgresql://"),
        ({"state": Path("/dev/null/nowhere")}, "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_opened_is_named(settings: dict[str, object], message: str) -> None:
    async def open_it() -> None:
        async with Conversations(ServerSettings(**settings)):  # type: ignore[arg-type]
            pass

    with pytest.raises(SettingsInvalid, match=message):
        asyncio.run(open_it())
