"""What of a question stands in each of its candidates, and where: the features that the reranker weighs; pure.

Only the question's terms are looked for, so that a candidate costs one pass of a regular expression over its text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..state import Passage
from ..text.words import Weigh, is_number, terms

WINDOW = 240
"""Characters within which terms count as near: about two sentences."""
LITTLE_WORDS = 12
"""Characters that may stand between two terms that follow one another in the question."""
SATURATION, LENGTHS = 1.2, 0.75
"""k1 and b of BM25: Robertson, Zaragoza: The Probabilistic Relevance Framework (2009)."""
LEADERS = 3
FEATURES = (
    "sentence",
    "near",
    "pairs",
    "sentence_top",
    "lexical_rank_top",
    "linked",
    "words_spread",
    "meaning_spread",
)
"""What is weighed; each is such that more of it speaks for a candidate."""


class Hit(NamedTuple):
    """A term of the question at text[start:end]."""

    start: int
    end: int
    term: str


class Asked:
    """A question as candidates are compared with it: its terms with their weights, and its pairs of terms."""

    def __init__(self, question: str, weigh: Weigh) -> None:
        order = terms(question)
        self.weights = {term: max(weigh(term), 1e-3) for term in dict.fromkeys(order)}
        self.whole = sum(self.weights.values()) or 1.0
        self.pairs = {(a, b): self.weights[a] + self.weights[b] for a, b in pairwise(order) if a != b}
        self._pattern = _pattern(tuple(self.weights))

    def hits(self, text: str) -> list[Hit]:
        """Every place of a text where a term of the question stands, in order."""
        if not self.weights:
            return []
        found = ((match, _term(match.group())) for match in self._pattern.finditer(text))
        return [Hit(*match.span(), term) for match, term in found if term in self.weights]

    def share(self, held: set[str]) -> float:
        """The weighted share of the question's terms that are held, 0 to 1."""
        return sum(self.weights[term] for term in held) / self.whole


@lru_cache(maxsize=256)
def _pattern(wanted: tuple[str, ...]) -> re.Pattern[str]:
    """Words that may have one of the stems, and the numbers as they stand; a stem differs from its words at the end."""
    stems = [term[:-1] if len(term) > 3 else term for term in wanted if not is_number(term)]
    figures = "|".join(re.escape(term.lstrip("-")) for term in wanted if is_number(term))
    # What begins with a set of characters is found several times as fast as what begins with a look at what is before.
    first = re.escape("".join(sorted({letter for stem in stems for letter in stem[0] + stem[0].upper()})))
    rest = "|".join(re.escape(stem[1:]) for stem in stems)
    either = [rf"[{first}](?<![^\W\d_].)(?i:{rest})[^\W\d_]*(?:['’][^\W\d_]+)?"] if stems else []
    either += [rf"(?<![\d.,])(?:{figures})(?!\d|[.,]\d)"] if figures else []
    return re.compile("|".join(either) or r"(?!)")


@lru_cache(maxsize=50_000)
def _term(word: str) -> str:
    return next(iter(terms(word)), "")


def features(question: str, passages: Sequence[Passage], weigh: Weigh) -> list[dict[str, float]]:
    """The features of each candidate; what is compared with the other candidates is 0 to 1 among them."""
    asked = Asked(question, weigh)
    heads = [head_of(passage) for passage in passages]
    above = [asked.hits(head) for head in heads]
    within = [asked.hits(passage["text"]) for passage in passages]
    sizes = [len(head) + len(p["text"]) for head, p in zip(heads, passages, strict=True)]
    words = _bm25(asked, above, within, sizes)
    rows = [
        {**_held(asked, head, a, w, passage), **_alike(passage), "words": score}
        for head, a, w, passage, score in zip(heads, above, within, passages, words, strict=True)
    ]
    for row, linked in zip(rows, _linked(asked, passages), strict=True):
        row["linked"] = linked
    return _compared(rows)


def head_of(passage: Passage) -> str:
    """The title and the section of a passage."""
    return f"{passage['title']} {passage['section']}".strip()


