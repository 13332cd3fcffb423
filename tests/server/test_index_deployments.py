"""The server follows its index: swapped live, nothing stale after it, and never without a good Snapshot."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from metrics_under_test import Numbers
from server_under_test import opening, ready, reload, serving, until, warrant_serve
from support import QUICK, run_index

from graph.index.lexicon import LEXICON
from graph.index.store import KEPT, lease, locate
from graph.settings import REGISTRY
from server.app import assemble
from server.cli.serve import announce, serve
from server.releases.index import IndexDeployments
from server.settings import ServerSettings

KETTLE = {"question": "How often was the kettle descaled?"}


class Shop:
    """A store over a few notes, one of which changes, and the server's state beside it."""

    def __init__(self, place: Path) -> None:
        self.notes, self.store, self.state = place / "notes", place / "store", place / "state"
        self.notes.mkdir()
        self.write("lamp", "The lamp of the counter has 40 watts.")
        self.times = 0
        self.change()

    def write(self, name: str, text: str) -> None:
        (self.notes / f"{name}.md").write_text(f"# The {name}\n\n{text}\n", "utf-8")

    def change(self) -> str:
        """Re-index with another number in the note; the Snapshot's id."""
        self.times += 1
        self.write("kettle", f"The kettle was descaled {self.times} times.")
        return self.index()

    def index(self) -> str:
        return run_index(self.notes, self.store, prune=True).manifest.id

    def there(self) -> set[str]:
        return {path.name for path in (self.store / "snapshots").iterdir()}

    def app(self, index: Path | None = None, poll: float = 3600) -> FastAPI:
        settings = ServerSettings(state=self.state, poll=poll)
        return assemble(settings, IndexDeployments(settings, opening(index or self.store, QUICK)))

    @contextmanager
    def served(self, **settings: Any) -> Iterator[httpx.Client]:
        with serving(self.app(**settings)) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield client


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def ask(client: httpx.Client, **question: str) -> dict[str, Any]:
    reply = client.post("/rag/invoke", json={"input": question or KETTLE})
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()["output"]
    return answer


def test_many_swaps_leave_nothing_stale_and_few_snapshots(shop: Shop) -> None:
    with shop.served() as client:
        for _ in range(KEPT + 2):
            assert f"{shop.times} times" in ask(client)["text"]
            assert "answer" in ask(client)["cached"]
            assert f"{shop.times} times" in ask(client, **KETTLE, session_id="talk")["text"]
            name = shop.change()
            assert f"{shop.times - 1} times" in ask(client)["text"]
            assert (reload(client)["snapshot"], ready(client)["snapshot"]) == (name, name)
            answer = ask(client)
            assert (answer["snapshot"], answer["cached"]) == (name, [])
            assert len(shop.there()) <= KEPT + 1
        assert client.get("/conversations/talk").json()["turns"][0]["content"] == KETTLE["question"]
        assert Numbers(client.get("/metrics").text).total("warrant_swaps_total") >= KEPT + 2


def test_what_was_deleted_is_not_quoted_any_more_and_what_was_added_is(shop: Shop) -> None:
    with shop.served() as client:
        assert "40 watts" in ask(client, question="How many watts has the lamp of the counter?")["text"]
        (shop.notes / "lamp.md").unlink()
        shop.write("scale", "The scale of the counter weighs up to 15 kg.")
        shop.index()
        reload(client)
        assert "40 watts" not in str(ask(client, question="How many watts has the lamp of the counter?"))
        assert "15 kg" in ask(client, question="How much does the scale of the counter weigh?")["text"]


def test_re_indexes_that_were_not_seen_yet_take_nothing_away_from_the_server(shop: Shop) -> None:
    with shop.served() as client:
        served = ready(client)["snapshot"]
        for number in range(KEPT + 2):
            shop.change()
            assert ask(client, question=f"{KETTLE['question']} {number}")["snapshot"] == served
            assert ready(client)["status"] == "ok"
        reload(client)
        shop.change()
        assert served not in shop.there()


def test_the_store_is_followed_by_looking_at_it(shop: Shop) -> None:
    with shop.served(poll=0.1) as client:
        name = shop.change()
        until(lambda: ready(client)["snapshot"] == name)


