"""Whether reranking finds the judged documents better than each leg and than fusion: nDCG@10, and what is then kept.

Sets: scifact, hotpotqa_100, squad_v2_dev and mtrag, each as one search by the default release finds it; a turn of a
conversation as the question that stands alone. `reporting` is the half that graph/learned/rerank.json has not seen.
p is that of a paired permutation test of reranked against fused, two-sided. `kept` is the share of the judged
documents among the passages that the answer may use; ms is the time of one question in the reranker.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import permutation_test

from benchmarks.candidates import FILES, SETS, Found, ndcg, open_set, search_all
from benchmarks.record import Target, begin, print_table, record, spread
from graph.models.rerankers import EmbeddedReranker
from graph.release import Release
from graph.retrieval.rerank import keep_best, reorder
from graph.state import Passage

LEGS = ("lexical", "vector", "fused", "reranked")
SCIFACT = 0.75
"""The nDCG@10 that was aimed at there."""


@dataclass(frozen=True)
class Asked:
    """One question: nDCG@10 by leg, the share of its documents kept by ranking, and the reranker's milliseconds."""

    develops: bool
    scores: dict[str, float]
    kept: dict[str, float]
    ms: float


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    results = {name: asyncio.run(measure(data, name)) for name in SETS}
    for part in ("whole", "reporting"):
        rows = [(name, *(results[name][part][leg] for leg in LEGS), results[name][part]["p"]) for name in SETS]
        print_table(f"nDCG@10, {part}", ("set", *LEGS, "p"), rows)
    rows = [(name, *results[name]["whole"]["kept"].values(), results[name]["ms"]["median"]) for name in SETS]
    print_table("Share of the judged documents kept", ("set", "fused", "reranked", "ms"), rows)
    record("reranking", results, targets(results))


async def measure(data: Path, name: str) -> dict[str, Any]:
    """The figures of one set."""
    retriever = await open_set(data, name)
    reranker = EmbeddedReranker(retriever.lexicon.weight)
    asked = [await ask(found, reranker) async for found in search_all(data, name, retriever)]
    reporting = [each for each in asked if not each.develops]
    times = spread([each.ms for each in asked])
    return {"whole": figures(asked), "reporting": figures(reporting), "ms": times}


async def ask(found: Found, reranker: EmbeddedReranker) -> Asked:
    most, sizes = Release().retrieval.keep, Release().reranking
    candidates, rest = found.passages[:most], found.passages[most:]
    began = time.perf_counter()
    ranked = await reranker.rank([found.question], candidates, sizes.timeout)
    spent = (time.perf_counter() - began) * 1000
    best = reorder(candidates, ranked.scores)
    legs = {
        "lexical": [(p, p["lexical"]) for p in found.passages if p["lexical"] is not None],
        "vector": [(p, p["vector"]) for p in found.passages if p["vector"] is not None],
        "fused": [(p, p["score"]) for p in found.passages],
        "reranked": [(p, -float(rank)) for rank, p in enumerate([*best, *rest])],
    }
    scores = {leg: ndcg(found.judged, [p for p, _ in rows], [s for _, s in rows]) for leg, rows in legs.items()}
    kept = {"fused": share(found, keep_best(candidates, sizes)), "reranked": share(found, keep_best(best, sizes))}
    return Asked(found.develops, scores, kept, spent)


def share(found: Found, kept: Sequence[Passage]) -> float:
    """The share of the judged documents that are among what is kept."""
    wanted = {document for document, relevance in found.judged.items() if relevance > 0}
    return len(wanted & {passage["document"] for passage in kept}) / len(wanted)


def figures(asked: Sequence[Asked]) -> dict[str, Any]:
    means = {leg: round(float(np.mean([each.scores[leg] for each in asked])), 4) for leg in LEGS}
    kept = {leg: round(float(np.mean([each.kept[leg] for each in asked])), 4) for leg in ("fused", "reranked")}
    gains = np.array([each.scores["reranked"] - each.scores["fused"] for each in asked])
    test = permutation_test((gains,), np.mean, permutation_type="samples", n_resamples=9999, random_state=0)
    better, worse = int((gains > 1e-9).sum()), int((gains < -1e-9).sum())
    p = round(float(test.pvalue), 4)
    return {**means, "kept": kept, "questions": len(asked), "better": better, "worse": worse, "p": p}


def targets(results: dict[str, Any]) -> list[Target]:
    """Above each leg and above fusion, on the whole and on the reporting half of every set."""
    found = []
    for name, parts in results.items():
        for part in ("whole", "reporting"):
            best = max(parts[part][leg] for leg in LEGS[:-1])
            found.append(Target(f"{name} {part}: nDCG@10 over the best leg", parts[part]["reranked"], at_least=best))
    return [*found, Target("scifact whole: nDCG@10", results["scifact"]["whole"]["reranked"], at_least=SCIFACT)]


if __name__ == "__main__":
    main()
