"""Retrieval from AI Search by the real clients over an emulated workspace, beside the Snapshot that was copied."""

import asyncio
import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from databricks.sdk.service.vectorsearch import EndpointType
from databricks_emulator import Emulator
from databricks_under_test import INDEX, opened, settings, sign_in, signed_in, synced
from support import HANDBOOK, QUICK, ROOT, run_index

from graph.agent import Agent, open_agent
from graph.backend import Scope
from graph.batch.chunks import SOURCE, description, read_batches
from graph.errors import (
    AccessRefused,
    FilterInvalid,
    RetrievalUnavailable,
    SnapshotError,
    SnapshotMismatch,
    SourceInvalid,
)
from graph.index.ai_search_filters import sql_filter, standard_filters
from graph.index.rows import UNITS
from graph.index.store import locate
from graph.ingest.options import Options
from graph.ingest.roots import Roots
from graph.ingest.sources import Inputs
from graph.models.databricks import workspace
from graph.release import Release, Reranking
from graph.state import Passage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
QUERY = f"*/indexes/{INDEX}/query"
WARRANTY = "How long is the warranty of a Corrento?"


@pytest.fixture(scope="module")
def home(quick_handbook: Path) -> Iterator[Emulator]:
    """A workspace whose index holds the handbook."""
    with signed_in() as emulator:
        synced(quick_handbook)
        yield emulator


@pytest.fixture
def emulator(home: Emulator) -> Iterator[Emulator]:
    home.calls.clear()
    yield home
    home.faults.clear()
    home.search.ignores_filters = False


@pytest.fixture(scope="module")
def remote(home: Emulator, quick_handbook: Path) -> Agent:
    return opened(quick_handbook, QUICK)


@pytest.fixture(scope="module")
def local(quick_handbook: Path) -> Agent:
    return asyncio.run(open_agent(settings(quick_handbook, backend="local"), QUICK))


def find(agent: Agent, text: str, filters: Any = None, groups: Any = (), most: int = 50) -> list[Passage]:
    return asyncio.run(agent.search(text, filters or {}, list(groups), most))


def test_passages_are_those_of_the_snapshot_to_the_character(emulator: Emulator, remote: Agent, local: Agent) -> None:
    found = {passage["id"]: passage for passage in find(remote, WARRANTY)}
    wanted = {passage["id"]: passage for passage in find(local, WARRANTY)}
    assert len(found.keys() & wanted.keys()) >= 40
    scored = ("score", "lexical", "vector", "similar")
    for key in found.keys() & wanted.keys():
        assert {**found[key], **dict.fromkeys(scored)} == {**wanted[key], **dict.fromkeys(scored)}
        assert found[key]["vector"] == pytest.approx(wanted[key]["vector"], abs=1e-5)
        assert found[key]["similar"] == pytest.approx(wanted[key]["similar"], abs=1e-3)


def test_the_best_passage_is_the_snapshots(emulator: Emulator, remote: Agent, local: Agent) -> None:
    questions = (WARRANTY, "What does the error E26 mean?", "How long may pending updates be postponed?")
    assert [find(remote, each)[0]["id"] for each in questions] == [find(local, each)[0]["id"] for each in questions]


def test_a_search_is_one_hybrid_query(emulator: Emulator, remote: Agent) -> None:
    find(remote, WARRANTY)
    (call,) = [call for call in emulator.calls if call.path.endswith("/query")]
    assert call.body["query_type"] == "HYBRID"
    assert (call.body["query_text"], call.body["num_results"]) == (WARRANTY, QUICK.retrieval.pool)
    assert call.body["query_columns"] == ["heading", "text"]


def test_a_text_without_words_is_searched_by_vector(emulator: Emulator, remote: Agent) -> None:
    assert asyncio.run(remote.backend.retriever.search("?!", Scope({}, [], 10)))
    assert "query_type" not in next(call.body for call in emulator.calls if call.path.endswith("/query"))


