"""Searching a Snapshot: filters with recall kept on both legs, access groups always, exact and approximate."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import QUICK, run_index

from graph.backend import Scope
from graph.errors import FilterInvalid, SnapshotBroken, SnapshotMismatch, SnapshotMissing
from graph.filters import access_condition, compile_filter
from graph.index import tables
from graph.index.local import SnapshotRetriever, open_retriever
from graph.index.manifest import MANIFEST, read_manifest
from graph.index.rows import PassageRows
from graph.index.store import Store, locate
from graph.index.tables import Reader, TableWriter
from graph.ingest.document import canonical
from graph.release import Release
from graph.state import Passage


def corpus(folder: Path, records: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(record) for record in records), "utf-8")
    return folder / "corpus.jsonl"


def record(number: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "region": ["EU", "US", "APAC"][number % 3],
        "year": 2020 + number % 5,
        "final": number % 2 == 0,
        "effective_date": f"{2020 + number % 5}-06-01",
        "tags": ["even" if number % 2 == 0 else "odd", f"t{number % 7}"],
    }
    if number % 4 == 3:
        metadata["allowed_groups"] = ["hr"] if number % 8 == 3 else ["it", "finance"]
    if number % 10 == 9:
        del metadata["region"]
    return {"id": f"d{number}", "text": f"Rule {number} about pump seals and storage quota.", "metadata": metadata}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    run_index(corpus(folder / "docs", [record(number) for number in range(120)]), folder / "store")
    return folder / "store"


TEXT = "pump seals storage quota"


def found(
    store: Path, filters: Any = None, groups: list[str] | None = None, *, leg: float = 0.5, text: str = TEXT
) -> set[int]:
    async def search() -> set[int]:
        retrieval = QUICK.retrieval.model_copy(update={"vector_weight": leg})
        retriever, _ = await open_retriever(store, QUICK.model_copy(update={"retrieval": retrieval}), 1)
        passages = await retriever.search(text, Scope(filters or {}, groups or [], 500))
        return {int(passage["document"][1:]) for passage in passages}

    return asyncio.run(search())


PUBLIC = {number for number in range(120) if number % 4 != 3}


def where(test: Any) -> set[int]:
    return {number for number in PUBLIC if test(record(number)["metadata"])}


@pytest.mark.parametrize("leg", [0.0, 0.5, 1.0], ids=["lexical", "fused", "vector"])
@pytest.mark.parametrize(
    ("filters", "test"),
    [
        ({"region": "EU"}, lambda m: m.get("region") == "EU"),
        ({"region": ["EU", "US"]}, lambda m: m.get("region") in ("EU", "US")),
        ({"region": None}, lambda m: "region" not in m),
        ({"region": {"ne": "EU"}}, lambda m: m.get("region") != "EU"),
        ({"not": {"region": "EU"}}, lambda m: m.get("region") != "EU"),
        ({"year": {"gte": 2021, "lt": 2023}}, lambda m: 2021 <= m["year"] < 2023),
        ({"final": True}, lambda m: m["final"]),
        ({"effective_date": {"gt": "2022-06-01"}}, lambda m: m["effective_date"] > "2022-06-01"),
        ({"tags": "t3"}, lambda m: "t3" in m["tags"]),
        ({"tags": ["t3", "t4"]}, lambda m: {"t3", "t4"} & set(m["tags"])),
        ({"or": [{"region": "EU"}, {"year": 2024}]}, lambda m: m.get("region") == "EU" or m["year"] == 2024),
        ({"and": [{"region": "EU"}, {"not": {"final": True}}]}, lambda m: m.get("region") == "EU" and not m["final"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_filter_keeps_exactly_what_it_asks_for_on_each_leg(store: Path, filters: Any, test: Any, leg: float) -> None:
    assert found(store, filters, leg=leg) == where(test)


WRITTEN: list[dict[str, Any]] = [
    {"Sold On": "3/4/2025", "price": "1.500", "in-stock": "ja", "grade": "7", "done": "yes"},
    {"Sold On": "12/31/2024", "price": "899,50", "in-stock": "nein", "grade": "10", "done": True},
    {"Sold On": "Feb 15, 2025", "price": "12.000", "in-stock": True, "grade": "9 or so", "done": "?"},
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Values in the forms that people use."""
    folder = tmp_path_factory.mktemp("written")
    records = [{"id": f"d{n}", "text": f"Rule {n} about pump seals.", "metadata": m} for n, m in enumerate(WRITTEN)]
    run_index(corpus(folder / "docs", records), folder / "store")
    return folder / "store"


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"Sold On": {"gte": "2025-01-01"}}, {0, 2}),
        ({"Sold On": {"lt": "15.02.2025"}}, {1}),
        ({"Sold On": "2025-03-04"}, {0}),
        ({"price": {"gte": 1000}}, {0, 2}),
        ({"price": {"lt": "1.000,00"}}, {1}),
        ({"in-stock": True}, {0, 2}),
        ({"in-stock": "no"}, {1}),
        ({"grade": "7.0"}, {0}),
        ({"grade": [10, "9 or so"]}, {1, 2}),
        ({"done": True}, {0, 1}),
        ({"done": {"ne": "ja"}}, {2}),
    ],
)
def test_values_are_compared_by_what_they_mean(written: Path, filters: Any, numbers: set[int]) -> None:
    assert found(written, filters, text="pump seals") == numbers


