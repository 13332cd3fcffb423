"""Orders the candidates, and keeps what the answer may use: no copies, within the token budget; pure."""

import re
from collections.abc import Sequence

from ..release import Reranking
from ..state import Passage
from .fusion import normalised

SAID = re.compile(r"[-−]?\d+(?:[.,:/]\d+)*|\w+|[^\w\s.,;:!?\"'’“”()*#|-]")
"""What two texts differ by: words, numbers with their signs, and signs that are no punctuation, such as %."""
TOKENS_PER_WORD = 1.4
"""English in word pieces; a budget needs no exact count."""


def reorder(candidates: Sequence[Passage], scores: Sequence[float]) -> list[Passage]:
    """The candidates by falling score, equal ones as they came; `score` becomes 1 for the best and 0 for the worst."""
    shares = normalised({str(number): float(score) for number, score in enumerate(scores)}).values()
    scored = [Passage(**{**passage, "score": share}) for passage, share in zip(candidates, shares, strict=True)]
    return sorted(scored, key=lambda passage: -passage["score"])


def keep_best(candidates: Sequence[Passage], sizes: Reranking) -> list[Passage]:
    """The best candidates in order: copies of a better one left out, and nothing beyond the budget but the first.

    A copy has the same words and numbers in the same order; a text that differs in one of them is another.
    """
    kept: list[Passage] = []
    seen: set[tuple[str, ...]] = set()
    tokens = 0.0
    for passage in candidates:
        said = tuple(SAID.findall(passage["text"].casefold()))
        cost = len(said) * TOKENS_PER_WORD
        if said in seen or (kept and tokens + cost > sizes.token_budget):
            continue
        kept.append(passage)
        seen.add(said)
        tokens += cost
        if len(kept) == sizes.passages:
            break
    return kept