def test_a_document_has_the_offsets_of_the_snapshot(emulator: Emulator, remote: Agent) -> None:
    for passage in find(remote, WARRANTY)[:5]:
        document = asyncio.run(remote.document(passage["document"], []))
        assert document is not None
        assert document.title == passage["title"]
        assert document.text[passage["start"] : passage["end"]] == passage["text"]


# Access


def secret(agent: Agent, *groups: str) -> set[str]:
    """The restricted documents that are found for a question that all of them would answer."""
    found = find(agent, "salary bands, access badges and price lists for partners", groups=groups)
    return {passage["document"] for passage in found if passage["metadata"].get("allowed_groups")}


def test_a_caller_finds_what_its_groups_may_read_and_nothing_else(emulator: Emulator, remote: Agent) -> None:
    assert secret(remote) == set()
    assert secret(remote, "strangers") == set()
    assert secret(remote, "everybody", "nobody", "groups-") == set()
    finance = find(remote, "salary bands", groups=["finance"])
    assert all("finance" in p["metadata"].get("allowed_groups", ["finance"]) for p in finance)
    assert secret(remote, "finance") > secret(remote, "hr") > set()


def test_documents_of_other_groups_cannot_be_read(emulator: Emulator, remote: Agent) -> None:
    (document, *_) = secret(remote, "hr")
    assert asyncio.run(remote.document(document, ["security"])) is None
    assert asyncio.run(remote.document(document, ["hr"])) is not None


@pytest.mark.parametrize("filters", [{}, {"or": [{"region": "EU"}, {"region": None}]}, {"not": {"region": "EU"}}])
def test_every_query_names_the_callers_access(emulator: Emulator, remote: Agent, filters: Any) -> None:
    find(remote, WARRANTY, filters, ["hr"])
    sent = [json.loads(call.body["filters_json"]) for call in emulator.calls if call.path.endswith("/query")]
    assert sent
    assert all(each["access"][0] == "everybody" and len(each["access"]) == 2 for each in sent)


def test_an_index_that_does_not_filter_answers_nothing(emulator: Emulator, remote: Agent) -> None:
    emulator.search.ignores_filters = True
    with pytest.raises(RetrievalUnavailable, match="other groups"):
        find(remote, "salary bands")


def test_the_description_is_no_passage(emulator: Emulator, remote: Agent) -> None:
    found = find(remote, "warrant description nobody", groups=["nobody", "hr", "finance", "security"], most=200)
    assert not [passage["id"] for passage in found if passage["id"].startswith("warrant:")]


# Faults


def trouble(agent: Agent) -> str:
    with pytest.raises(RetrievalUnavailable) as caught:
        find(agent, WARRANTY)
    return str(caught.value)


def test_what_passes_is_retried_after_retry_after(emulator: Emulator, remote: Agent) -> None:
    emulator.fault(QUERY, status=503, retry_after=0.3, times=2)
    began = time.monotonic()
    assert find(remote, WARRANTY)
    assert time.monotonic() - began >= 0.6


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 429, "retry_after": 60}, "did not answer in 1.5 s"),
        ({"status": 500}, "500"),
        ({"status": 403}, "403"),
        ({"hang": True}, "did not answer in 1.5 s"),
        ({"delay": 3}, "did not answer in 1.5 s"),
        ({"body": "<html>"}, "does not answer"),
        ({"body": '{"result": {}}'}, "does not answer"),
        (
            {"body": '{"manifest": {"columns": [{"name": "id"}]}, "result": {"data_array": [[1, 2]]}}'},
            "does not answer",
        ),
        ({"cut": 0}, "did not answer in 1.5 s"),
    ],
)
def test_an_index_that_fails_says_so_within_the_deadline(
    emulator: Emulator, quick_handbook: Path, fault: dict[str, Any], said: str
) -> None:
    agent = opened(quick_handbook, QUICK, databricks_seconds=1.5)
    emulator.fault(QUERY, **fault)
    began = time.monotonic()
    message = trouble(agent)
    assert said in message
    assert "127.0.0.1" not in message
    assert "dapi" not in message
    assert time.monotonic() - began < 3
    emulator.faults.clear()
    assert find(agent, WARRANTY)


