"""How far a whole answer rests on its passages, as people judge it: one number from its claims; pure."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

from ..learned import load
from ..text.words import Weigh, share, terms
from .passages import Source
from .repair import ABSENT


def features(
    claims: Sequence[str], sources: Sequence[Source], similarities: Sequence[float], weigh: Weigh
) -> dict[str, float]:
    """Means over the claims, each by the logarithm of its length; `similarities` are their best cosines to any unit.

    `held`: the weighted share of a claim's terms that stand in any passage, `words` the same of the whole answer's.
    `pairs`: the share of a claim's neighbouring terms that are neighbours in a passage. Telling the reader that nothing
    was found is right only where nothing was.
    """
    everywhere = {term for found in sources for term in (*terms(found.text), *terms(found.about.text))}
    pairs = {pair for found in sources for pair in pairwise(terms(found.text))}
    counts = [log(1 + len(set(terms(claim)))) for claim in claims]
    held = [share(terms(claim), everywhere, weigh) if sources else 0.0 for claim in claims]
    copied = [_share_of_pairs(claim, pairs, whole) for claim, whole in zip(claims, held, strict=True)]
    absent = _mean([float(bool(ABSENT.search(claim))) for claim in claims], [1.0] * len(claims))
    nothing = float(not sources)
    return {
        "held": _mean(held, counts),
        "words": share((term for claim in claims for term in terms(claim)), everywhere, weigh) if sources else 0.0,
        "pairs": _mean(copied, counts),
        "similarity": _mean(similarities, counts),
        "absent": absent,
        "no_passages": nothing,
        "absent_and_no_passages": absent * nothing,
    }


def _share_of_pairs(claim: str, found: set[tuple[str, str]], otherwise: float) -> float:
    own = set(pairwise(terms(claim)))
    return len(own & found) / len(own) if own else otherwise


def _mean(values: Sequence[float], counts: Sequence[float]) -> float:
    total = sum(counts)
    return sum(value * count for value, count in zip(values, counts, strict=True)) / total if total else 0.0


def groundedness(
    claims: Sequence[str], sources: Sequence[Source], similarities: Sequence[float], weigh: Weigh
) -> float:
    """0 to 1; 0 for an answer without words."""
    if not claims:
        return 0.0
    return load("groundedness").probability(features(claims, sources, similarities, weigh))
