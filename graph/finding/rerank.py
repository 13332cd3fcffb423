"""Orders the candidates, and keeps what the answer may use: no near copies, within the token budget; pure."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ..release import Reranking
from ..state import Passage
from .retrieval import normalised

WORD = re.compile(r"\w+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
TOKENS_PER_WORD = 1.4
"""English in word pieces; a budget needs no exact count."""


def reorder(candidates: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    """The candidates by falling score, equal ones as they came; `score` becomes 1 for the best and 0 for the worst."""
    shares = normalised({str(number): float(score) for number, score in enumerate(scores)}).values()
    scored = [Passage(**{**passage, "score": share}) for passage, share in zip(candidates, shares, strict=True)]
    return sorted(scored, key=lambda passage: -passage["score"])


def keep_best(candidates: Sequence[Passage], sizes: Reranking) -> list[Passage]:
    """The best candidates in order: copies of a better one left out, and nothing beyond the budget but the first."""
    kept: list[Passage] = []
    sketches: list[tuple[set[tuple[str, str]], list[str]]] = []
    tokens = 0.0
    for passage in candidates:
        sketch = _sketch(passage["text"])
        if any(_same(sketch, other, sizes.duplicate) for other in sketches):
            continue
        cost = tokens_in(passage["text"])
        if kept and tokens + cost > sizes.token_budget:
            continue
        kept.append(passage)
        sketches.append(sketch)
        tokens += cost
        if len(kept) == sizes.passages:
            break
    return kept


def tokens_in(text: str) -> float:
    """About how many word pieces a text has."""
    return len(WORD.findall(text)) * TOKENS_PER_WORD


def _sketch(text: str) -> tuple[set[tuple[str, str]], list[str]]:
    words = WORD.findall(text.lower())
    return set(pairwise(words)) or {(word, "") for word in words}, NUMBER.findall(text)


def _same(
    one: tuple[set[tuple[str, str]], list[str]], other: tuple[set[tuple[str, str]], list[str]], least: float
) -> bool:
    # Two versions of a rule differ in a number and in little else: those are not copies.
    if one[1] != other[1]:
        return False
    return len(one[0] & other[0]) >= least * max(1, len(one[0] | other[0]))
