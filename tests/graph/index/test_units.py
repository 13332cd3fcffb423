"""The vectors of a passage's units in a Snapshot: made in the passage's run, kept, carried over, and compared."""

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import QUICK, run_index

from graph.backend import Scope
from graph.errors import RetrievalUnavailable
from graph.index.local import open_retriever
from graph.index.rows import PassageRows
from graph.index.store import locate
from graph.index.tables import Reader
from graph.ingest.vectors import marked
from graph.models.embedding import Embedder, QuestionVectors, TextWithSpans, relative_cosines
from graph.models.packaged_embeddings import load_embedder
from graph.release import Release
from graph.state import Passage

SEALS = "# Seals\n\nThe seal of the pump is changed every two years. Call the service desk in Utrecht."
CARS = "# Cars\n\nThe garage has forty places. Electric cars are charged in the basement."
QUESTION = "How often is the seal changed?"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents under the default embedding; the second one was added to the Snapshot of the first."""
    folder = tmp_path_factory.mktemp("units")
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


@pytest.mark.parametrize("name", ["bge-small-en-v1.5-int8", "minilm-l6-v2-int8", "wordllama-256"])
def test_one_run_gives_a_text_its_vector_and_those_of_its_spans(name: str) -> None:
    embedder = load_embedder(name)
    [marks] = embedder.embed_with_spans([TextWithSpans("Guide\nOil the seal. Call us.", [(6, 19), (20, 28)])])
    assert np.allclose(marks.whole, embedder.embed(["Guide\nOil the seal. Call us."])[0], atol=1e-5)
    assert marks.spans.shape == (2, embedder.dimensions)
    assert marks.spans.dtype == np.int8
    assert not np.array_equal(*marks.spans)


def test_a_span_beyond_the_cut_of_the_model_gets_the_vector_of_all() -> None:
    [marks] = load_embedder("minilm-l6-v2-int8").embed_with_spans(
        [TextWithSpans("word " * 500, [(0, 4), (2400, 2404)])]
    )
    assert np.abs(marks.spans[1] / 127 - marks.whole / np.abs(marks.whole).max()).max() < 0.01


def test_what_the_first_token_says_of_a_question_has_its_prefix_and_what_units_meet_has_not() -> None:
    embedder = load_embedder("bge-small-en-v1.5-int8")
    asked = embedder.embed_question(QUESTION)
    prefixed = f"Represent this sentence for searching relevant passages: {QUESTION}"
    assert np.allclose(asked.whole, embedder.embed([prefixed])[0], atol=1e-5)
    [marks] = embedder.embed_with_spans([TextWithSpans(f"{QUESTION}", [(0, len(QUESTION))])])
    assert unit(marks.spans[0]) @ asked.units > 0.97


def unit(vector: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    found: np.ndarray = vector / np.linalg.norm(vector.astype(np.float32))  # type: ignore[type-arg]
    return found


def test_units_are_the_same_after_the_journal_and_after_being_carried_over(store: Path) -> None:
    found = rows(locate(store))
    made = load_embedder(Release().embedding).embed_with_spans(list(map(marked, found.rows)))
    assert [np.array_equal(held, own.spans) for held, own in zip(found.units, made, strict=True)] == [True, True]


def searched(store: Path, text: str) -> list[Passage]:
    async def search() -> list[Passage]:
        retriever, _ = await open_retriever(store, Release(), 1)
        return await retriever.search(text, Scope({}, [], 10))

    return asyncio.run(search())


def test_a_passage_tells_how_like_the_question_it_and_each_of_its_units_are(store: Path) -> None:
    seals, cars = searched(store, QUESTION)
    assert (seals["document"], cars["document"]) == ("docs/seals.md", "docs/cars.md")
    assert seals["vector"] is not None
    assert cars["vector"] is not None
    assert seals["vector"] > 0.3 > cars["vector"]
    assert len(seals["similar"]) == len(cars["similar"]) == 2
    assert seals["similar"][0] > max(seals["similar"][1], *cars["similar"])


@pytest.mark.parametrize("name", ["bge-small-en-v1.5-int8", "minilm-l6-v2-int8"])
def test_texts_that_have_nothing_in_common_are_told_as_unrelated(name: str) -> None:
    embedder = load_embedder(name)
    texts = ["Oil the seal of the pump.", "Napoleon died in 1821.", "Cats sleep all day.", "Add two eggs and flour."]
    cosines = embedder.embed(texts) @ embedder.embed(texts).T
    others = relative_cosines(cosines[np.triu_indices(4, 1)], embedder.unrelated)
    assert abs(float(others.mean())) < 0.1
    assert relative_cosines(np.ones(1, np.float32), embedder.unrelated)[0] == pytest.approx(1.0)


def test_a_snapshot_that_has_gone_is_an_error_that_the_graph_knows(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store, tmp_path / "gone")

    async def search() -> None:
        retriever, _ = await open_retriever(tmp_path / "gone", Release(), 1)
        shutil.rmtree(tmp_path / "gone")
        await retriever.search(QUESTION, Scope({}, [], 10))

    with pytest.raises(RetrievalUnavailable):
        asyncio.run(search())


def test_a_question_is_embedded_once_for_both_its_vectors(store: Path) -> None:
    runs: list[str] = []
    behind = load_embedder(Release().embedding)

    class Counting:
        def embed_question(self, text: str) -> QuestionVectors:
            runs.append(text)
            return behind.embed_question(text)

    async def ask() -> None:
        retriever, embedder = await open_retriever(store, Release(), 1)
        counting: Embedder = Counting()  # type: ignore[assignment]
        embedder._embedder = counting  # type: ignore[attr-defined]
        await retriever.search(QUESTION, Scope({}, [], 10))

    asyncio.run(ask())
    assert runs == [QUESTION]


def test_static_vectors_compare_a_question_with_wholes_and_units_by_one_vector() -> None:
    asked = load_embedder(QUICK.embedding).embed_question("Why?")
    assert np.array_equal(asked.whole, asked.units)
