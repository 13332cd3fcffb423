"""Conversations or feedback cannot be stored: questions are still answered, and the failure is reported."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from metrics_under_test import Numbers
from postgres_under_test import postgres, programs
from server_under_test import app_over, serving, until
from support import QUICK, ROOT

from graph.callers import Caller
from graph.errors import SettingsInvalid
from graph.state import Turn
from server.conversations import Conversations
from server.errors import RequestRefused, StateUnavailable
from server.observability import metric_definitions
from server.observability.answer_store import AnswerStore
from server.service import NOT_READ, NOT_STORED
from server.settings import ServerSettings

pytestmark = pytest.mark.slow

FILES = {"conversations.db": "Conversations", "feedback.db": "Questions and feedback"}
LAPTOPS = {"question": "After how many years are laptops replaced?", "session_id": "talk"}
TURN = [Turn(role="user", content="question"), Turn(role="assistant", content="answer")]


@contextmanager
def served(index: Path, state: Path) -> Iterator[httpx.Client]:
    with serving(app_over(index, state, QUICK)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


def ask(client: httpx.Client) -> dict[str, Any]:
    reply = client.post("/rag/invoke", json={"input": LAPTOPS})
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()["output"]
    assert "4 years" in answer["text"]
    return answer


def garble(path: Path) -> None:
    """Another file by the same name, which is no database, and nothing beside it that would mend it."""
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    path.with_name("new").write_text("Not a database, but long enough to be read as one." * 100)
    path.with_name("new").replace(path)


def damage(path: Path) -> None:
    """The head of a database, and then nothing that belongs there."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE checkpoints (thread_id TEXT)")
        file.execute("CREATE TABLE questions (request_id TEXT)")
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as raw:
        raw.seek(100)
        raw.write(b"\xff" * 3000)


async def open_both(state: Path) -> None:
    settings = ServerSettings(state=state)
    async with Conversations(settings):
        with AnswerStore(settings):
            pass


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("harm", "cause"),
    [
        (garble, r"it is no SQLite database. Move the file away"),
        (damage, r"it is damaged. Move the file away"),
        (lambda path: path.mkdir(), r"Is a directory. Give WARRANT_STATE"),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, harm: Callable[[Path], None], cause: str
) -> None:
    harm(tmp_path / name)
    with pytest.raises(SettingsInvalid, match=rf"{tmp_path / name} cannot be (used|written): {cause}"):
        asyncio.run(open_both(tmp_path))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_another_process_holds_stops_the_start_with_a_sentence(tmp_path: Path, name: str) -> None:
    asyncio.run(open_both(tmp_path))
    with closing(sqlite3.connect(tmp_path / name)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SettingsInvalid, match=r"another process holds it locked\. End that process"):
            asyncio.run(open_both(tmp_path))


def trouble(client: httpx.Client) -> list[str]:
    reply = client.get("/readyz")
    assert reply.status_code == 200
    found: list[str] = reply.json()["trouble"]
    return found


