"""What the pipeline finds for the questions of a set, up to the sentences that it scores, of all or some documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.fitting import develops
from benchmarks.record import cores, read_judgements, read_records
from benchmarks.stores import build_or_reuse, store_of
from graph.backends import Backend, Lexicon, Retriever, Scope, connect
from graph.builder import build_graph
from graph.cache import Caches
from graph.filters import ColumnType
from graph.release import Release
from graph.settings import Settings
from graph.state import Evidence, Passage
from graph.sync import Graph

Weigh = Callable[[str], float]
FILES = ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz")


@dataclass(frozen=True)
class Asked:
    """A question of a set: its record, the documents that answer it, and whether it is of the half to develop on."""

    record: Mapping[str, Any]
    gold: frozenset[str]

    @property
    def develops(self) -> bool:
        return develops(self.record["id"])

    @property
    def answers(self) -> list[str]:
        return list(self.record.get("answers") or [])

    @property
    def type(self) -> str:
        return str(self.record.get("type", ""))


@dataclass(frozen=True)
class Pool:
    """The passages kept for a question and their sentences, best first; `question` is the one that stands alone."""

    asked: Asked
    question: str
    passages: list[Passage]
    evidence: list[Evidence]


@dataclass
class Sieve:
    """A retriever that finds only what `wanted` lets through, so that a question can be asked of less."""

    behind: Retriever
    wanted: Callable[[Passage], bool] = field(default=lambda passage: True)

    @property
    def snapshot(self) -> str:
        return self.behind.snapshot

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        return self.behind.columns

    @property
    def lexicon(self) -> Lexicon | None:
        return self.behind.lexicon

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        return [passage for passage in await self.behind.search(text, scope) if self.wanted(passage)]


@dataclass(frozen=True)
class Library:
    """A set that can be asked; nothing is cached between questions."""

    graph: Graph
    sieve: Sieve
    weigh: Weigh

    async def ask(self, asked: Asked, wanted: Callable[[Passage], bool] = lambda passage: True) -> Pool:
        """Run a question through the graph as far as the rerank step."""
        self.sieve.wanted = wanted
        given = {"question": asked.record["text"], "history": asked.record.get("history") or []}
        question = asked.record["text"]
        async for update in self.graph.astream(given, stream_mode="updates"):
            question = update.get("preprocess", {}).get("standalone", question)
            if "rerank" in update:
                return Pool(asked, question, update["rerank"]["passages"], update["rerank"]["evidence"])
        raise SystemExit(f"The graph has no rerank step for {asked.record['id']}.")


async def open_library(data: Path, name: str) -> Library:
    """A set as the default release serves it; its Snapshot is built once."""
    release = Release()
    build_or_reuse(name, data / name / "corpus.jsonl.gz", release)
    backend: Backend = await connect(Settings(index=store_of(name, release), cores=cores()), release)
    sieve = Sieve(backend.retriever)
    lexicon = backend.retriever.lexicon
    if lexicon is None:
        raise SystemExit(f"The Snapshot of {name} has no lexicon.")
    graph = build_graph(release, replace(backend, retriever=sieve, caches=Caches()))
    return Library(graph, sieve, lexicon.weight)


def questions(data: Path, name: str) -> list[Asked]:
    """Every question of a set with the documents that are judged to answer it."""
    judged = read_judgements(data / name / "qrels.tsv.gz")
    records = read_records(data / name / "queries.jsonl.gz")
    return [
        Asked(each, frozenset(document for document, relevance in judged.get(each["id"], {}).items() if relevance > 0))
        for each in records
    ]


def only_gold(asked: Asked, passage: Passage) -> bool:
    """The document that answers is given."""
    return passage["document"] in asked.gold


def without_gold(asked: Asked, passage: Passage) -> bool:
    """The documents that answer are taken away."""
    return passage["document"] not in asked.gold