def test_a_column_that_is_not_all_numbers_is_not_ordered_by_letters(written: Path) -> None:
    with pytest.raises(FilterInvalid, match="'grade' is a column of type mixed and has no order"):
        found(written, {"grade": {"gte": "9"}})


def test_a_passage_tells_its_dates_in_iso_form_and_the_rest_as_written(written: Path) -> None:
    async def search() -> dict[str, Any]:
        retriever, _ = await open_retriever(written, QUICK, 1)
        [passage] = await retriever.search("pump seals", Scope({"price": 1500}, [], 5))
        return passage["metadata"]

    assert asyncio.run(search()) == {**WRITTEN[0], "Sold On": "2025-03-04"}


def test_a_caller_without_groups_sees_what_is_public(store: Path) -> None:
    assert found(store) == PUBLIC


def test_a_caller_sees_the_documents_of_each_of_its_groups(store: Path) -> None:
    assert found(store, groups=["hr"]) == PUBLIC | {number for number in range(120) if number % 8 == 3}
    assert found(store, groups=["finance", "hr"]) == set(range(120))


def test_no_filter_opens_what_the_groups_close(store: Path) -> None:
    sly = {"or": [{"region": {"ne": "x"}}, {"year": {"gte": 0}}]}
    assert found(store, sly) == PUBLIC
    assert found(store, groups=["' OR true OR '"]) == PUBLIC


def test_a_passage_does_not_carry_another_callers_groups_into_the_filter_columns(store: Path) -> None:
    with pytest.raises(FilterInvalid, match="has no column 'allowed_groups'"):
        found(store, {"allowed_groups": "hr"})


def test_an_unknown_column_is_named_with_those_that_there_are(store: Path) -> None:
    with pytest.raises(FilterInvalid, match=r"no column 'colour' .* effective_date, file, final, region"):
        found(store, {"colour": "red"})


def test_a_query_of_signs_only_finds_nothing_by_words(store: Path) -> None:
    async def search() -> list[Any]:
        reader = await Reader.open(locate(store), approximate=False)
        return await reader.matching("", "public", 10)

    assert asyncio.run(search()) == []


@pytest.mark.parametrize("leg", [0.0, 0.5])
def test_a_query_whose_words_stand_nowhere_finds_nothing_by_words(store: Path, leg: float) -> None:
    assert (found(store, leg=leg, text="zyzzyva") == set()) == (leg == 0.0)


@pytest.mark.parametrize("leg", [0.0, 0.5, 1.0])
def test_a_filter_that_nothing_fits_finds_nothing(store: Path, leg: float) -> None:
    assert found(store, {"region": "Atlantis"}, leg=leg) == set()


def test_a_snapshot_whose_documents_were_all_refused_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nallowed_groups: []\n---\nThe pump starts.\n", "utf-8")
    run_index(tmp_path / "a.md", tmp_path / "store")
    assert found(tmp_path / "store", text="Does the pump start?") == set()


def test_a_snapshot_opens_where_nothing_can_be_written(store: Path) -> None:
    directory = locate(store)
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    paths = [directory, *directory.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert found(directory) == PUBLIC
        assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.slow
def test_several_processes_read_one_snapshot_at_once(store: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from graph.index.tables import Reader\n"
        "async def main():\n"
        "    reader = await Reader.open(Path(sys.argv[1]), approximate=False)\n"
        "    print(len(await reader.matching('quota', 'public', 500)))\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", script, str(locate(store))]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [int(reader.communicate()[0]) for reader in readers] == [len(PUBLIC)] * 3


def test_a_snapshot_can_be_moved_and_opened_by_its_own_directory(store: Path, tmp_path: Path) -> None:
    import shutil

    moved = shutil.copytree(locate(store), tmp_path / "anywhere")
    assert found(moved) == PUBLIC


def test_nothing_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="make one with `warrant index PATH --out"):
        found(tmp_path)


