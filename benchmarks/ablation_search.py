"""What the legs, their fusion, the reranker and each of its features gain: the first half of benchmarks/ablation.py."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.progress import track

from benchmarks import switches as own
from benchmarks.candidates import SETS, Found, ndcg, open_set, search_all
from benchmarks.gains import CLOCKED, Figures, Measured, Row, compare, extra_ms
from benchmarks.pools import Pool
from benchmarks.record import cores, timed
from benchmarks.stores import store_of
from benchmarks.switches import Switch
from benchmarks.train_rerank import SHARES, Listed, fit, gains, listed
from graph.backend import Scope
from graph.caching.cache import Caches
from graph.index.local import open_retriever
from graph.release import Release
from graph.retrieval.features import FEATURES, features
from graph.text.words import equal_weight

RANKS = 60
"""k of reciprocal rank fusion (Cormack and others, 2009), as LanceDB takes it."""


async def search_sets(data: Path) -> tuple[dict[str, dict[str, list[float]]], list[Listed]]:
    """nDCG@10 of the reporting halves by the way of fusing and the set; and what the reranker is given."""
    fused: dict[str, dict[str, list[float]]] = {}
    lists = []
    for name in track(SETS, "Searching the sets"):
        retriever = await open_set(data, name)
        async for found in search_all(data, name, retriever, SHARES.get(name, 1.0)):
            lists += [await listed(name, found, retriever)] if found.passages else []
            for way, scores in {} if found.develops else ways(found).items():
                fused.setdefault(way, {}).setdefault(name, []).append(ndcg(found.judged, found.passages, scores))
        retriever.close()
    return fused, lists


def ways(found: Found) -> dict[str, list[float]]:
    """Scores of the passages as they were fused, by one leg alone, and by reciprocal ranks."""
    words = [passage["lexical"] or 0.0 for passage in found.passages]
    meaning = [passage["vector"] or 0.0 for passage in found.passages]
    ranks = [sum(pair) for pair in zip(by_rank(words), by_rank(meaning), strict=True)]
    fused = [passage["score"] for passage in found.passages]
    return {"fused": fused, own.LEXICAL.name: meaning, own.VECTOR.name: words, own.FUSION.name: ranks}


def by_rank(scores: Sequence[float]) -> list[float]:
    order = sorted(range(len(scores)), key=lambda n: -scores[n])[: Release().retrieval.pool]
    places = {n: 1 / (RANKS + place) for place, n in enumerate(order, 1) if scores[n] > 0}
    return [places.get(n, 0.0) for n in range(len(scores))]


def retrieval(asked: Sequence[Pool], fused: dict[str, dict[str, list[float]]]) -> list[Row]:
    took = {weight: asyncio.run(search_ms(asked, weight)) for weight in (0.5, 1.0, 0.0)}
    ms = {own.LEXICAL: took[0.5] - took[1.0], own.VECTOR: took[0.5] - took[0.0], own.FUSION: None}
    figures = {way: {name: Measured(values) for name, values in each.items()} for way, each in fused.items()}
    return [compare(switch, figures["fused"], figures[switch.name], ms[switch]) for switch in ms]


async def search_ms(asked: Sequence[Pool], weight: float) -> float:
    """The median of one search with such a weight of the vector leg; 0 and 1 leave a leg out."""
    plain = Release()
    release = plain.model_copy(update={"retrieval": plain.retrieval.model_copy(update={"vector_weight": weight})})
    retriever, _ = await open_retriever(store_of("squad_v2_dev", plain), release, cores(), Caches())
    spent = []
    for pool in asked:
        began = asyncio.get_running_loop().time()
        await retriever.search(pool.question, Scope({}, [], plain.retrieval.pool, plain.retrieval.keep))
        spent.append(asyncio.get_running_loop().time() - began)
    retriever.close()
    return median(spent) * 1000


def ranking(lists: Sequence[Listed]) -> list[Row]:
    def figures(switch: Switch | None) -> Figures:
        kept = np.array([switch is None or name != switch.name for name in FEATURES])
        known = [replace(each, table=each.table * kept) for each in lists]
        models = {name: fit([each for each in known if each.set != name]) for name in SETS}
        return {name: Measured(gains([each for each in lists if each.set == name], models[name])) for name in SETS}

    def run(each: Listed) -> Any:
        return features(each.found.question, each.found.passages, equal_weight)

    some, on = lists[:: max(1, len(lists) // CLOCKED)], figures(None)
    fused = {name: Measured(gains([each for each in lists if each.set == name])) for name in SETS}
    whole = compare(own.RERANKER, on, fused, median(timed(run, each).seconds for each in some) * 1000)
    each_feature = track(own.FEATURES, "Learning without a feature")
    return [whole, *(compare(each, on, figures(each), extra_ms(each, run, some)) for each in each_feature)]
