"""Reorders candidates and selects those for the answer: no duplicates, within the token budget; pure."""

import re
from collections.abc import Sequence

from ..release import Reranking
from ..state import Passage
from .fusion import min_max

TOKEN = re.compile(r"[-−]?\d+(?:[.,:/]\d+)*|\w+|[^\w\s.,;:!?\"'’“”()*#|-]")
"""The tokens in which texts can differ: words, signed numbers, and symbols such as %, but not punctuation."""
TOKENS_PER_WORD = 1.4
"""An estimate for English, exact enough for a budget."""


def reorder(candidates: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    """The candidates by descending score (stable); `score` is min-max-normalised."""
    shares = min_max({str(number): float(score) for number, score in enumerate(scores)}).values()
    scored = [Passage(**{**passage, "score": share}) for passage, share in zip(candidates, shares, strict=True)]
    return sorted(scored, key=lambda passage: -passage["score"])


def keep_best(candidates: Sequence[Passage], sizes: Reranking) -> list[Passage]:
    """The best candidates in order, without duplicates of better ones, within the budget; the first is always kept.

    A duplicate has the same words and numbers in the same order.
    """
    kept: list[Passage] = []
    seen_texts: set[tuple[str, ...]] = set()
    tokens = 0.0
    for passage in candidates:
        words = tuple(TOKEN.findall(passage["text"].casefold()))
        cost = len(words) * TOKENS_PER_WORD
        if words in seen_texts or (kept and tokens + cost > sizes.token_budget):
            continue
        kept.append(passage)
        seen_texts.add(words)
        tokens += cost
        if len(kept) == sizes.passages:
            break
    return kept