def test_nothing_is_printed(emulator: Emulator, remote: Agent, capfd: pytest.CaptureFixture[str]) -> None:
    find(remote, WARRANTY)
    emulator.fault(QUERY, status=500)
    trouble(remote)
    assert capfd.readouterr() == ("", "")


# Who signs in


@pytest.fixture
def as_machine(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    sign_in(monkeypatch, emulator.machine_environment)
    yield monkeypatch
    workspace.cache_clear()


def test_a_service_principal_searches(emulator: Emulator, as_machine: pytest.MonkeyPatch, quick_handbook: Path) -> None:
    assert find(opened(quick_handbook, QUICK), WARRANTY)
    assert {call.principal for call in emulator.calls if call.path.endswith("/query")} == {"client-of-the-emulator"}


def test_a_refused_secret_is_not_told(emulator: Emulator, as_machine: pytest.MonkeyPatch, quick_handbook: Path) -> None:
    as_machine.setenv("DATABRICKS_CLIENT_SECRET", "a-wrong-secret")
    workspace.cache_clear()
    with pytest.raises(RetrievalUnavailable, match="invalid_client") as caught:
        opened(quick_handbook, QUICK)
    assert "wrong-secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_a_token_endpoint_that_hangs_stops_nothing_else(
    emulator: Emulator, as_machine: pytest.MonkeyPatch, quick_handbook: Path
) -> None:
    emulator.token_seconds = 1
    agent = opened(quick_handbook, QUICK, databricks_seconds=1)
    time.sleep(1.1)
    emulator.fault("/oidc/v1/token", hang=True)
    began = time.monotonic()
    assert "did not answer in 1 s" in trouble(agent)
    assert "did not answer in 1 s" in trouble(agent)
    assert time.monotonic() - began < 3
    assert sum(call.path == "/oidc/v1/token" for call in emulator.calls) < 9
    emulator.token_seconds = 3600


def test_who_may_not_read_the_index_is_refused(emulator: Emulator, remote: Agent) -> None:
    index = emulator.search.indexes[INDEX]
    index.allowed = {"somebody@example.com"}
    try:
        assert "403" in trouble(remote)
    finally:
        index.allowed = None


