"""Fuses what the two legs of a search found, and what several searches found, into one ranking; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import TypeVar

from ..state import Passage

Key = TypeVar("Key", str, int)
"""What names a passage."""
K1, B = 1.2, 0.75


def normalised(scores: Mapping[Key, float]) -> dict[Key, float]:
    """Min-max: the best becomes 1, the worst 0; scores that are all the same become 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def fuse(lexical: Mapping[Key, float], vector: Mapping[Key, float], vector_weight: float) -> dict[Key, float]:
    """The convex combination of the min-max-normalised scores of both legs by passage, best first.

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


def blend(found: Sequence[Sequence[Passage]], weights: Sequence[float]) -> list[Passage]:
    """Passages by the weighted mean of their scores, best first; what a search did not find counts as 0 there.

    A passage that several searches found is taken as the first of them gave it.
    """
    first: dict[str, Passage] = {}
    totals: dict[str, float] = {}
    for passages, weight in zip(found, weights, strict=True):
        for passage in passages:
            first.setdefault(passage["id"], passage)
            totals[passage["id"]] = totals.get(passage["id"], 0.0) + weight * passage["score"]
    whole = sum(weights)
    blended = [Passage(**{**passage, "score": totals[name] / whole}) for name, passage in first.items()]
    return sorted(blended, key=lambda passage: -passage["score"])


def take_turns(found: Sequence[Sequence[Passage]], turns: Sequence[int]) -> list[Passage]:
    """Every passage once: `turns[0]` from the first ranking, `turns[1]` from the second and so on, round after round.

    So that each search keeps a share of a budget, whatever its scores are: those of two searches do not compare.
    """
    queues = [iter(passages) for passages in found]
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


def _fresh(queue: Iterator[Passage], taken: dict[str, Passage], most: int) -> Iterator[Passage]:
    """The next passages of a ranking that no other has given."""
    for passage in queue:
        if most and passage["id"] not in taken:
            most -= 1
            yield passage
        if not most:
            return
