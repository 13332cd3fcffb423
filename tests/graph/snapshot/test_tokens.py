"""The tokens of passages in a Snapshot: kept, carried over, told of, and not missed where an older one has none."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest
from support import QUICK, run_index

from benchmarks.halfway import state_after
from graph.backends import Scope
from graph.backends.embedders import load_embedder
from graph.backends.embedding import Marked
from graph.backends.local import SnapshotRetriever, open_local
from graph.backends.minilm import MiniLM
from graph.backends.rerankers import EmbeddedReranker
from graph.builder import build_graph
from graph.errors import RetrievalUnavailable
from graph.finding.late import Asked
from graph.finding.relevance import features, understood
from graph.ingest.vectors import marked
from graph.learned import load
from graph.release import Release, Retrieval
from graph.settings import Settings
from graph.snapshot.manifest import MANIFEST, Manifest, files_of, read_manifest, write_manifest
from graph.snapshot.rows import COUNTS, TOKENS, PassageRows
from graph.snapshot.store import locate
from graph.snapshot.tables import Reader
from graph.state import Question

SEALS = "# Seals\n\nThe seal of the pump is changed every two years. Call the service desk in Utrecht."
CARS = "# Cars\n\nThe garage has forty places. Electric cars are charged in the basement."
QUESTION = "How often is the seal changed?"
LEADER = "The seal of the pump is changed every two years. Call the service desk in Utrecht."
"""The two sentences of the passage that leads for it."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents under the default embedding; the second one was added to the Snapshot of the first."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "docs").mkdir()
    (folder / "docs" / "seals.md").write_text(SEALS)
    run_index(folder / "docs", folder / "store", Release())
    (folder / "docs" / "cars.md").write_text(CARS)
    run_index(folder / "docs", folder / "store", Release())
    return folder / "store"


def rows(directory: Path) -> PassageRows:
    async def read() -> PassageRows:
        reader = await Reader.open(directory, approximate=False)
        return PassageRows.joined([part async for part in reader.passages()])

    return asyncio.run(read())


def test_one_run_gives_a_text_its_vector_those_of_its_spans_and_those_of_its_tokens() -> None:
    text, spans = "Guide\nOil the seal. Call us.", [(6, 19), (20, 28)]
    [marks] = MiniLM().embed_marked([Marked(text, spans)])
    assert np.allclose(marks.whole, MiniLM().embed([text])[0], atol=1e-5)
    assert marks.spans.shape == (2, 384)
    # One token of the heading, four and three of the sentences.
    assert marks.tokens.counts == [1, 4, 3]
    assert marks.tokens.signs.shape == (8, 384 / 8)
    assert marks.tokens.signs.dtype == np.uint8
    assert marks.spans.dtype == np.int8


def test_what_lies_beyond_the_cut_of_the_model_has_no_tokens() -> None:
    text = "word " * 500
    [marks] = MiniLM().embed_marked([Marked(text, [(0, 4), (2400, 2404)])])
    assert (marks.tokens.counts[1], marks.tokens.counts[2]) == (1, 0)
    assert sum(marks.tokens.counts) == len(marks.tokens.signs) == 382


def test_the_words_of_a_question_that_tell_something_are_marked() -> None:
    asked = MiniLM().embed_asked("How often is the O-ring changed?")
    assert asked.telling.tolist() == [False, True, False, False, True, False, True, True, False]
    assert np.allclose(np.linalg.norm(asked.tokens, axis=1), 1, atol=1e-5)
    assert MiniLM().embed_asked("Is it?").telling.all()