def test_each_user_searches_with_a_token_of_their_own(
    emulator: Emulator, quick_handbook: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    tokens = {"ann": "token-of-ann", "bob": "token-of-bob"}
    emulator.principals.update({token: f"{name}@example.com" for name, token in tokens.items()})
    caplog.set_level(0)
    index = emulator.search.indexes[INDEX]
    agent = opened(quick_handbook, QUICK, on_behalf_of_user=True, cache_seconds=600)
    assert agent.caches == []
    emulator.calls.clear()

    def searched(name: str) -> list[Passage]:
        async def search() -> list[Passage]:
            agent.act_for(tokens[name])
            return await agent.search(WARRANTY, {}, [], 3)

        return asyncio.run(search())

    index.allowed = {"user@example.com", "ann@example.com"}
    try:
        for _ in range(2):
            assert searched("ann")
            with pytest.raises(AccessRefused, match=f"You may not search {INDEX}") as refused:
                searched("bob")
            assert emulator.url not in str(refused.value)
    finally:
        index.allowed = None
    asked = [call.principal.partition("@")[0] for call in emulator.calls if call.path.endswith("/query")]
    assert asked == ["ann", "bob", "ann", "bob"]
    # What is not done for somebody is done as before, and no token is told.
    assert find(agent, WARRANTY)
    told = "".join(capfd.readouterr()) + caplog.text + repr(vars(agent))
    assert not [token for token in tokens.values() if token in told]


def chunk_table(docs: Path, store: Path) -> list[dict[str, Any]]:
    """The rows of the table that `warrant index --engine spark` makes, with the description of a store's Snapshot."""
    sources = enumerate(Inputs([docs], Roots(), Options(), store).sources)
    batch = pa.RecordBatch.from_pylist([{"number": n, "source": SOURCE.dump_json(each)} for n, each in sources])
    staged = read_batches([batch], QUICK, Options(threads=1), "recipe")
    rows = [chunk for part in staged for row in part.to_pylist() for chunk in row["chunks"]]
    groups = [row["allowed_groups"] for row in rows if not row["public"]]
    return [*rows, *description(locate(store), groups).to_pylist()]


@pytest.mark.slow
def test_a_delta_sync_index_over_a_table_of_chunks_is_searched_itself(tmp_path: Path) -> None:
    docs, store = tmp_path / "docs", tmp_path / "store"
    docs.mkdir()
    shutil.copy(next((HANDBOOK / "warranty").glob("*.pdf")), docs / "warranty.pdf")
    (docs / "pay.md").write_text("---\nallowed_groups: [hr]\n---\n# Pay\n\nBand 4 begins at 50,000 EUR.\n")
    run_index(docs, store)
    (as_in_guide,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "databricks.md").read_text("utf-8"), re.DOTALL)
    with signed_in() as emulator:
        emulator.search.tables["main.docs.chunks"] = chunk_table(docs, store)
        client = workspace().client
        client.vector_search_endpoints.create_endpoint("warrant", EndpointType.STANDARD)
        for _ in range(3):
            client.vector_search_endpoints.get_endpoint("warrant")
        exec(as_in_guide.replace("384", "256"), {})
        for _ in range(3):
            client.vector_search_indexes.get_index(INDEX)
        assert UNITS not in next(iter(emulator.search.indexes[INDEX].rows.values()))
        remote = opened(store, QUICK)
        local = asyncio.run(open_agent(settings(store, backend="local"), QUICK))
        assert remote.snapshot == local.snapshot
        for text, groups in itertools.product((WARRANTY, "Which band begins at 50,000 EUR?"), ([], ["hr"])):
            found, wanted = ([seen(each) for each in find(agent, text, None, groups)] for agent in (remote, local))
            assert sorted(found) == sorted(wanted)
            assert groups or not any(each[1] == "docs/pay.md" for each in found)
        assert any(each[1] == "docs/pay.md" for each in found)
        with pytest.raises(FilterInvalid):
            find(remote, WARRANTY, {"language": "en"})


def seen(passage: Passage) -> tuple[Any, ...]:
    """What a citation of a passage is made of."""
    names = ("id", "file", "title", "page", "page_breaks", "start", "end", "text")
    return tuple(passage[name] for name in names)  # type: ignore[literal-required]


# The reranker


def test_the_reranker_of_ai_search_orders_the_candidates(emulator: Emulator, quick_handbook: Path) -> None:
    release = Release(embedding="wordllama-256", reranking=Reranking(model="remote:databricks_reranker"))
    agent = opened(quick_handbook, release)
    found = find(agent, "postponed updates")
    sent = next(call.body for call in emulator.calls if call.path.endswith("/query") and "reranker" in call.body)
    assert sent["reranker"]["parameters"] == {"columns_to_rerank": ["heading", "text"]}
    assert "postponed" in found[0]["text"]
    emulator.fault(QUERY, status=500, times=1)
    with pytest.raises(RetrievalUnavailable):
        find(agent, "postponed updates")


def test_a_reranker_that_fails_leaves_the_embedded_order(emulator: Emulator, quick_handbook: Path) -> None:
    release = Release(embedding="wordllama-256", reranking=Reranking(model="remote:databricks_reranker", timeout=1))
    agent, embedded = opened(quick_handbook, release), opened(quick_handbook, QUICK)
    reranker, passages = agent.backend.reranker, find(embedded, WARRANTY)
    assert reranker is not None
    emulator.fault(QUERY, hang=True)
    ranked = asyncio.run(reranker.rank([WARRANTY], passages, 0.5))
    assert "could not be asked" in ranked.trouble
    assert len(ranked.scores) == len(passages)


