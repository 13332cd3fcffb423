"""What the pipeline finds for the questions of a set, up to the sentences that it scores, of all or some documents.

Asking takes minutes, so what was found is kept in .warrant/bench until the set, the release or the code that finds it
changes. Sentences are scored when they are read, so that weights may change.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.fitting import develops, within
from benchmarks.halfway import state_after
from benchmarks.record import ROOT, cores, read_judgements, read_records
from benchmarks.stores import BENCH, build_or_reuse, store_of
from graph.backend import Backend, Lexicon, Scope
from graph.builder import build_graph
from graph.caching.cache import Caches
from graph.connect import connect
from graph.filters import ColumnType
from graph.index.lexicon import StoredLexicon
from graph.index.local import SnapshotRetriever
from graph.index.store import locate
from graph.ingest.pipeline import recipe_of
from graph.release import Release
from graph.settings import Settings
from graph.state import Evidence, Passage, Question
from graph.steps.evidence import score
from graph.sync import Graph
from graph.text.words import TermWeight

FILES = ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz")
FINDERS = (
    "retrieval/*.py",
    "steps/conversation.py",
    "steps/preprocess.py",
    "text/*.py",
    "nodes.py",
    "index/local.py",
    "models/rerankers.py",
    "learned/rerank*.json",
)
"""The code that what is found follows from."""


@dataclass(frozen=True)
class Asked:
    """A question of a set: its record, the documents that answer it, and whether it is of the half to develop on."""

    record: Mapping[str, Any]
    gold: frozenset[str]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def develops(self) -> bool:
        return develops(self.id)

    @property
    def answers(self) -> list[str]:
        return list(self.record.get("answers") or [])

    @property
    def type(self) -> str:
        return str(self.record.get("type", ""))


Given = Callable[[Asked, Passage], bool]


def whole(asked: Asked, passage: Passage) -> bool:
    """Every document is given."""
    return True


def only_gold(asked: Asked, passage: Passage) -> bool:
    """The documents that answer are given."""
    return passage["document"] in asked.gold


def without_gold(asked: Asked, passage: Passage) -> bool:
    """The documents that answer are taken away."""
    return passage["document"] not in asked.gold


@dataclass(frozen=True)
class Pool:
    """The passages kept for a question, best first; `question` is the one that stands alone."""

    asked: Asked
    question: str
    passages: list[Passage]
    weigh: TermWeight

    @cached_property
    def evidence(self) -> list[Evidence]:
        """The sentences, best first."""
        return score(self.question, self.passages, self.weigh)


def pools(data: Path, name: str, given: Given = whole, share: float = 1.0) -> Iterator[Pool]:
    """What is found for every question of a set; for those with judged documents only, when they decide what is given.

    Nothing is found where no passage is left. `share`: of the questions, by a hash of their ids.
    """
    chosen = [each for each in questions(data, name) if within(each.id, share)]
    asked = [each for each in chosen if given is whole or each.gold]
    part = f"{given.__name__}-{share:g}" if share < 1 else given.__name__
    path = BENCH / f"pools-{name}-{part}-{_recipe(data / name)}.json"
    if not path.is_file():
        path.write_text(json.dumps(asyncio.run(_ask(data, name, given, asked))), "utf-8")
    weigh = StoredLexicon.open(locate(store_of(name, Release()))).weight
    for each, found in zip(asked, json.loads(path.read_text("utf-8")), strict=True):
        yield Pool(each, found["question"], found["passages"], weigh)


def questions(data: Path, name: str) -> list[Asked]:
    """Every question of a set with the documents that are judged to answer it."""
    judged = read_judgements(data / name / "qrels.tsv.gz")
    records = read_records(data / name / "queries.jsonl.gz")
    return [
        Asked(each, frozenset(document for document, relevance in judged.get(each["id"], {}).items() if relevance > 0))
        for each in records
    ]


def _recipe(folder: Path) -> str:
    made = sha256(f"{Release().retrieval} {Release().reranking} {recipe_of(Release())}".encode())
    code = [path for form in FINDERS for path in sorted((ROOT / "graph").glob(form))]
    for path in (*code, *(folder / name for name in FILES)):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


async def _ask(data: Path, name: str, given: Given, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    graph, sieve = await _open(data, name)
    found = []
    for each in track(asked, f"Asking {name}, {given.__name__}"):
        sieve.wanted = lambda passage, each=each: given(each, passage)  # type: ignore[misc]
        asks = Question(question=each.record["text"], history=each.record.get("history") or [])
        state = await state_after(graph, "rerank", asks)
        found.append({"question": state["standalone"], "passages": state["passages"]})
    return found


async def _open(data: Path, name: str) -> tuple[Graph, "Sieve"]:
    """The graph over a set as the default release serves it; its Snapshot is built once."""
    release = Release()
    await asyncio.to_thread(build_or_reuse, name, data / name / "corpus.jsonl.gz", release)
    backend: Backend = await connect(Settings(index=store_of(name, release), threads=cores()), release)
    assert isinstance(backend.retriever, SnapshotRetriever)
    sieve = Sieve(backend.retriever)
    return build_graph(release, replace(backend, retriever=sieve, caches=Caches())), sieve


@dataclass
class Sieve:
    """A retriever that finds only what `wanted` lets through, so that a question can be asked of less."""

    behind: SnapshotRetriever
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