def test_a_reload_comes_back_when_every_worker_has_followed(shop: Shop) -> None:
    with shop.served() as one, shop.served() as other:
        for _ in range(3):
            name = shop.change()
            assert reload(one) == {**reload(one), "snapshot": name, "trouble": []}
            assert ask(other)["snapshot"] == name


def test_what_is_under_way_ends_with_the_snapshot_that_it_began_with_which_is_let_go_then(shop: Shop) -> None:
    app = shop.app()
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        under_way = app.state.server.deployments.production
        began = under_way.agent.snapshot
        for _ in range(KEPT + 1):
            shop.change()
            reload(client)
        assert began in shop.there()
        asyncio.run(under_way.agent.ping())
        del under_way
        shop.change()
        assert began not in shop.there()


def test_a_snapshot_that_cannot_be_opened_replaces_nothing(shop: Shop) -> None:
    with shop.served() as client:
        served = ready(client)["snapshot"]
        broken = shop.change()
        os.truncate(locate(shop.store) / LEXICON, 10)
        reloaded = reload(client)
        assert (reloaded["snapshot"], ready(client)["status"]) == (served, "ok")
        assert reloaded["trouble"] == ready(client)["trouble"]
        assert f"index: the Snapshot {broken} cannot be opened: SnapshotBroken" in reloaded["trouble"][0]
        assert ask(client)["snapshot"] == served
        assert Numbers(client.get("/metrics").text).total("warrant_reload_failures_total") >= 1
        assert shop.index() == broken
        assert reload(client) == {**reloaded, "snapshot": broken, "trouble": []}


def test_a_store_that_is_gone_is_told_and_one_that_is_back_is_served(shop: Shop, tmp_path: Path) -> None:
    with shop.served() as client:
        answer = ask(client)
        shutil.move(shop.store, tmp_path / "aside")
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "snapshot_unavailable")
        assert f"The Snapshot {answer['snapshot']} cannot be read" in reply.json()["error"]["message"]
        assert str(tmp_path) not in reply.text
        assert "the current Snapshot cannot be determined" in reload(client)["trouble"][0]
        name = shop.change()
        assert reload(client)["trouble"] == []
        assert (ready(client)["snapshot"], ask(client)["snapshot"]) == (name, name)


def test_a_table_that_was_deleted_under_the_server_makes_it_not_ready(shop: Shop) -> None:
    with shop.served() as client:
        shutil.rmtree(locate(shop.store) / "passages.lance" / "data")
        assert client.get("/readyz").status_code == 503


def test_a_plain_snapshot_is_served_as_it_is(shop: Shop, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(locate(shop.store), tmp_path / "alone"))
    with shop.served(index=alone) as client:
        shop.change()
        assert reload(client)["trouble"] == []
        assert "1 times" in ask(client)["text"]
        assert ready(client)["trouble"] == []


@pytest.mark.slow
def test_two_workers_follow_and_a_worker_that_was_killed_holds_nothing(shop: Shop, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    options = ("-i", shop.store, "-r", release, "--workers", "2")
    with warrant_serve(*options, WARRANT_STATE=str(shop.state), WARRANT_POLL="3600") as (url, process):
        for _ in range(KEPT + 1):
            name = shop.change()
            httpx.post(f"{url}/admin/reload", json={}, timeout=60).raise_for_status()
            found = [httpx.post(f"{url}/rag/invoke", json={"input": KETTLE}, timeout=60).json() for _ in range(8)]
            assert {each["output"]["snapshot"] for each in found} == {name}
            assert len(shop.there()) <= KEPT + 1
        process.kill()
    with lease(shop.store):
        shop.change()
    assert len(shop.there()) <= KEPT + 1


def test_a_registry_that_is_there_and_not_followed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    announce(ServerSettings(), 8100)
    assert "--registry" not in capsys.readouterr().err
    REGISTRY.parent.mkdir(parents=True)
    REGISTRY.touch()
    announce(ServerSettings(), 8100)
    assert "--registry sqlite:///" in capsys.readouterr().err.replace("\n", "")
    announce(ServerSettings(registry="sqlite:///elsewhere.db"), 8100)
    assert "--registry" not in capsys.readouterr().err


def test_an_index_beside_a_registry_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANT_REGISTRY", "sqlite:///registry.db")
    result = CliRunner().invoke(serve, ["--index", str(tmp_path)])
    assert (result.exit_code, "name two things to serve" in result.output) == (2, True)