def test_a_half_copied_snapshot_is_told(store: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(locate(store), tmp_path / "copy")
    lost = next(path for path in copy.rglob("*.lance") if path.is_file())
    os.truncate(lost, 10)
    with pytest.raises(SnapshotBroken, match="has 10 bytes instead of"):
        found(copy)
    lost.unlink()
    with pytest.raises(SnapshotBroken, match="is missing; copy it again or index again"):
        found(copy)


def test_a_manifest_that_is_cut_short_is_told(store: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(locate(store), tmp_path / "copy")
    os.truncate(copy / MANIFEST, 40)
    with pytest.raises(SnapshotBroken, match="is not a Snapshot's manifest"):
        found(copy)


def test_a_pointer_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_text("abc\n")
    with pytest.raises(SnapshotBroken, match="names the Snapshot 'abc', which is not there"):
        locate(tmp_path)


def test_a_snapshot_of_another_embedding_is_refused(store: Path) -> None:
    with pytest.raises(SnapshotMismatch, match=r"wordllama-256, but the release default@\w+ names bge-small"):
        asyncio.run(open_retriever(store, Release(), 1))


def test_a_store_inside_a_snapshot_is_refused(store: Path) -> None:
    from graph.errors import SourceInvalid

    with (
        pytest.raises(SourceInvalid, match="is itself a Snapshot and never changes"),
        Store(locate(store)).writing(patience=0),
    ):
        pass


def test_the_manifest_says_what_the_snapshot_holds(store: Path) -> None:
    manifest = read_manifest(locate(store))
    assert manifest.columns == {
        "effective_date": "date",
        "final": "boolean",
        "region": "string",
        "tags": "strings",
        "year": "integer",
    }
    assert (manifest.counts.documents, manifest.embedding, manifest.vector_index) == (120, "wordllama-256", "exact")


MANY = 52_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Enough passages for the approximate index, with clustered vectors as real texts have."""
    directory = tmp_path_factory.mktemp("large")
    chance = np.random.default_rng(7)
    centres = chance.normal(size=(400, 64)).astype(np.float32)
    vectors = centres[chance.integers(0, 400, MANY)] + 0.35 * chance.normal(size=(MANY, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    async def write() -> bool:
        writer = await TableWriter.create(directory, {"year": "integer"}, 64)
        for start in range(0, MANY, 13_000):
            numbers = range(start, start + 13_000)
            rows = [_row(number) for number in numbers]
            passages = PassageRows(rows, vectors[start : start + 13_000], [np.empty((0, 64), np.int8)] * len(rows))
            await writer.add_passages(passages, {row["document"]: _shared(row) for row in rows})
        return await writer.finish()

    assert asyncio.run(write())
    return directory, vectors


def _row(number: int) -> dict[str, Any]:
    text = f"passage {number}"
    own: dict[str, Any] = {
        "id": f"{number}",
        "document": f"{number}",
        "section": "",
        "header": "",
        "page": None,
        "page_breaks": [],
    }
    return {**own, "start": 0, "end": len(text), "text": text, "search_text": text}


def _shared(row: dict[str, Any]) -> dict[str, Any]:
    number = int(row["document"])
    restricted = ["hr"] if number % 50 == 0 else []
    metadata = canonical({"year": number % 100}).decode()
    own = {"file": "f", "title": "t", "metadata": metadata, "m_year": number % 100}
    return {**own, "public": not restricted, "allowed_groups": restricted}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("filters", "least"),
    [({}, 0.95), ({"year": {"lt": 50}}, 0.95), ({"year": 7}, 1.0)],
    ids=["all", "half", "one in a hundred"],
)
def test_the_approximate_search_keeps_its_recall_under_filters(
    large: tuple[Path, Any], filters: Any, least: float
) -> None:
    directory, vectors = large
    condition = compile_filter(filters, {"year": "integer"})
    full = f"{access_condition([])} AND ({condition})" if condition else access_condition([])
    allowed = [n for n in range(MANY) if n % 50 and ("year" not in filters or _holds(n % 100, filters["year"]))]
    queries = vectors[np.random.default_rng(1).integers(0, MANY, 20)]

    async def search() -> list[set[int]]:
        reader = await Reader.open(directory, approximate=True)
        found = [[hit.row for hit in await reader.nearest(query, full, 10)] for query in queries]
        return [{int(name) for name in (await reader.documents_at(places, full)).values()} for places in found]

    recalls = []
    for query, got in zip(queries, asyncio.run(search()), strict=True):
        best = np.argsort(-(vectors[allowed] @ query))[:10]
        assert got <= set(allowed)
        recalls.append(len(got & {allowed[index] for index in best}) / 10)
    assert np.mean(recalls) >= least


def _holds(year: int, wanted: Any) -> bool:
    return bool(year < wanted["lt"] if isinstance(wanted, dict) else year == wanted)


def test_the_retriever_is_the_one_place_that_adds_the_groups(store: Path) -> None:
    async def condition() -> str:
        retriever, _ = await open_retriever(store, QUICK, 1)
        assert isinstance(retriever, SnapshotRetriever)
        return retriever.condition(Scope({"region": "EU"}, ["hr"], 10))

    wanted = "(public OR array_has_any(allowed_groups, ['hr'])) AND (m_region = 'EU')"
    assert asyncio.run(condition()) == wanted


def search_of(store: Path, text: str, scope: Scope) -> tuple[list[Passage], list[tuple[str, float]]]:
    """What a search finds, as passages and as documents."""

    async def search() -> tuple[list[Passage], list[tuple[str, float]]]:
        retriever, _ = await open_retriever(store, QUICK, 1)
        return await retriever.search(text, scope), await retriever.documents(text, scope)

    return asyncio.run(search())


def test_only_the_best_are_read_and_their_scores_are_those_of_all_that_was_found(store: Path) -> None:
    every, documents = search_of(store, "Rule 7 about pump seals", Scope({}, ["it"], 40))
    best, _ = search_of(store, "Rule 7 about pump seals", Scope({}, ["it"], 40, keep=5))
    assert best == every[:5]
    assert documents == [(passage["document"], passage["score"]) for passage in every]


@pytest.mark.parametrize("groups", [[], ["hr"]])
def test_vectors_in_memory_find_what_the_library_finds(
    store: Path, groups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def search(most_held: int) -> list[tuple[int, float]]:
        monkeypatch.setattr(tables, "MAX_IN_MEMORY", most_held)
        reader = await Reader.open(locate(store), approximate=False)
        vector = np.random.default_rng(1).normal(size=256).astype(np.float32)
        found = await reader.nearest(vector, access_condition(groups), 30)
        assert (reader._vectors is None) == (most_held == 0)
        return [(hit.row, round(hit.score, 4)) for hit in found]

    held = asyncio.run(search(1000))
    assert len(held) == 30
    assert sorted(held) == sorted(asyncio.run(search(0)))


@pytest.mark.parametrize("groups", [[], ["hr"]])
def test_what_a_caller_may_not_see_is_not_read_even_where_its_place_is_known(store: Path, groups: list[str]) -> None:
    async def read() -> tuple[set[int], set[int]]:
        reader = await Reader.open(locate(store), approximate=False)
        places = [hit.row for hit in await reader.nearest(np.ones(256, np.float32), "true", 120)]
        assert len(places) == 120
        rows = await reader.fetch(places, access_condition(groups))
        names = await reader.documents_at(places, access_condition(groups))
        return {int(row["document"][1:]) for row in rows.values()}, {int(name[1:]) for name in names.values()}

    wanted = PUBLIC | {number for number in range(120) if groups and number % 8 == 3}
    assert asyncio.run(read()) == (wanted, wanted)


def test_a_passage_that_was_read_for_one_caller_is_read_again_for_another(store: Path) -> None:
    async def search() -> tuple[list[int], set[int], set[int]]:
        retriever, _ = await open_retriever(store, QUICK, 1)
        reads: list[int] = []
        fetch = retriever._reader.fetch

        async def counting(row_ids: Any, where: str) -> Any:
            reads.append(len(row_ids))
            return await fetch(row_ids, where)

        retriever._reader.fetch = counting  # type: ignore[method-assign]
        scopes = [Scope({}, groups, 500) for groups in (["hr"], ["hr"], [])]
        found = [{int(each["document"][1:]) for each in await retriever.search(TEXT, scope)} for scope in scopes]
        return reads, found[1], found[2]

    reads, staff, everybody = asyncio.run(search())
    assert reads == [len(staff), len(PUBLIC)]
    assert (everybody, staff) == (PUBLIC, PUBLIC | {number for number in range(120) if number % 8 == 3})


def test_what_a_caller_does_to_metadata_reaches_nobody_else(store: Path) -> None:
    async def search() -> list[dict[str, Any]]:
        retriever, _ = await open_retriever(store, QUICK, 1)
        first, again = [(await retriever.search(TEXT, Scope({}, [], 5, 1)))[0]["metadata"] for _ in range(2)]
        first.clear()
        return [again, (await retriever.search(TEXT, Scope({}, [], 5, 1)))[0]["metadata"]]

    again, third = asyncio.run(search())
    assert again == third != {}
