"""What the benchmarks put between the graph and a set."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.pools import Asked, Pool, Remembering, Sieve, only_gold, without_gold
from graph.backends import Scope
from graph.backends.embedding import Embedder
from graph.backends.local import SnapshotRetriever
from graph.state import Passage

TEXT = "The pump runs. Oil the seal."


def passage(document: str) -> Passage:
    plain = {"title": "Guide", "section": "", "header": "", "score": 1.0, "vector": 0.1, "similar": [], "metadata": {}}
    return cast(Passage, {**plain, "document": document, "text": TEXT})


ASKED = Asked({"id": "q1", "text": "Why?"}, frozenset({"a"}))


def test_documents_that_answer_are_given_or_taken_away() -> None:
    assert [only_gold(ASKED, passage(name)) for name in ("a", "b")] == [True, False]
    assert [without_gold(ASKED, passage(name)) for name in ("a", "b")] == [False, True]


def test_a_sieve_finds_only_what_is_let_through() -> None:
    class Shelf:
        async def search(self, text: str, scope: Scope) -> list[Passage]:
            return [passage("a"), passage("b")]

    sieve = Sieve(cast(SnapshotRetriever, Shelf()), lambda found: found["document"] == "b")
    assert [each["document"] for each in asyncio.run(sieve.search("x", Scope({}, [], 9)))] == ["b"]


def test_a_text_is_embedded_once() -> None:
    embedded: list[str] = []

    class Counting:
        unrelated = 0.0

        def embed(self, texts: Sequence[str]) -> Any:
            embedded.extend(texts)
            return np.array([[1.0, 0.0] if text == "a" else [0.6, 0.8] for text in texts])

    nearness = Remembering(cast(Embedder, Counting()))
    assert asyncio.run(nearness.compare("a", ["b", "a", "b"])) == pytest.approx([0.6, 1.0, 0.6])
    assert asyncio.run(nearness.compare("b", ["a"])) == pytest.approx([0.6])
    assert embedded == ["a", "b"]


def test_a_pools_sentences_are_scored_by_the_cosines_that_were_kept() -> None:
    pool = Pool(ASKED, "seal", [passage("a")], {0: 0.1, 1: 0.9}, lambda term: 1.0)
    assert [(unit["text"], unit["similarity"]) for unit in pool.evidence] == [
        ("Oil the seal.", 0.9),
        ("The pump runs.", 0.1),
    ]