# Syncing


def test_a_sync_writes_what_changed_and_removes_what_is_gone(tmp_path: Path) -> None:
    folder, store = tmp_path / "docs", tmp_path / "store"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nThe {name} valve opens at {len(name)} bar.\n")
    run_index(folder, store)
    with signed_in() as emulator:
        first = synced(store)
        assert (first.written, first.unchanged, first.removed) == (3, 0, 0)
        agent, hurried = opened(store, QUICK), opened(store, QUICK, databricks_seconds=1)
        assert agent.newer() is None
        assert synced(store).written == 0
        (folder / "one.md").write_text("# one\n\nThe one valve opens at 40 bar.\n")
        (folder / "two.md").unlink()
        run_index(folder, store, prune=True)
        again = synced(store)
        assert (again.written, again.unchanged, again.removed) == (1, 1, 1)
        assert agent.newer() == again.snapshot
        found = find(opened(store, QUICK), "valve")
        assert {passage["document"]: passage["text"].split("at ")[-1] for passage in found} == {
            "docs/one.md": "40 bar.",
            "docs/three.md": "5 bar.",
        }
        emulator.fault(QUERY, hang=True)
        with pytest.raises(SnapshotError):
            hurried.newer()


def test_a_sync_that_was_interrupted_goes_on(tmp_path: Path, quick_handbook: Path) -> None:
    with signed_in() as emulator:
        emulator.fault("*/upsert-data", status=500)
        emulator.fault("*/upsert-data", delay=0, times=1)
        with pytest.raises(RetrievalUnavailable):
            synced(quick_handbook)
        emulator.faults.clear()
        done = synced(quick_handbook)
        assert done.unchanged == 100
        assert done.written == 137
        assert find(opened(quick_handbook, QUICK), WARRANTY)


def test_rows_that_are_refused_are_not_called_written(quick_handbook: Path) -> None:
    with signed_in() as emulator:
        refused = {"status": "PARTIAL_SUCCESS", "result": {"success_row_count": 1, "failed_primary_keys": ["a"]}}
        emulator.fault("*/upsert-data", body=json.dumps(refused))
        with pytest.raises(RetrievalUnavailable, match="did not take all rows"):
            synced(quick_handbook)


def test_an_index_for_other_columns_is_left_alone(tmp_path: Path, emulator: Emulator) -> None:
    (tmp_path / "a.md").write_text("# A\n\nAnother corpus.\n")
    run_index(tmp_path / "a.md", tmp_path / "store")
    with pytest.raises(SourceInvalid, match="other columns"):
        synced(tmp_path / "store")


def test_an_index_that_is_not_there_is_named(quick_handbook: Path) -> None:
    with signed_in() as emulator:
        with pytest.raises(SnapshotError, match=f"warrant sync {INDEX}"):
            opened(quick_handbook, QUICK)
        emulator.fault("*/vector-search/indexes", status=404, times=1)
        with pytest.raises(RetrievalUnavailable, match="A fault was ordered"):
            synced(quick_handbook)
        with pytest.raises(SourceInvalid, match="--endpoint"):
            synced(quick_handbook, "")
        with pytest.raises(RetrievalUnavailable, match="not a valid endpoint"):
            synced(quick_handbook, "bad name")


def test_a_release_of_another_embedding_is_refused(emulator: Emulator, quick_handbook: Path) -> None:
    with pytest.raises(SnapshotMismatch):
        opened(quick_handbook, Release())


# Filters

