"""Fuses the lexical and the vector leg by their scores; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from ..state import Passage

K1, B = 1.2, 0.75


def normalised(scores: Mapping[str, float]) -> dict[str, float]:
    """Min-max: the best becomes 1, the worst 0; scores that are all the same become 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def fuse(lexical: Mapping[str, float], vector: Mapping[str, float], vector_weight: float) -> dict[str, float]:
    """The convex combination of the min-max-normalised scores of both legs, by passage id, best first.

    What one leg did not find counts as that leg's worst. Bruch, Gai, Ingber: An Analysis of Fusion Functions for
    Hybrid Retrieval (2023), who show that it beats reciprocal ranks.
    """
    words, meaning = normalised(lexical), normalised(vector)
    fused = {
        key: (1 - vector_weight) * words.get(key, 0.0) + vector_weight * meaning.get(key, 0.0)
        for key in words.keys() | meaning.keys()
    }
    return dict(sorted(fused.items(), key=lambda item: (-item[1], item[0])))


def bm25(wanted: Iterable[str], text: Sequence[str], weigh: Callable[[str], float], average: float) -> float:
    """How well a text of terms matches those wanted; `average` is how many terms a text has, 0 where none is known.

    Robertson, Zaragoza: The Probabilistic Relevance Framework (2009), with LanceDB's parameters.
    """
    counts, length = Counter(text), len(text) / average if average else 1.0
    held = ((weigh(term), counts[term]) for term in sorted(set(wanted)))
    return sum(own * count * (K1 + 1) / (count + K1 * (1 - B + B * length)) for own, count in held)


def best_by_document(passages: Sequence[Passage]) -> list[Passage]:
    """The first, hence best, passage of each document, in order."""
    first: dict[str, Passage] = {}
    for passage in passages:
        first.setdefault(passage["document"], passage)
    return list(first.values())
