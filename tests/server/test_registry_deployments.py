"""The server follows releases: swapped live, checked, pinned, split, and never without a good one."""

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from langserve import RemoteRunnable
from mcp_under_test import call, structured, talking
from metrics_under_test import Numbers
from openai import NotFoundError, OpenAI
from pydantic import SecretStr
from registry_under_test import MemoryRegistry, key_pair, warranted
from server_under_test import key_file, ready, reload, serving, until

from graph.errors import PromotionRefused
from graph.registry import signing as signature
from graph.registry.package import open_package
from graph.release import Prompts, Release
from server.app import assemble
from server.observability.answer_store import open_answer_store
from server.releases.registry import RegistryDeployments
from server.routes.admin import signed
from server.settings import ServerSettings

pytestmark = pytest.mark.slow

PENSION = {"input": {"question": "Do penguins like music?"}}
HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}


def release(name: str) -> Release:
    """A release that says its own name when it declines."""
    return Release(name=name, embedding="wordllama-256", prompts=Prompts(declined=f"{name} does not know."))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANT_THREADS", "1")


@pytest.fixture
def registry(tmp_path: Path, quick_handbook: Path) -> MemoryRegistry:
    """Two versions, the first in production."""
    found = MemoryRegistry(tmp_path / "logged", quick_handbook)
    for name in ("one", "two"):
        found.log(release(name))
    found.names["production"] = 1
    return found


def app_of(registry: MemoryRegistry, state: Path, **settings: object) -> FastAPI:
    values: dict[str, Any] = {"state": state, "poll": 3600.0, "registry": "memory", **settings}
    own = ServerSettings(**values)
    return assemble(own, RegistryDeployments(lambda: registry, open_package, own))


