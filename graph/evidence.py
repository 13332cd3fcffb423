"""How well the kept passages support an answer: their sentences scored against the question; pure."""

from collections.abc import Sequence
from math import exp

from graph.sentences import units
from graph.state import Evidence, Passage
from graph.versions import outdated
from graph.words import coverage, terms, weights

SIMILARITY_WEIGHT, COVERAGE_WEIGHT, PASSAGE_WEIGHT = 0.5, 0.3, 0.2
MOST_UNITS = 80
SHORTLIST = 24
REPLACED = 0.1
"""What a unit loses whose document a later version has replaced: more than two versions of a rule differ by."""


def gather(passages: Sequence[Passage]) -> list[Evidence]:
    """The quotable units of the passages in reading order, not yet compared with the question."""
    found = [
        Evidence(passage=number, start=u.start, end=u.end, text=u.reading, similarity=0.0, coverage=0.0, score=0.0)
        for number, passage in enumerate(passages)
        for u in units(passage["text"], passage["header"])
    ]
    return found[:MOST_UNITS]


def shortlist(passages: Sequence[Passage], found: Sequence[Evidence], most: int = SHORTLIST) -> list[Evidence]:
    """The units that are worth comparing afresh: by the vectors that the index holds of them, where it holds them."""
    own: dict[int, int] = {}
    near: list[float] = []
    for unit in found:
        number, place = unit["passage"], own.get(unit["passage"], 0)
        own[number] = place + 1
        near.append(passages[number]["similar"][place] if place < len(passages[number]["similar"]) else 1.0)
    best = sorted(range(len(found)), key=lambda place: -near[place])[:most]
    return [found[place] for place in sorted(best)]


def contexts(passages: Sequence[Passage], found: Sequence[Evidence]) -> list[str]:
    """Each unit as it is compared with a question: under its document's title and section."""
    return [f"{_heading(passages[unit['passage']])}: {unit['text']}" for unit in found]


def _heading(passage: Passage) -> str:
    return f"{passage['title']}, {passage['section'].split(' > ')[-1]}" if passage["section"] else passage["title"]


def score(
    question: str, passages: Sequence[Passage], found: Sequence[Evidence], similarities: Sequence[float]
) -> list[Evidence]:
    """The units, best first, by similarity to the question, share of its terms, and their passage's own score."""
    wanted = terms(question)
    texts = [terms(text) for text in contexts(passages, found)]
    weight = weights(texts)
    rare = max(weight.values(), default=1.0)
    replaced = outdated(question, passages)
    scored = []
    for unit, text, similarity in zip(found, texts, similarities, strict=True):
        share = coverage(wanted, text, weight, rare)
        own = passages[unit["passage"]]["score"]
        total = SIMILARITY_WEIGHT * similarity + COVERAGE_WEIGHT * share + PASSAGE_WEIGHT * own
        total -= REPLACED if unit["passage"] in replaced else 0.0
        scored.append(Evidence(**{**unit, "similarity": similarity, "coverage": share, "score": total}))
    return sorted(scored, key=lambda unit: -unit["score"])


def confidence(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence]) -> float:
    """How well the evidence supports an answer, 0 to 1: a logistic of its best similarity and its share of terms."""
    if not evidence:
        return 0.0
    similarity = max(unit["similarity"] for unit in evidence)
    found = [term for unit in evidence[:3] for term in terms(contexts(passages, [unit])[0])]
    wanted = terms(question)
    share = coverage(wanted, found, {}, 1.0) if wanted else 1.0
    return 1 / (1 + exp(-(10.0 * (similarity - 0.5) + 4.0 * (share - 0.6))))
