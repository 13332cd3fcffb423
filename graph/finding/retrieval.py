"""Fuses the lexical and the vector leg by their scores, and compares what they found among itself; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..state import Passage
from .late import unit

Vectors = NDArray[np.float32]
LEADERS = 3
"""Best passages towards which the question moves."""
K1, B = 1.2, 0.75
PULL = 0.6
"""How far the question moves towards the best sentences of the leaders."""


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


def to_passages(
    lexical: Sequence[dict[str, Any]],
    vector: Sequence[dict[str, Any]],
    vector_weight: float,
    asked: Vectors | None = None,
) -> list[Passage]:
    """Both legs' rows as one list of passages, best first, with their signals where the question has a vector."""
    matches = {row["id"]: float(row["match"]) for row in lexical}
    similarities = {row["id"]: float(row["similarity"]) for row in vector}
    rows = {row["id"]: row for row in (*lexical, *vector)}
    fused = fuse(matches, similarities, vector_weight)
    passages = [_passage(rows[key], score, matches.get(key)) for key, score in fused.items()]
    if asked is not None and passages:
        vectors, units = np.stack([rows[key]["vector"] for key in fused]), [rows[key]["units"] for key in fused]
        for passage, own in zip(passages, signals(asked, vectors, units), strict=True):
            passage["signals"] = own
    return passages


def _passage(row: dict[str, Any], score: float, lexical: float | None) -> Passage:
    return Passage(
        id=row["id"],
        document=row["document"],
        file=row["file"],
        title=row["title"],
        section=row["section"],
        header=row["header"],
        page=row["page"],
        page_breaks=row["page_breaks"],
        start=row["start"],
        end=row["end"],
        text=row["text"],
        metadata=row["metadata"],
        score=score,
        lexical=lexical,
        vector=row["cosine"],
        similar=row["similar"],
    )


def signals(asked: Vectors, vectors: Vectors, units: Sequence[Vectors]) -> list[dict[str, float]]:
    """How like each passage, best first, is to the question moved towards the best ones; vectors are of unit length.

    `moved`: the likeness of its best unit to the question after it has moved towards the leaders' best units
    (Rocchio, 1971).
    """
    if not len(vectors):
        return []
    best = np.stack(
        [own[np.argmax(own @ asked)] if len(own) else whole for own, whole in zip(units, vectors, strict=True)]
    )
    moved = unit(asked + PULL * unit(best[:LEADERS].mean(axis=0, keepdims=True)))[0]
    return [
        {"moved": float((own @ moved).max()) if len(own) else float(whole @ moved)}
        for own, whole in zip(units, vectors, strict=True)
    ]


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