@contextmanager
def followed(registry: MemoryRegistry, state: Path, **settings: object) -> Iterator[httpx.Client]:
    with (
        serving(app_of(registry, state, **settings)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


@pytest.fixture
def client(registry: MemoryRegistry, tmp_path: Path) -> Iterator[httpx.Client]:
    with followed(registry, tmp_path / "state") as client:
        yield client


def ask(client: httpx.Client, path: str = "/rag", body: Any = PENSION) -> dict[str, Any]:
    reply = client.post(f"{path}/invoke", json=body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()["output"]
    return answer


def streamed(client: httpx.Client, body: Any, path: str = "") -> list[dict[str, Any]]:
    """The public items of a stream."""
    text = client.post(f"{path}/rag/stream", json=body).text
    items = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return [item for item in items if "seq" in item]


def read(client: httpx.Client) -> Numbers:
    return Numbers(client.get("/metrics").text)


def test_the_same_address_answers_by_the_version_that_the_alias_names(
    client: httpx.Client, registry: MemoryRegistry
) -> None:
    answer = ask(client)
    assert (answer["text"], answer["version"]) == ("one does not know.", "1")
    assert answer["release"] == registry.versions[1].label
    registry.names["production"] = 2
    assert reload(client)["served"]["production"]["version"] == "2"
    assert (ask(client)["text"], ask(client)["version"]) == ("two does not know.", "2")
    assert ready(client)["version"] == "2"


def test_the_alias_is_followed_by_looking_at_it(registry: MemoryRegistry, tmp_path: Path) -> None:
    with followed(registry, tmp_path / "state", poll=0.1) as client:
        registry.names["production"] = 2
        until(lambda: ready(client)["version"] == "2")
        assert ask(client)["text"] == "two does not know."


def test_a_reload_in_one_process_reaches_the_others(registry: MemoryRegistry, tmp_path: Path) -> None:
    with followed(registry, tmp_path / "state") as one, followed(registry, tmp_path / "state") as other:
        registry.names["production"] = 2
        reload(one)
        until(lambda: ready(other)["version"] == "2")


def test_a_version_that_cannot_be_opened_replaces_nothing(client: httpx.Client, registry: MemoryRegistry) -> None:
    registry.names["production"] = registry.log(release("three"), broken=True)
    reloaded = reload(client)
    assert reloaded["served"]["production"]["version"] == "1"
    assert "production: v3 cannot be opened" in reloaded["trouble"][0]
    assert ask(client)["text"] == "one does not know."
    assert "production: v3" in ready(client)["trouble"][0]
    assert read(client).total("warrant_reload_failures_total") >= 1
    registry.names["production"] = 2
    assert reload(client)["trouble"] == []
    assert ask(client)["text"] == "two does not know."


def test_a_version_that_does_not_answer_replaces_nothing(client: httpx.Client, registry: MemoryRegistry) -> None:
    number = registry.log(release("mute"))
    root = registry.home / f"v{number}"
    code = root / "graph" / "stream_items.py"
    code.write_text(code.read_text("utf-8").replace("yield item", "raise RuntimeError('mute')"), "utf-8")
    relog(registry, number, root)
    registry.names["production"] = number
    reloaded = reload(client)
    assert reloaded["served"]["production"]["version"] == "1"
    assert "did not answer its smoke question" in reloaded["trouble"][0]


def relog(registry: MemoryRegistry, number: int, root: Path) -> None:
    """Make what a package holds now what was logged."""
    from graph.registry import Version
    from graph.registry.package import package_digest

    digest = package_digest(root)
    registry.versions[number] = Version(number, registry.versions[number].label, digest)
    registry.warrants[number] = warranted(digest)


def test_versions_whose_code_differs_are_served_side_by_side(client: httpx.Client, registry: MemoryRegistry) -> None:
    number = registry.log(release("three"))
    root = registry.home / f"v{number}"
    code = root / "graph" / "answers.py"
    text = code.read_text("utf-8")
    code.write_text(text.replace("release.prompts.declined.strip()", "'other code'"), "utf-8")
    relog(registry, number, root)
    registry.names["staging"] = number
    reload(client)
    for _ in range(2):
        assert ask(client, "/staging/rag")["text"] == "other code"
        assert ask(client)["text"] == "one does not know."
    broken = client.post("/staging/rag/invoke", json={"input": {"question": "?"}})
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "question_invalid")


@pytest.mark.parametrize("fault", ["none", "other release", "no scores", "empty reason"])
def test_production_takes_no_version_without_a_warrant_for_it(
    registry: MemoryRegistry, tmp_path: Path, fault: str
) -> None:
    digest = registry.versions[2].digest
    registry.warrants[2] = {
        "none": None,
        "other release": warranted("0" * 64),
        "no scores": warranted(digest, scores={}),
        "empty reason": warranted(digest, verdict="override", reason=" "),
    }[fault]
    with followed(registry, tmp_path / "state") as client:
        registry.names |= {"production": 2, "staging": 2}
        reloaded = reload(client)
        assert reloaded["served"]["production"]["version"] == "1"
        assert "v2 may not be served" in reloaded["trouble"][0]
        assert reloaded["served"]["staging"] == {
            "version": "2",
            "release": registry.versions[2].label,
            "standing": "unchecked",
        }


def test_where_signers_are_named_production_takes_only_a_warrant_that_one_of_them_signed(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    (ours, public), (strange, _) = key_pair(tmp_path, "ours"), key_pair(tmp_path, "strange")
    held = registry.warrants[2] or warranted("0" * 64)
    registry.warrants[1] = signature.signed(registry.warrants[1] or held, ours)
    with followed(registry, tmp_path / "state", signers=public) as client:
        registry.names["production"] = 2
        for warrant, version in (
            (held, "1"),
            (signature.signed(held, strange), "1"),
            (signature.signed(held, ours), "2"),
        ):
            registry.warrants[2] = warrant
            assert reload(client)["served"]["production"]["version"] == version
        registry.warrants[2] = held.model_copy(update={"approver": "eve"})
        assert "no signature of a key in WARRANT_SIGNERS" in reload(client)["trouble"][0]


def test_production_takes_only_what_the_settings_ask_of_a_warrant(registry: MemoryRegistry, tmp_path: Path) -> None:
    two = {"author": "alice", "authenticated": ("alice", "ann"), "thresholds": "a" * 64}
    for number, held in list(registry.warrants.items()):
        registry.warrants[number] = held and held.model_copy(update=two)
    asked = {"two_persons": True, "thresholds_sha256": "a" * 64}
    with followed(registry, tmp_path / "state", **asked) as client:
        held, registry.names["production"] = registry.warrants[2] or warranted("0" * 64), 2
        for change, why in (
            ({"author": "ann"}, "names one person"),
            ({"authenticated": ()}, "is not known by a key"),
            ({"thresholds": "b" * 64}, "was not gained by thresholds"),
        ):
            registry.warrants[2] = held.model_copy(update=change)
            reloaded = reload(client)
            assert (reloaded["served"]["production"]["version"], why in reloaded["trouble"][0]) == ("1", True)
        registry.warrants[2] = held
        assert reload(client)["served"]["production"]["version"] == "2"


def test_an_override_is_served_and_shown(registry: MemoryRegistry, tmp_path: Path) -> None:
    digest = registry.versions[1].digest
    registry.warrants[1] = warranted(digest, verdict="override", reason="the index leaked", scores={}, dataset=None)
    with followed(registry, tmp_path / "state") as client:
        status = ready(client)
        assert (status["standing"], status["override"]) == ("override", "the index leaked")
        assert read(client).total("warrant_release_info", standing="override") == 1
        registry.names["production"] = 2
        reload(client)
        assert (ready(client)["standing"], ready(client)["override"]) == ("warranted", "")
        assert read(client).total("warrant_release_info", standing="override") == 0


def test_the_servers_own_override_serves_what_has_no_warrant(registry: MemoryRegistry, tmp_path: Path) -> None:
    registry.warrants[1] = None
    with followed(registry, tmp_path / "state", override="registry restored from backup") as client:
        assert ready(client)["override"] == "registry restored from backup"


@pytest.mark.anyio
async def test_a_server_without_anything_to_serve_does_not_start(registry: MemoryRegistry, tmp_path: Path) -> None:
    deployments = app_of(registry, tmp_path / "state").state.server.deployments
    registry.warrants[1] = None
    with pytest.raises(PromotionRefused, match="v1 may not be served: it has no warrant"):
        await deployments.open()
    registry.away = True
    with pytest.raises(PromotionRefused, match="The registry is away"):
        await deployments.open()
    registry.away, registry.names = False, {}
    with pytest.raises(PromotionRefused, match="no version of warrant is in production"):
        await deployments.open()


def test_with_the_registry_away_it_serves_on_and_starts_from_the_last_that_was_good(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    with followed(registry, tmp_path / "state") as client:
        registry.names["production"] = 2
        reload(client)
        registry.away = True
        reload(client)
        assert ready(client)["registry"] == "away"
        assert ask(client)["text"] == "two does not know."
    with followed(registry, tmp_path / "state") as client:
        assert ask(client)["version"] == "2"
        status = ready(client)
        assert (status["registry"], status["standing"]) == ("away", "warranted")
        assert "away" in status["trouble"][0]
        registry.away, registry.names["production"] = False, 1
        reload(client)
        assert (ask(client)["version"], ready(client)["registry"]) == ("1", "ok")


def move_on_to_a_broken_version(registry: MemoryRegistry, state: Path) -> None:
    """Serve the second version, and let the third, which cannot be opened, be in production when the server ends."""
    with followed(registry, state) as client:
        registry.names["production"] = 2
        reload(client)
        registry.names["production"] = registry.log(release("three"), broken=True)
        reload(client)


def test_a_restart_serves_the_last_that_was_good_when_productions_version_cannot_be_opened(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    move_on_to_a_broken_version(registry, tmp_path / "state")
    with followed(registry, tmp_path / "state") as client:
        assert ask(client)["version"] == "2"
        status = ready(client)
        assert (status["version"], status["standing"], status["registry"]) == ("2", "warranted", "ok")
        assert "production: v3 cannot be opened" in status["trouble"][0]
        registry.names["production"] = 1
        reload(client)
        assert (ask(client)["version"], ready(client)["trouble"]) == ("1", [])


def test_a_restart_serves_the_last_that_was_good_when_productions_version_has_no_warrant(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    with followed(registry, tmp_path / "state"):
        registry.names["production"], registry.warrants[2] = 2, None
    with followed(registry, tmp_path / "state") as client:
        assert ask(client)["version"] == "1"
        assert "v2 may not be served" in ready(client)["trouble"][0]


@pytest.mark.anyio
async def test_what_was_good_last_is_not_served_when_it_may_not_be_served_any_more(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    move_on_to_a_broken_version(registry, tmp_path / "state")
    registry.warrants[2] = None
    for number in (3, 2):
        registry.names["production"] = number
        deployments = app_of(registry, tmp_path / "state").state.server.deployments
        with pytest.raises(PromotionRefused, match="There is nothing to serve"):
            await deployments.open()


@pytest.mark.anyio
async def test_a_package_that_was_altered_on_disk_is_not_served(registry: MemoryRegistry, tmp_path: Path) -> None:
    def altered() -> None:
        package = tmp_path / "state" / "releases" / "warrant" / registry.versions[1].digest
        text = (package / "release.yaml").read_text("utf-8")
        (package / "release.yaml").write_text(text.replace("one does not know.", "pay to this account"), "utf-8")

    with followed(registry, tmp_path / "state"):
        altered()
    with followed(registry, tmp_path / "state") as client:
        assert ask(client)["text"] == "one does not know."
        assert registry.fetched == [1, 1]
        altered()
    registry.away = True
    deployments = app_of(registry, tmp_path / "state").state.server.deployments
    with pytest.raises(PromotionRefused, match="The registry is away"):
        await deployments.open()


def test_a_version_in_staging_that_cannot_be_opened_does_not_keep_production_from_starting(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    registry.names |= {"staging": registry.log(release("three"), broken=True), "shadow": 2}
    with followed(registry, tmp_path / "state") as client:
        assert ask(client)["version"] == "1"
        until(lambda: "staging: v3" in str(ready(client)["trouble"]))


def test_a_reload_holds_what_is_served_against_its_warrant_again(registry: MemoryRegistry, tmp_path: Path) -> None:
    good, registry.warrants[1] = registry.warrants[1], None
    with followed(registry, tmp_path / "state", override="registry restored from backup") as client:
        assert ready(client)["standing"] == "override"
        registry.warrants[1], before = good, read(client).total("warrant_swaps_total")
        assert reload(client)["served"]["production"]["standing"] == "warranted"
        assert reload(client)["served"]["production"]["standing"] == "warranted"
        assert read(client).total("warrant_swaps_total") == before + 1


def test_every_api_is_there_for_staging_and_for_pinned_versions(client: httpx.Client, registry: MemoryRegistry) -> None:
    registry.names["staging"] = 2
    reload(client)
    for path, version in (("", "1"), ("/staging", "2"), ("/versions/2", "2"), ("/versions/1", "1")):
        assert ask(client, f"{path}/rag")["version"] == version
        remote: Any = RemoteRunnable(f"{client.base_url}{path}/rag/")
        assert remote.invoke(PENSION["input"])["version"] == version
        assert [item for item in remote.stream(PENSION["input"])][-1]["answer"]["version"] == version
        page = client.get(f"{path}/rag/playground/")
        assert page.status_code == 200
        assert f"{path}/rag/playground/assets".removeprefix("/") in page.text
        assert client.get(f"{path}/page/about").json()["release"] == registry.versions[int(version)].label
        assert client.get(f"{path}/").status_code == 200


@pytest.mark.anyio
async def test_an_mcp_client_asks_a_track_by_its_path(client: httpx.Client, registry: MemoryRegistry) -> None:
    registry.names["staging"] = 2
    await asyncio.to_thread(reload, client)
    for path, version in (("/mcp", "1"), ("/staging/mcp", "2"), ("/versions/2/mcp", "2"), ("/versions/1/mcp", "1")):
        async with talking(str(client.base_url).rstrip("/"), path=path) as session:
            answer = structured(await call(session, "ask", **PENSION["input"]))
            assert (answer["version"], answer["release"]) == (version, registry.versions[int(version)].label)
            assert structured(await call(session, "search", query="hotel limit"))


def test_an_openai_client_names_the_track_as_its_model(client: httpx.Client, registry: MemoryRegistry) -> None:
    registry.names["staging"] = 2
    reload(client)
    with OpenAI(base_url=f"{client.base_url}/v1", api_key="none") as openai:
        assert {"warrant", "production", "staging", "v1", "v2"} <= {model.id for model in openai.models.list()}
        for model, text in (
            ("warrant", "one does not know."),
            ("production", "one does not know."),
            ("staging", "two does not know."),
            ("v2", "two does not know."),
            (registry.versions[2].label, "two does not know."),
        ):
            chat = openai.chat.completions.create(model=model, messages=[{"role": "user", "content": "pension?"}])
            assert chat.choices[0].message.content == text
            assert openai.responses.create(model=model, input="pension?").output_text == text
        for unknown in ("v9", "gpt-4o"):
            with pytest.raises(NotFoundError):
                openai.chat.completions.create(model=unknown, messages=[{"role": "user", "content": "pension?"}])


def test_what_is_not_there_is_told(client: httpx.Client) -> None:
    for path, code in (("/staging", "stage_empty"), ("/versions/9", "version_unknown")):
        reply = client.post(f"{path}/rag/invoke", json=PENSION)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, code)
        assert streamed(client, PENSION, path)[-1]["error"]["code"] == code


def test_an_application_s_team_asks_production_alone(registry: MemoryRegistry, tmp_path: Path) -> None:
    registry.log(release("three"))
    registry.warrants[3] = None
    registry.names["staging"] = 3
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann", chief="key-of-chief")
    chat = {"messages": [{"role": "user", "content": "pension?"}]}
    with followed(registry, tmp_path / "state", keys=keys) as client:

        def status(key: str, path: str, body: object = PENSION) -> int:
            return client.post(path, json=body, headers={"authorization": f"Bearer {key}"}).status_code

        for path in ("/staging/rag/invoke", "/versions/3/rag/invoke", "/versions/9/rag/invoke", "/staging/mcp"):
            assert status("key-of-ann", path) == 403
        assert [status(f"key-of-{one}", "/rag/invoke") for one in ("ann", "chief")] == [200, 200]
        assert [status("key-of-chief", f"/versions/{number}/rag/invoke") for number in (2, 3, 9)] == [200, 200, 404]
        for model in ("v3", "staging", registry.versions[3].label):
            assert status("key-of-ann", "/v1/chat/completions", {"model": model, **chat}) in (403, 404)
            assert status("key-of-chief", "/v1/chat/completions", {"model": model, **chat}) == 200
        for key, seen in (("key-of-ann", {"staging", "v3"}), ("key-of-chief", set())):
            listed = client.get("/v1/models", headers={"authorization": f"Bearer {key}"}).json()["data"]
            assert {"staging", "v3"} - {each["id"] for each in listed} == seen


def test_a_server_without_a_registry_has_no_versions(server: str) -> None:
    for path in ("/staging", "/versions/1"):
        assert httpx.post(f"{server}{path}/rag/invoke", timeout=60, json=PENSION).status_code == 404
    assert httpx.get(f"{server}/readyz", timeout=60).json()["registry"] == "none"


def test_pinned_versions_that_nobody_asks_are_let_go(registry: MemoryRegistry, tmp_path: Path) -> None:
    for name in ("three", "four"):
        registry.log(release(name))
    app = app_of(registry, tmp_path / "state", pinned=1)
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        deployments = app.state.server.deployments
        ask(client, "/versions/2/rag")
        gone = weakref.ref(deployments.state.deployments["v2"].agent)
        ask(client, "/versions/3/rag")
        assert set(deployments.state.deployments) == {"production", "v3"}
        until(lambda: gc.collect() >= 0 and gone() is None)
        assert ask(client, "/versions/2/rag")["version"] == "2"


def test_pinned_versions_that_cannot_be_loaded_are_not_tried_at_every_question(
    client: httpx.Client, registry: MemoryRegistry
) -> None:
    broken, before = registry.log(release("three"), broken=True), read(client).total("warrant_reload_failures_total")
    for _ in range(3):
        reply = client.post(f"/versions/{broken}/rag/invoke", json=PENSION)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "release_broken")
        assert client.post("/versions/9/rag/invoke", json=PENSION).status_code == 404
    assert registry.fetched.count(broken) == 1
    assert registry.looked.count(9) == 1
    assert read(client).total("warrant_reload_failures_total") == before + 1


def test_with_the_registry_away_pinned_versions_that_are_loaded_are_served_on(
    client: httpx.Client, registry: MemoryRegistry
) -> None:
    ask(client, "/versions/2/rag")
    registry.away = True
    assert ask(client, "/versions/2/rag")["version"] == "2"
    broken = registry.log(release("three"))
    reply = client.post(f"/versions/{broken}/rag/invoke", json=PENSION)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "registry_unavailable")
    registry.away = False
    assert ask(client, f"/versions/{broken}/rag")["version"] == str(broken)


def test_a_release_that_was_replaced_is_let_go(registry: MemoryRegistry, tmp_path: Path) -> None:
    app = app_of(registry, tmp_path / "state")
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        ask(client)
        gone = weakref.ref(app.state.server.deployments.agent)
        registry.names["production"] = 2
        reload(client)
        until(lambda: gc.collect() >= 0 and gone() is None)


def test_packages_that_nobody_uses_are_removed(registry: MemoryRegistry, tmp_path: Path) -> None:
    numbers = [registry.log(release(name)) for name in ("three", "four", "five")]
    with followed(registry, tmp_path / "state") as client:
        for number in numbers:
            registry.names["production"] = number
            reload(client)
        there = {path.name for path in (tmp_path / "state" / "releases" / "warrant").iterdir() if path.is_dir()}
        assert registry.versions[numbers[-1]].digest in there
        assert len(there) == 2


def test_a_split_sends_a_share_of_the_sessions_elsewhere_and_keeps_them_there(
    client: httpx.Client, registry: MemoryRegistry
) -> None:
    registry.shares = {2: 0.5}
    reload(client)
    assert ready(client)["split"] == {"split-v2": 0.5}
    versions, before = {}, read(client).total("warrant_questions_total", version="2")
    for number in range(24):
        body = {"input": {**PENSION["input"], "session_id": f"session-{number}"}}
        versions[number] = ask(client, body=body)["version"]
        assert ask(client, body=body)["version"] == versions[number]
    assert 4 <= list(versions.values()).count("2") <= 20
    counted = read(client).total("warrant_questions_total", version="2") - before
    assert counted == 2 * list(versions.values()).count("2")
    registry.shares = {}
    reload(client)
    assert ask(client, body={"input": {**PENSION["input"], "session_id": "session-1"}})["version"] == "1"


def test_a_part_of_a_split_needs_a_warrant_as_production_does(client: httpx.Client, registry: MemoryRegistry) -> None:
    registry.shares, registry.warrants[2] = {2: 1.0}, None
    assert "v2 may not be served" in reload(client)["trouble"][0]
    assert ask(client)["version"] == "1"


def test_a_shadow_answers_unseen_and_is_kept(client: httpx.Client, registry: MemoryRegistry, tmp_path: Path) -> None:
    registry.names["shadow"], registry.shadowed = 2, 1.0
    reload(client)
    answer = ask(client)
    assert answer["version"] == "1"

    def rows() -> list[Any]:
        with closing(open_answer_store(tmp_path / "state")) as connection:
            return connection.execute("SELECT * FROM shadows").fetchall()

    until(lambda: len(rows()) == 1)
    row = rows()[0]
    assert (row["request_id"], row["version"], row["status"]) == (answer["request_id"], "2", "declined")
    assert json.loads(row["answered"])["text"] == "two does not know."
    assert read(client).total("warrant_shadow_total", outcome="asked") >= 1


def test_only_who_may_has_releases_reloaded(registry: MemoryRegistry, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann", chief="key-of-chief")
    with followed(registry, tmp_path / "state", keys=keys) as client:
        ann = {"authorization": "Bearer key-of-ann"}
        assert client.post("/admin/reload", json={}).status_code == 401
        assert client.post("/admin/reload", json={}, headers=ann).status_code == 403
        chief = {"authorization": "Bearer key-of-chief"}
        assert client.post("/admin/reload", json={}, headers=chief).status_code == 200


def sign(secret: str, body: bytes, at: float, delivery: str = "d-1") -> dict[str, str]:
    stamp = str(int(at))
    mac = hmac.new(secret.encode(), f"{delivery}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "x-mlflow-delivery-id": delivery,
        "x-mlflow-timestamp": stamp,
        "x-mlflow-signature": "v1," + base64.b64encode(mac).decode(),
    }


def test_mlflows_webhook_is_taken_when_it_is_signed_and_fresh(registry: MemoryRegistry, tmp_path: Path) -> None:
    keys, body = key_file(tmp_path / "keys.yaml", ann="key-of-ann"), b'{"entity":"model_version_alias"}'
    with followed(registry, tmp_path / "state", webhook_secret="s3cret", keys=keys) as client:
        registry.names["production"] = 2
        for headers in (
            sign("other", body, time.time()),
            sign("s3cret", body, time.time() - 400),
            {**sign("s3cret", body, time.time()), "x-mlflow-delivery-id": "d-2"},
            {**sign("s3cret", body, time.time()), "x-mlflow-signature": "v1,%%%"},
            {"content-type": "application/json"},
        ):
            assert client.post("/admin/webhook", content=body, headers=headers).status_code == 401
        assert ready(client)["version"] == "1"
        assert client.post("/admin/webhook", content=body, headers=sign("s3cret", body, time.time())).status_code == 204
        assert ready(client)["version"] == "2"


def test_without_a_secret_there_is_no_webhook(client: httpx.Client) -> None:
    assert client.post("/admin/webhook", content=b"{}", headers=sign("", b"{}", time.time())).status_code == 404
    assert not signed(SecretStr("s"), "d", "now", b"", "")


def test_a_path_is_counted_as_its_route_whatever_track_it_names(client: httpx.Client) -> None:
    for path in ("/rag", "/versions/2/rag", "/versions/1/rag"):
        ask(client, path)
    client.get("/versions/77/nowhere")
    counted = read(client)
    assert counted.total("warrant_requests_total", path="/rag/invoke") >= 3
    assert "versions" not in client.get("/metrics").text.replace("Versions", "").replace("the versions", "")


class Load:
    """Clients that ask without a pause, and what they met that they should not have met."""

    def __init__(self, registry: MemoryRegistry, url: str) -> None:
        self.registry, self.url = registry, url
        self.stop, self.problems, self.counts = threading.Event(), list[str](), {"invoke": 0, "stream": 0}
        self.threads = [
            threading.Thread(target=self.work, args=(kind, number))
            for number, kind in enumerate(["invoke", "invoke", "stream", "stream"])
        ]

    def work(self, kind: str, number: int) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            while not self.stop.is_set():
                self.counts[kind] += 1
                question = f"Do {number + 2} or {self.counts[kind] + 2} penguins like music?"
                try:
                    getattr(self, kind)(client, {"input": {"question": question}})
                except Exception as error:  # noqa: BLE001 - whatever a client met is a dropped question
                    self.problems.append(f"dropped: {error!r}")

    def invoke(self, client: httpx.Client, body: Any) -> None:
        self.check(ask(client, body=body))

    def stream(self, client: httpx.Client, body: Any) -> None:
        items = streamed(client, body)
        answer = items[-1]["answer"]
        self.check(answer)
        if items[0]["version"] != answer["version"]:
            self.problems.append("a stream ended on another version than it began with")

    def check(self, answer: dict[str, Any]) -> None:
        label = self.registry.versions[int(answer["version"])].label
        name = label.partition("@")[0]
        says = answer["text"] == f"{name} does not know." or answer["status"] != "declined"
        if answer["release"] != label or not says:
            self.problems.append(f"mixed: {answer['version']} {answer['release']} {answer['text']}")


@pytest.mark.slow
def test_twenty_swaps_under_load_drop_and_mix_nothing(client: httpx.Client, registry: MemoryRegistry) -> None:
    load = Load(registry, str(client.base_url))
    for thread in load.threads:
        thread.start()
    for swap in range(20):
        number = 2 - swap % 2
        registry.names["production"] = number
        assert reload(client)["served"]["production"]["version"] == str(number)
        time.sleep(0.2)
    load.stop.set()
    for thread in load.threads:
        thread.join()
    assert load.problems == []
    assert min(load.counts.values()) > 20
    assert read(client).total("warrant_swaps_total") >= 20