def test_a_conversation_that_cannot_be_kept_costs_no_answer_and_is_told(quick_handbook: Path, tmp_path: Path) -> None:
    with served(quick_handbook, tmp_path) as client:
        assert (ask(client)["warnings"], trouble(client)) == ([], [])
        with closing(sqlite3.connect(tmp_path / "conversations.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            assert ask(client)["warnings"] == [NOT_STORED]
            assert "Conversations are not stored or read: " in trouble(client)[0]
        page = Numbers(client.get("/metrics").text)
        assert page.total("warrant_not_stored_total", store="conversations") >= 1
        until(lambda: ask(client)["warnings"] == [])
        assert trouble(client) == []


def test_a_conversation_that_cannot_be_read_costs_no_answer_and_is_told(quick_handbook: Path, tmp_path: Path) -> None:
    with served(quick_handbook, tmp_path) as client:
        ask(client)
        garble(tmp_path / "conversations.db")
        assert ask(client)["warnings"] == [NOT_READ, NOT_STORED]
        assert trouble(client) == ["Conversations are not stored or read: it is no SQLite database."]
        assert str(tmp_path) not in client.get("/readyz").text
        listed = client.get("/conversations")
        assert (listed.status_code, listed.json()["error"]["code"]) == (503, "state_unavailable")
        (tmp_path / "conversations.db").unlink()
        assert (ask(client)["warnings"], trouble(client)) == ([], [])
        assert len(client.get("/conversations/talk").json()["turns"]) == 2


@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_is_removed_under_the_server_is_begun_anew(quick_handbook: Path, tmp_path: Path, what: str) -> None:
    state = tmp_path / "state"
    with served(quick_handbook, state) as client:
        ask(client)
        if what == "directory":
            shutil.rmtree(state)
        else:
            for name in FILES:
                (state / name).unlink()
        answer = ask(client)
        assert answer["warnings"] == []
        assert len(client.get("/conversations/talk").json()["turns"]) == 2
        rated = {"request_id": answer["request_id"], "rating": "up"}
        assert client.post("/feedback", json=rated).status_code == 204
        assert trouble(client) == []
    assert all((state / name).is_file() for name in FILES)


def test_feedback_that_cannot_be_kept_is_said_not_to_be(quick_handbook: Path, tmp_path: Path) -> None:
    with served(quick_handbook, tmp_path) as client:
        answer = ask(client)
        rated = {"request_id": answer["request_id"], "rating": "up"}
        assert client.post("/feedback", json=rated).status_code == 204
        garble(tmp_path / "feedback.db")
        reply = client.post("/feedback", json=rated)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "state_unavailable")
        ask(client)
        assert trouble(client) == ["Questions and feedback are not stored: it is no SQLite database."]
        (tmp_path / "feedback.db").unlink()
        rated = {"request_id": ask(client)["request_id"], "rating": "up"}
        assert client.post("/feedback", json=rated).status_code == 204
        assert trouble(client) == []


ANN = Caller(name="ann")


def test_one_who_leaves_while_rating_ends_nothing(tmp_path: Path) -> None:
    with AnswerStore(ServerSettings(state=tmp_path)) as store:
        with closing(sqlite3.connect(tmp_path / "feedback.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = store.rate("request-1", ANN, "up", "")
            left = store.rate("request-2", ANN, "up", "")
            assert left.cancel()
        assert isinstance(waiting.exception(30), RequestRefused | StateUnavailable)
        assert isinstance(store.rate("request-3", ANN, "up", "").exception(30), RequestRefused)


def test_what_workers_count_has_its_place_on_the_disk_before_it_is_mapped(tmp_path: Path) -> None:
    metric_definitions.reserve(tmp_path)
    found = list(tmp_path.iterdir())
    assert len(found) == len(metric_definitions.FILES)
    assert all(path.stat().st_blocks * 512 >= metric_definitions.RESERVED_BYTES for path in found)


FULL = """
import asyncio, resource, sys
from pathlib import Path
from server.conversations import Conversations
from server.errors import RequestRefused, StateUnavailable
from server.settings import ServerSettings

async def talk():
    state = Path(sys.argv[1])
    async with Conversations(ServerSettings(state=state)) as talks:
        turns = [{"role": "user", "content": "question " * 5000}]
        await talks.append("ann", "s", turns)
        most = max(path.stat().st_size for path in state.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        try:
            for _ in range(5):
                await talks.append("ann", "s", turns)
        except StateUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await talks.append("ann", "s", [{"role": "user", "content": "the last"}])
        print(talks.trouble, (await talks.turns("ann", "s"))[-1]["content"])

asyncio.run(talk())
"""


def test_a_disk_that_takes_no_more_is_told_and_used_again_when_it_does(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    message, last = done.stdout.splitlines()
    assert message.startswith("Conversations are not stored or read: the disk ")
    assert last == " the last"


def test_a_postgres_that_went_away_is_told_within_seconds(tmp_path: Path) -> None:
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql).")

    async def converse(url: str, stop: Callable[[], object]) -> str:
        async with Conversations(ServerSettings(state=tmp_path, sessions=url)) as conversations:
            await conversations.append("ann", "s", TURN)
            assert conversations.trouble == ""
            stop()
            for ask in (conversations.turns("ann", "s"), conversations.append("ann", "s", TURN)):
                with pytest.raises(StateUnavailable):
                    await ask
            return conversations.trouble

    # The server's own user must reach its folder, which pytest's folders do not allow.
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = stack.enter_context(postgres(Path(folder), where))
        os.chmod(folder, 0o755)
        assert "Conversations are not stored or read" in asyncio.run(converse(url, stack.close))