def test_a_text_is_understood_by_what_was_said_before_it() -> None:
    embedder = MiniLM()
    pump, car = embedder.embed(["The seal of the pump is changed every two years.", "Electric cars are charged."])
    cars = embedder.embed_heard("How often is it done?", "Tell me about electric cars. They are charged at night.")
    pumps = embedder.embed_heard("How often is it done?", "Tell me about the seal of the pump.")
    assert cars @ car > cars @ pump
    assert pumps @ pump > pumps @ car
    assert np.linalg.norm([cars, pumps], axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize("text", ["Why?", "why " * 600, ""])
def test_what_was_heard_gives_way_where_both_are_too_long_for_the_model(text: str) -> None:
    embedder = MiniLM()
    heard = embedder.embed_heard(text, "pump " * 600)
    assert np.linalg.norm(heard) == pytest.approx(1.0, abs=1e-5)
    long = np.array_equal(heard, embedder.embed_heard(text, "car " * 600))
    assert long == (len(text) > 1000)


def test_static_vectors_hear_nothing() -> None:
    embedder = load_embedder(QUICK.embedding)
    assert np.array_equal(embedder.embed_heard("Why?", "A pump."), embedder.embed(["Why?"])[0])


def test_static_vectors_have_no_tokens() -> None:
    embedder = load_embedder(QUICK.embedding)
    [marks] = embedder.embed_marked([Marked("Oil the seal.", [(0, 13)])])
    assert (embedder.token_dimensions, len(marks.tokens.signs), len(embedder.embed_asked("Why?").tokens)) == (0, 0, 0)


def test_tokens_are_the_same_after_the_journal_and_after_being_carried_over(store: Path) -> None:
    found = rows(locate(store))
    assert len(found.rows) == 2
    for row, held, made in zip(
        found.rows, found.tokens, MiniLM().embed_marked(list(map(marked, found.rows))), strict=True
    ):
        assert held.counts == made.tokens.counts
        assert sum(held.counts) == len(held.signs) > 10, row["text"]
        assert np.array_equal(held.signs, made.tokens.signs)


def opened(store: Path, **changes: Any) -> tuple[Any, SnapshotRetriever]:
    backend = asyncio.run(open_local(Settings(index=store), Release()))
    assert isinstance(backend.retriever, SnapshotRetriever)
    return replace(backend, **changes), backend.retriever


def test_the_index_tells_how_near_each_sentence_is_to_any_text(store: Path) -> None:
    _, retriever = opened(store)

    async def told() -> Any:
        passages = await retriever.search(QUESTION, Scope({}, [], 10))
        near = [await retriever.near(text, passages) for text in (QUESTION, "Where do I charge?")]
        return passages, *near, await retriever.late(QUESTION, passages)

    passages, seal, charge, late = asyncio.run(told())
    first = next(n for n, passage in enumerate(passages) if "seal" in passage["text"])
    assert seal[first].met[0] > max(seal[first].met[1], *seal[1 - first].met)
    assert charge[1 - first].met[1] > max(charge[1 - first].met[0], *charge[first].met)
    assert late[first] > late[1 - first]
    assert seal[first].similar == pytest.approx(passages[first]["similar"], abs=1e-3)


class Unasked:
    """A similarity that nobody may ask."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        raise AssertionError(f"{others} were embedded")


def test_an_answers_evidence_is_found_without_embedding_a_sentence(store: Path) -> None:
    backend, _ = opened(store, similarity=Unasked())
    state = asyncio.run(state_after(build_graph(Release(), backend), "rerank", Question(question=QUESTION)))
    assert state["evidence"][0]["text"].startswith("The seal of the pump")
    assert state["evidence"][0]["score"] > state["evidence"][1]["score"]
    assert state["evidence"][0]["met"] > 0


def without_tokens(store: Path, copy: Path) -> Path:
    """The Snapshot as an earlier version made it."""
    shutil.copytree(store, copy)
    directory = locate(copy)

    async def drop() -> None:
        table = await (await lancedb.connect_async(str(directory))).open_table("passages")
        await table.drop_columns([TOKENS, COUNTS])

    asyncio.run(drop())
    write_manifest(directory, read_again(directory))
    return copy


def read_again(directory: Path) -> Any:
    """The manifest with the files that are there now."""
    manifest = Manifest.model_validate_json((directory / MANIFEST).read_text("utf-8"))
    return manifest.model_copy(update={"files": files_of(directory)})


def test_a_snapshot_of_an_earlier_version_answers_by_sentences_that_are_embedded(store: Path, tmp_path: Path) -> None:
    older = without_tokens(store, tmp_path / "older")
    assert read_manifest(locate(older)).counts.passages == 2
    backend, retriever = opened(older)
    assert (backend.nearness, retriever.holds_tokens) == (None, False)
    state = asyncio.run(state_after(build_graph(Release(), backend), "rerank", Question(question=QUESTION)))
    assert state["evidence"][0]["text"].startswith("The seal of the pump")
    assert "met" not in state["evidence"][0]
    answer = asyncio.run(build_graph(Release(), backend).ainvoke({"question": QUESTION}))["answer"]
    assert "every two years" in answer["text"]
    assert [len(held.signs) for held in rows(locate(older)).tokens] == [0, 0]


def test_candidates_are_weighed_by_what_the_index_tells(store: Path) -> None:
    _, retriever = opened(store)
    weigh = retriever.lexicon.weight

    async def ranked() -> Any:
        passages = await retriever.search(QUESTION, Scope({}, [], 10))
        told = [await EmbeddedReranker(weigh, by).rank([QUESTION], passages, 1.0) for by in (retriever, None)]
        meant = await retriever.meant(QUESTION, LEADER, passages)
        return passages, await retriever.late(QUESTION, passages), meant, *(ranked.scores for ranked in told)

    passages, late, meant, by_tokens, without = asyncio.run(ranked())
    rows = understood(features(QUESTION, passages, weigh, late), meant)
    assert by_tokens == [load("rerank").score(row) for row in rows]
    assert meant != asyncio.run(retriever.meant(QUESTION, "", passages))
    assert without == [load("rerank_afresh").score(row) for row in features(QUESTION, passages, weigh)]
    assert by_tokens != without


def test_a_turn_is_sought_by_what_it_means_after_what_was_said(store: Path) -> None:
    _, retriever = opened(store)
    scope = Scope({}, [], 10)

    async def listened(heard: str) -> Any:
        return await retriever.listen("Where can I do it?", heard, scope)

    cars, seals = asyncio.run(listened("Charging electric cars")), asyncio.run(listened("Changing the seal of a pump"))
    assert (cars[0]["document"], seals[0]["document"]) == ("docs/cars.md", "docs/seals.md")
    assert [each["lexical"] for each in cars] == [None] * len(cars)
    assert max(each["score"] for each in cars) == Release().retrieval.vector_weight


def test_a_turn_is_listened_to_under_the_callers_filter(store: Path) -> None:
    _, retriever = opened(store)
    found = asyncio.run(retriever.listen("Why?", "Electric cars", Scope({"document": "docs/seals.md"}, [], 10)))
    assert {each["document"] for each in found} == {"docs/seals.md"}


def test_only_a_world_that_understands_turns_listens(store: Path) -> None:
    by_words = Release(retrieval=Retrieval(vector_weight=0.0))
    able, unable = (asyncio.run(open_local(Settings(index=store), release)) for release in (Release(), by_words))
    assert able.listener is not None
    assert unable.listener is None


def test_a_snapshot_that_has_gone_is_an_error_that_the_graph_knows(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "gone")
    _, retriever = opened(tmp_path / "gone")
    passages = asyncio.run(retriever.search(QUESTION, Scope({}, [], 10)))
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(RetrievalUnavailable):
        asyncio.run(retriever.near("Another text", passages))


def test_a_question_is_embedded_once_for_the_search_and_for_its_sentences(store: Path) -> None:
    _, retriever = opened(store)
    runs: list[str] = []

    class Counting(MiniLM):
        def embed_asked(self, text: str) -> Asked:
            runs.append(text)
            return super().embed_asked(text)

    retriever._embedder._embedder = Counting()  # type: ignore[attr-defined]

    async def ask() -> None:
        await retriever.near(QUESTION, await retriever.search(QUESTION, Scope({}, [], 10)))

    asyncio.run(ask())
    assert runs == [QUESTION]


def test_passages_that_were_compared_are_not_read_again(store: Path) -> None:
    _, retriever = opened(store)
    read: list[str] = []
    reader = retriever._reader

    class Counting(Reader):
        async def small_vectors(self, ids: Sequence[str]) -> Any:
            read.extend(ids)
            return await reader.small_vectors(ids)

    retriever._reader = Counting.__new__(Counting)

    async def ask() -> Any:
        passages = await reader.nearest(MiniLM().embed([QUESTION])[0], "true", 10)
        return passages, [await retriever.near(text, passages) for text in (QUESTION, "And then?")]  # type: ignore[arg-type]

    passages, _ = asyncio.run(ask())
    assert sorted(read) == sorted(passage["id"] for passage in passages)
    assert len(read) == 2
