"""The quotable sentences of the kept passages, each scored against the question by learned weights; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any, Literal

from ..learned import load, logistic
from ..question.answer_types import could_answer
from ..state import Evidence, Passage
from ..text.sentences import Unit, units
from ..text.words import Weigh, terms
from .late import Near
from .versions import outdated

MOST_UNITS = 400
OPENING = 300
"""Characters that stand for a passage without units."""
COMPARED = 14
"""How many units are embedded afresh: the best by what is known without that."""
AFRESH = 0.6
"""What the cosine to a unit by itself counts beside the one to the unit in its passage."""
ASKS = -2.0
"""Log-odds for a unit that is itself a question: a heading of a list of answers says nothing."""
OUTDATED = -4.0
"""Log-odds for a unit of a version that another kept passage's document supersedes."""
BY_TOKENS: tuple[Literal["met", "headed", "least"], ...] = ("met", "headed", "least")
"""What an index that holds tokens tells of a unit beside its similarity; see graph.finding.late.Near."""


def gather(passages: Sequence[Passage], told: Sequence[Near] | None = None) -> list[Evidence]:
    """The quotable units of the passages in reading order, with how near they are where the index has told it.

    Otherwise `similarity` is what the search found, or their passage's.
    """
    found = []
    for number, passage in enumerate(passages):
        own = _units(passage["text"], passage["header"])
        for place, (unit, similar) in enumerate(zip(own, _similar(passage, len(own)), strict=True)):
            if any(map(str.isalpha, unit.reading)):
                found.append(_evidence(number, unit, similar))
                if told:
                    found[-1] |= _nearness(told[number], place)
    return found[:MOST_UNITS]


def nearest(passage: Passage, near: Near, most: int) -> str:
    """The units of a passage that meet a question most nearly, in reading order; its opening where it has none."""
    found = sorted(gather([passage], [near]), key=lambda unit: -unit["headed"])[:most]
    best = " ".join(unit["text"] for unit in sorted(found, key=lambda unit: unit["start"]))
    return best or passage["text"][:OPENING]


def _similar(passage: Passage, count: int) -> list[float]:
    return passage["similar"] if len(passage["similar"]) == count else [passage["vector"] or 0.0] * count


def _evidence(number: int, unit: Unit, similar: float) -> Evidence:
    text, start, end = unit.reading, unit.start, unit.end
    found = Evidence(passage=number, start=start, end=end, text=text, similarity=similar, coverage=0.0, score=0.0)
    return Evidence(**{**found, "question": unit.question}) if unit.question else found


def said(unit: Evidence) -> str:
    """What a unit says by itself, without the question that its passage asks before it."""
    return unit["text"][len(unit.get("question", "")) :].lstrip()


def _nearness(near: Near, place: int) -> Any:
    told = {name: values[place] for name, values in near._asdict().items()}
    return {"similarity": told.pop("similar"), **told}


@lru_cache(maxsize=2048)
def _units(text: str, header: str) -> tuple[Unit, ...]:
    return tuple(units(text, header))


def about(passage: Passage) -> str:
    """What a passage's sentences stand under: the document's title and the innermost section."""
    return f"{passage['title']}, {passage['section'].split(' > ')[-1]}" if passage["section"] else passage["title"]


@lru_cache(maxsize=8192)
def term_set(text: str) -> frozenset[str]:
    """The distinct terms of a text."""
    return frozenset(terms(text))


@dataclass(frozen=True)
class Seen:
    """What a unit holds with its heading, and with its neighbours too."""

    headed: frozenset[str]
    near: frozenset[str]


def surroundings(passages: Sequence[Passage], found: Sequence[Evidence]) -> list[Seen]:
    """The terms in and around each gathered unit; units must be in reading order."""
    seen = []
    for n, unit in enumerate(found):
        headed = term_set(unit["text"]) | term_set(about(passages[unit["passage"]]))
        beside = [o for o in (*found[max(0, n - 1) : n], *found[n + 1 : n + 2]) if o["passage"] == unit["passage"]]
        seen.append(Seen(headed, headed.union(*(term_set(other["text"]) for other in beside))))
    return seen


