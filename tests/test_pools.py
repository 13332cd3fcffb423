"""What the benchmarks put between the graph and a set."""

import asyncio
from typing import cast

from support import passage_of

from benchmarks.pools import Asked, Pool, Sieve, only_gold, without_gold
from graph.backend import Scope
from graph.index.local import SnapshotRetriever
from graph.state import Passage

TEXT = "The pump runs. Oil the seal."
ASKED = Asked({"id": "q1", "text": "Why?"}, frozenset({"a"}))


def passage(document: str) -> Passage:
    return passage_of(TEXT, document=document, similar=[0.1, 0.9])


def test_documents_that_answer_are_given_or_taken_away() -> None:
    assert [only_gold(ASKED, passage(name)) for name in ("a", "b")] == [True, False]
    assert [without_gold(ASKED, passage(name)) for name in ("a", "b")] == [False, True]


def test_a_sieve_finds_only_what_is_let_through() -> None:
    class Shelf:
        async def search(self, text: str, scope: Scope) -> list[Passage]:
            return [passage("a"), passage("b")]

    sieve = Sieve(cast(SnapshotRetriever, Shelf()), lambda found: found["document"] == "b")
    assert [each["document"] for each in asyncio.run(sieve.search("x", Scope({}, [], 9)))] == ["b"]


def test_a_pools_sentences_are_scored_by_the_cosines_that_were_kept() -> None:
    pool = Pool(ASKED, "seal", [passage("a")], lambda term: 1.0)
    assert [(unit["text"], unit["similarity"]) for unit in pool.evidence] == [
        ("Oil the seal.", 0.9),
        ("The pump runs.", 0.1),
    ]
