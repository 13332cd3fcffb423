"""Fuses the lexical and vector scores of a search, and the results of several searches; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """The BM25 score of a text, given as terms; `average` is the average length of a text, 0 if unknown."""
    counts = Counter(text)
    wanted = {term: counts[term] for term in query_terms}
    return bm25_of_counts(wanted, len(text) / average if average else 1.0, weigh)


def bm25_of_counts(counts: Mapping[str, int], length: float, weigh: Callable[[str], float]) -> float:
    """The BM25 score of a text with so many of each term; `length` is relative to that of an average text.

    Robertson, Zaragoza: The Probabilistic Relevance Framework (2009), with LanceDB's parameters.
    """
    room = K1 * (1 - B + B * length)
    return sum(weigh(term) * count * (K1 + 1) / (count + room) for term, count in sorted(counts.items()))


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


def interleave(rankings: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Interleave rankings without duplicates: one from each in turn, since their scores are not comparable."""
    queues = [iter(passages) for passages in rankings]
    taken: dict[str, Passage] = {}
    while queues:
        for queue in [*queues]:
            fresh = next((passage for passage in queue if passage["id"] not in taken), None)
            if fresh is None:
                queues.remove(queue)
            else:
                taken[fresh["id"]] = fresh
    return list(taken.values())
