"""Chooses the sentences that answer a question, without repetition, each from where it says most; pure."""

from collections.abc import Sequence

from graph.evidence import contexts
from graph.state import Evidence, Passage
from graph.words import terms

NEXT_FROM = 0.72
"""Share of the best sentence's score that a further one must reach."""
SAME = 0.7
"""Share of shared content words from which on two sentences say the same."""
POOL = 12


def choose(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], most: int) -> list[Evidence]:
    """The best sentence, then such as hold terms of the question that none before them held, up to `most`."""
    if not evidence:
        return []
    ranked = sorted(evidence, key=lambda unit: -unit["score"])[:POOL]
    chosen = [ranked[0]]
    missing = set(terms(question)) - _held(passages, ranked[0])
    while missing and len(chosen) < most:
        rest = [unit for unit in ranked if _adds(unit, chosen) and unit["score"] >= NEXT_FROM * ranked[0]["score"]]
        best = max(rest, key=lambda unit: (len(missing & _held(passages, unit)), unit["score"]), default=None)
        if best is None or not missing & _held(passages, best):
            break
        chosen.append(best)
        missing -= _held(passages, best)
    return chosen


def _held(passages: Sequence[Passage], unit: Evidence) -> set[str]:
    return set(terms(contexts(passages, [unit])[0]))


def _adds(unit: Evidence, chosen: Sequence[Evidence]) -> bool:
    words = set(terms(unit["text"]))
    return not any(len(words & set(terms(other["text"]))) >= SAME * max(1, len(words)) for other in chosen)