def _bm25(
    asked: Asked, above: Sequence[Sequence[Hit]], within: Sequence[Sequence[Hit]], sizes: Sequence[int]
) -> list[float]:
    """Okapi BM25 over head and text; lengths are in characters, beside the mean of the candidates."""
    mean = sum(sizes) / max(1, len(sizes))
    found = []
    for one, other, size in zip(above, within, sizes, strict=True):
        counts: dict[str, int] = {}
        for hit in (*one, *other):
            counts[hit.term] = counts.get(hit.term, 0) + 1
        room = SATURATION * (1 - LENGTHS + LENGTHS * size / mean) if mean else SATURATION
        found.append(sum(asked.weights[t] * n * (SATURATION + 1) / (n + room) for t, n in counts.items()))
    return found


def _held(asked: Asked, head: str, above: Sequence[Hit], within: Sequence[Hit], passage: Passage) -> dict[str, float]:
    """Which terms and pairs of the question a passage holds."""
    titled = {hit.term for hit in above}
    pairs = _followed(asked, head, above) | _followed(asked, passage["text"], within)
    return {
        "near": _near(asked, titled, within),
        "pairs": sum(asked.pairs[pair] for pair in pairs) / (sum(asked.pairs.values()) or 1.0),
        "lexical_rank": passage["lexical"] or 0.0,
    }


def _followed(asked: Asked, text: str, hits: Sequence[Hit]) -> set[tuple[str, str]]:
    """The pairs of the question that follow one another in a text, with nothing but little words between."""
    return {
        (one.term, other.term)
        for one, other in pairwise(hits)
        if (one.term, other.term) in asked.pairs
        and other.start - one.end <= LITTLE_WORDS
        and not terms(text[one.end : other.start])
    }


def _near(asked: Asked, titled: set[str], hits: Sequence[Hit]) -> float:
    """The largest share of the question's terms within one window, those of the head counted in."""
    best, first = asked.share(titled), 0
    most = asked.share(titled | {hit.term for hit in hits})
    for last, hit in enumerate(hits):
        if best >= most:
            break
        while hit.end - hits[first].start > WINDOW:
            first += 1
        best = max(best, asked.share(titled | {each.term for each in hits[first : last + 1]}))
    return best


def _alike(passage: Passage) -> dict[str, float]:
    """How alike passage and question are by meaning, as the index compared them."""
    meaning = passage["vector"] or 0.0
    return {
        "meaning": meaning,
        "sentence": max(passage["similar"], default=meaning),
    }


def _linked(asked: Asked, passages: Sequence[Passage]) -> list[float]:
    """How much of a title is new to the question where one of the first candidates, of another title, names it.

    What answers the second half of a question is often what the answer to its first half points to. What many
    candidates name, or carry as their title, is no pointer: it counts by one through their number.
    """
    carried = Counter(passage["title"] for passage in passages)
    links = {title: _link(asked, title, passages) / carried[title] for title in carried}
    return [links[passage["title"]] for passage in passages]


def _link(asked: Asked, title: str, passages: Sequence[Passage]) -> float:
    if not any(p["title"] != title and _names(p["text"], title) for p in passages[:LEADERS]):
        return 0.0
    return _unasked(asked, title) / sum(p["title"] != title and _names(p["text"], title) for p in passages)


def _names(text: str, title: str) -> bool:
    place = text.find(title) if len(title) > 3 else -1
    return (
        place >= 0 and not (text[place - 1 : place] + text[place + len(title) :][:1]).strip(" .,;:()\"'\n-").isalnum()
    )


def _unasked(asked: Asked, title: str) -> float:
    """The share of a title's terms that the question does not have."""
    own = set(terms(title))
    return len(own - asked.weights.keys()) / len(own) if own else 0.0


def _compared(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Adds what is compared among the candidates: shares of the best, and ranks."""
    if not rows:
        return []
    for name in ("words", "meaning"):
        _spread(rows, name)
    for name in ("lexical_rank", "sentence"):
        _ranked(rows, name)
    return rows


def _spread(rows: Sequence[dict[str, float]], name: str) -> None:
    """Adds NAME_spread, 0 for the worst and 1 for the best of the candidates; 1 where all are the same."""
    low, high = min(row[name] for row in rows), max(row[name] for row in rows)
    for row in rows:
        row[f"{name}_spread"] = (row[name] - low) / (high - low) if high > low else 1.0


def _ranked(rows: Sequence[dict[str, float]], name: str) -> None:
    """Adds NAME_top, 1 / (rank + 3) from the best on: what tells the very first from the next."""
    for rank, row in enumerate(sorted(rows, key=lambda row: -row[name])):
        row[f"{name}_top"] = 1 / (rank + 3)
