"""Fuses the lexical and vector scores of a search, and the results of several searches; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import TypeVar

from ..state import Passage

Key = TypeVar("Key", str, int)
"""The key of a passage."""
K1, B = 1.2, 0.75


def min_max(scores: Mapping[Key, float]) -> dict[Key, float]:
    """Min-max normalisation: the best becomes 1 and the worst 0; equal scores all become 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def fuse(lexical: Mapping[Key, float], vector: Mapping[Key, float], vector_weight: float) -> dict[Key, float]:
    """The convex combination of the min-max-normalised scores of both legs, best first.

    A passage that a leg did not find has that leg's lowest score. It beats reciprocal rank fusion: Bruch, Gai, Ingber,
    An Analysis of Fusion Functions for Hybrid Retrieval (2023).
    """
    lexical_scores, vector_scores = min_max(lexical), min_max(vector)
    fused = {
        key: (1 - vector_weight) * lexical_scores.get(key, 0.0) + vector_weight * vector_scores.get(key, 0.0)
        for key in lexical_scores.keys() | vector_scores.keys()
    }
    return dict(sorted(fused.items(), key=lambda item: (-item[1], item[0])))


def bm25(query_terms: Iterable[str], text: Sequence[str], weigh: Callable[[str], float], average: float) -> float:
    """The BM25 score of a text, given as terms; `average` is the average length of a text, 0 if unknown.

    Robertson, Zaragoza: The Probabilistic Relevance Framework (2009), with LanceDB's parameters.
    """
    counts, length = Counter(text), len(text) / average if average else 1.0
    term_counts = ((weigh(term), counts[term]) for term in sorted(set(query_terms)))
    return sum(
        term_weight * count * (K1 + 1) / (count + K1 * (1 - B + B * length)) for term_weight, count in term_counts
    )


def best_by_document(passages: Sequence[Passage]) -> list[Passage]:
    """The first passage of each document, in order."""
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage["document"], passage)
    return list(first.values())


def blend(rankings: Sequence[Sequence[Passage]], weights: Sequence[float]) -> list[Passage]:
    """Passages by the weighted mean of their scores, best first; a search that did not find a passage counts as 0.

    A passage of several searches is returned as the first of them found it.
    """
    first: dict[str, Passage] = {}
    totals: dict[str, float] = {}
    for passages, weight in zip(rankings, weights, strict=True):
        for passage in passages:
            first.setdefault(passage["id"], passage)
            totals[passage["id"]] = totals.get(passage["id"], 0.0) + weight * passage["score"]
    total_weight = sum(weights)
    blended = [Passage(**{**passage, "score": totals[name] / total_weight}) for name, passage in first.items()]
    return sorted(blended, key=lambda passage: -passage["score"])


def interleave(rankings: Sequence[Sequence[Passage]], turns: Sequence[int]) -> list[Passage]:
    """Interleave rankings without duplicates: `turns[0]` from the first, `turns[1]` from the second and so on.

    Each search keeps a share of the budget, since the scores of different searches are not comparable.
    """
    queues = [iter(passages) for passages in rankings]
    taken: dict[str, Passage] = {}
    open_queues = set(range(len(queues)))
    for number in cycle(range(len(queues))):
        if not open_queues:
            break
        fresh = list(_fresh(queues[number], taken, turns[number]))
        taken.update((passage["id"], passage) for passage in fresh)
        if len(fresh) < turns[number]:
            open_queues.discard(number)
    return list(taken.values())


def _fresh(queue: Iterator[Passage], taken: dict[str, Passage], count: int) -> Iterator[Passage]:
    """The next passages of a ranking that are not taken yet."""
    for passage in queue:
        if count and passage["id"] not in taken:
            count -= 1
            yield passage
        if not count:
            return