def share(wanted: frozenset[str], held: frozenset[str], weigh: Weigh) -> float:
    """The weighted share of the wanted terms that are held, 0 to 1; 1 when nothing is wanted."""
    total = sum(map(weigh, wanted))
    return sum(map(weigh, wanted & held)) / total if total > 0 else 1.0


def shortlist(question: str, passages: Sequence[Passage], found: Sequence[Evidence], weigh: Weigh) -> list[int]:
    """The numbers of the units that are worth embedding, best first."""
    wanted = term_set(question)
    worth = [
        unit["similarity"] + 0.5 * share(wanted, seen.headed, weigh)
        for unit, seen in zip(found, surroundings(passages, found), strict=True)
    ]
    return sorted(range(len(found)), key=lambda n: -worth[n])[:COMPARED]


def score(
    question: str, passages: Sequence[Passage], found: Sequence[Evidence], afresh: Mapping[int, float], weigh: Weigh
) -> list[Evidence]:
    """The units, best first: `score` is the probability that a unit holds the answer, `coverage` a share of terms.

    `afresh` are the cosines of the question to units embedded by themselves; a unit without one counts as the worst.
    Where the index has told how near the units are, nothing is embedded afresh.
    """
    model, old = load("sentences" if has_tokens(found) else "sentences_afresh"), outdated(question, passages)
    scored = []
    for n, values in enumerate(features(question, passages, found, afresh, weigh)):
        unit = found[n]
        odds = model.score(values)
        odds += ASKS * unit["text"].rstrip().endswith("?") + OUTDATED * (unit["passage"] in old)
        similarity, held = values["similar"], values["held"]
        scored.append(Evidence(**{**unit, "similarity": similarity, "coverage": held, "score": logistic(odds)}))
    return sorted(scored, key=lambda unit: -unit["score"])


def has_tokens(found: Sequence[Evidence]) -> bool:
    """Whether the index has told how near the units are by its tokens."""
    return bool(found) and "met" in found[0]


def features(
    question: str, passages: Sequence[Passage], found: Sequence[Evidence], afresh: Mapping[int, float], weigh: Weigh
) -> list[dict[str, float]]:
    """What speaks for each unit: how near it is, the `words` it shares, and whether it could answer by kind."""
    wanted = term_set(question)
    least = min(afresh.values(), default=1.0)
    rows = []
    for n, (unit, seen) in enumerate(zip(found, surroundings(passages, found), strict=True)):
        held, near = share(wanted, seen.headed, weigh), share(wanted, seen.near, weigh)
        could = could_answer(question, unit["text"])
        words = {"held": held, "words": (held + near) / 2, "could": could is True, "could_not": could is False}
        alone = afresh.get(n, min(least, unit["similarity"]))
        rows.append(_by_tokens(unit) if "met" in unit else _afresh(unit, alone))
        rows[-1] |= {name: float(value) for name, value in words.items()}
    return rows


def _by_tokens(unit: Evidence) -> dict[str, float]:
    return {"similar": unit["similarity"], **{name: unit[name] for name in BY_TOKENS}}


def _afresh(unit: Evidence, alone: float) -> dict[str, float]:
    """`meaning` is of both cosines: to the unit embedded by itself, and to it as it stands in its passage."""
    return {"similar": alone, "meaning": AFRESH * alone + (1 - AFRESH) * unit["similarity"]}


def weighing(passages: Sequence[Passage]) -> Weigh:
    """How telling a term is among the passages, for a world that does not tell it of the whole index."""
    texts = [term_set(unit["text"]) for unit in gather(passages)]
    return lambda term: log((len(texts) + 1) / (sum(term in text for text in texts) + 0.5))