DOCUMENTS: list[dict[str, Any]] = [
    {"year": 2023, "region": "EU", "draft": True, "tags": ["pump", "valve"], "issued": "2023-05-01", "part no": 7},
    {"year": 2024, "region": "US", "draft": False, "tags": ["pump"], "issued": "2024-05-01", "part no": "K-9"},
    {"year": 2025, "region": "EU", "tags": ["fan"], "issued": "2025-05-01", "weight": 1.5},
    {"region": "O'Hare", "draft": False, "weight": 2.5, "issued": "2025-06-01"},
    {"year": 2024, "allowed_groups": ["hr"], "region": "EU"},
    {},
]
FILTERS: list[Any] = [
    {"region": "EU"},
    {"region": ["EU", "O'Hare"]},
    {"region": {"ne": "EU"}},
    {"region": None},
    {"region": {"ne": None}},
    {"region": []},
    {"year": {"gte": 2024}},
    {"year": {"gt": 2023, "lt": 2025}},
    {"year": {"gt": 2022, "gte": 2024}},
    {"not": {"year": {"gte": 2024}}},
    {"weight": {"lte": 1.5}},
    {"draft": True},
    {"not": {"draft": False}},
    {"issued": {"gte": "2024-05-01"}},
    {"issued": "01.05.2024"},
    {"tags": "pump"},
    {"tags": ["fan", "valve"]},
    {"tags": {"ne": "pump"}},
    {"part no": 7},
    {"part no": "K-9"},
    {"or": [{"region": "EU", "year": 2023}, {"draft": False}]},
    {"and": [{"or": [{"region": "EU"}, {"region": "US"}]}, {"not": {"year": 2024}}]},
    {"not": {"or": [{"region": "EU"}, {"year": None}]}},
    {"not": {"and": [{"region": "EU"}, {"year": 2025}]}},
    {"not": {"region": ["EU", "US"]}},
    {"region": {"ne": "EU"}, "and": [{"region": {"ne": "US"}}]},
    {"region": ["EU", "US"], "and": [{"region": ["US", "O'Hare"]}]},
    {"region": "EU", "and": [{"region": "US"}]},
    {"document": "corpus/0"},
    {"document": {"ne": "corpus/0"}},
    {"title": None},
    {"year": 2024, "not": {"year": None}},
]


@pytest.fixture(scope="module", params=["STANDARD", "STORAGE_OPTIMIZED"])
def filtering(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Agent, Agent]]:
    """A Snapshot and its copy on an endpoint of one type."""
    folder = tmp_path_factory.mktemp("filters")
    lines = [
        {"id": str(number), "title": f"Note {number}", "text": f"Note {number} is about pumps.", "metadata": metadata}
        for number, metadata in enumerate(DOCUMENTS)
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)))
    run_index(folder / "corpus.jsonl", folder / "store")
    with signed_in(polls=1) as emulator:
        emulator.search.endpoints["e"] = {"name": "e", "endpoint_type": request.param, "polls": 0}
        synced(folder / "store", "e")
        yield (
            opened(folder / "store", QUICK),
            asyncio.run(open_agent(settings(folder / "store", backend="local"), QUICK)),
        )


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("groups", [[], ["hr"]], ids=str)
def test_filters_find_what_they_find_in_a_snapshot(
    filtering: tuple[Agent, Agent], filters: Any, groups: list[str]
) -> None:
    there, here = ({p["document"] for p in find(agent, "pumps", filters, groups)} for agent in filtering)
    assert there == here


def test_filters_that_a_standard_endpoint_cannot_take_are_refused() -> None:
    columns = {"tags": "strings", "year": "integer"}
    with pytest.raises(FilterInvalid, match="several values"):
        standard_filters({"tags": "a", "and": [{"tags": "b"}]}, columns, ["everybody"])  # type: ignore[arg-type]
    many = {"or": [{"year": number} for number in range(9)]}
    with pytest.raises(FilterInvalid, match="9 searches"):
        standard_filters(many, columns, ["everybody"])  # type: ignore[arg-type]
    every = {"and": [{"or": [{"year": n}, {"tags": str(n)}]} for n in range(9)]}
    with pytest.raises(FilterInvalid, match="too many alternatives"):
        sql_filter(every, columns, ["everybody"])  # type: ignore[arg-type]
