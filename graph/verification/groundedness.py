"""Groundedness: one score for how well the passages support a whole answer, fitted to human ratings; pure."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

from ..learned import load
from ..text.words import TermWeight, share, terms
from .passages import PreparedPassage
from .repair import NOT_FOUND_STATEMENT


def answer_features(
    claims: Sequence[str], passages: Sequence[PreparedPassage], similarities: Sequence[float], weigh: TermWeight
) -> dict[str, float]:
    """Means over the claims, weighted by the logarithm of their length.

    `held`: the weighted share of a claim's terms that are in any passage; `words`: the same for the whole answer.
    `pairs`: the share of a claim's pairs of neighbouring terms that are in a passage. `similarities` are the best
    cosines of each claim to any unit. `absent`: the share of claims that say that nothing was found.
    """
    passage_terms = {term for passage in passages for term in (*terms(passage.text), *terms(passage.context.text))}
    pairs = {pair for passage in passages for pair in pairwise(terms(passage.text))}
    claim_weights = [log(1 + len(set(terms(claim)))) for claim in claims]
    covered = [share(terms(claim), passage_terms, weigh) if passages else 0.0 for claim in claims]
    copied = [
        _share_of_pairs(claim, pairs, share_covered) for claim, share_covered in zip(claims, covered, strict=True)
    ]
    absent = _mean([float(bool(NOT_FOUND_STATEMENT.search(claim))) for claim in claims], [1.0] * len(claims))
    no_passages = float(not passages)
    return {
        "held": _mean(covered, claim_weights),
        "words": share((term for claim in claims for term in terms(claim)), passage_terms, weigh) if passages else 0.0,
        "pairs": _mean(copied, claim_weights),
        "similarity": _mean(similarities, claim_weights),
        "absent": absent,
        "no_passages": no_passages,
        "absent_and_no_passages": absent * no_passages,
    }


def _share_of_pairs(claim: str, pairs: set[tuple[str, str]], default: float) -> float:
    own = set(pairwise(terms(claim)))
    return len(own & pairs) / len(own) if own else default


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = sum(weights)
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total if total else 0.0


def groundedness(
    claims: Sequence[str], passages: Sequence[PreparedPassage], similarities: Sequence[float], weigh: TermWeight
) -> float:
    """The score, 0 to 1; 0 for an answer without claims."""
    if not claims:
        return 0.0
    return load("groundedness").probability(answer_features(claims, passages, similarities, weigh))
