"""What one search finds for the judged questions of a set, and how good a ranking of it is by the judgements.

A turn of a conversation is searched for as the question that stands alone. Documents rank by their best passage.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytrec_eval

from benchmarks.fitting import develops, within
from benchmarks.record import cores, read_judgements, read_records
from benchmarks.stores import build_or_reuse, store_of
from graph.backend import Scope
from graph.caching.cache import open_caches
from graph.index.local import SnapshotRetriever, open_retriever
from graph.release import Release
from graph.settings import Settings
from graph.state import Passage
from graph.steps.conversation import fold

SETS = ("scifact", "hotpotqa_100", "squad_v2_dev", "mtrag")
FILES = ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz")


@dataclass(frozen=True)
class Found:
    """What the legs found for a question, best fused first; `judged` is the relevance of each judged document."""

    id: str
    question: str
    passages: list[Passage]
    judged: Mapping[str, int]

    @property
    def develops(self) -> bool:
        return develops(self.id)


async def open_set(data: Path, name: str) -> SnapshotRetriever:
    """The Snapshot of a set by the default release, built once; it keeps the vectors of questions as a server does."""
    await asyncio.to_thread(build_or_reuse, name, data / name / FILES[0], Release())
    return (await open_retriever(store_of(name, Release()), Release(), cores(), open_caches(Settings())))[0]


async def search_all(data: Path, name: str, retriever: SnapshotRetriever, share: float = 1.0) -> AsyncIterator[Found]:
    """The judged questions of a set, or a share of them by a hash of their ids."""
    judged = read_judgements(data / name / FILES[2])
    for record in read_records(data / name / FILES[1]):
        own = judged.get(record["id"], {})
        if any(relevance > 0 for relevance in own.values()) and within(record["id"], share):
            yield await _search(record, own, retriever)


async def _search(record: Mapping[str, Any], judged: Mapping[str, int], retriever: SnapshotRetriever) -> Found:
    question = fold(record["text"], record.get("history") or []).question
    found = await retriever.search(question, Scope({}, [], Release().retrieval.pool))
    return Found(record["id"], question, found, judged)


def ndcg(judged: Mapping[str, int], passages: Sequence[Passage], scores: Sequence[float]) -> float:
    """nDCG@10 of the documents by their best passage, by pytrec_eval."""
    ranked: dict[str, float] = {}
    for passage, score in zip(passages, scores, strict=True):
        ranked[passage["document"]] = max(score, ranked.get(passage["document"], float("-inf")))
    if not ranked:
        return 0.0
    judge = pytrec_eval.RelevanceEvaluator({"q": dict(judged)}, {"ndcg_cut.10"})
    return float(judge.evaluate({"q": ranked})["q"]["ndcg_cut_10"])
