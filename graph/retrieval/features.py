"""The features of the embedded reranker: matching terms and their positions, and embedding similarities; pure.

Each candidate costs one pass of a regular expression for the question's terms over its text.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..state import Passage
from ..text.words import TermWeight, is_number, terms
from .fusion import bm25_of_counts, min_max

MAX_PAIR_GAP = 12
"""The most characters between two terms that are neighbours in the question."""
TOP_CANDIDATES = 3
FEATURES = ("sentence", "pairs", "linked", "words_spread")
"""The features of the model; a higher value of each is better."""


class TermMatch(NamedTuple):
    """A term of the question at text[start:end]."""

    start: int
    end: int
    term: str


class QuestionTerms:
    """The terms of a question with their weights, and its pairs of neighbouring terms."""

    def __init__(self, question: str, weigh: TermWeight) -> None:
        order = terms(question)
        self.weights = {term: max(weigh(term), 1e-3) for term in dict.fromkeys(order)}
        self.pairs = {(a, b): self.weights[a] + self.weights[b] for a, b in pairwise(order) if a != b}
        self._pattern = _pattern(tuple(self.weights))

    def matches(self, text: str) -> list[TermMatch]:
        """All occurrences of the question's terms in a text, in order."""
        if not self.weights:
            return []
        found = ((match, _term(match.group())) for match in self._pattern.finditer(text))
        return [TermMatch(*match.span(), term) for match, term in found if term in self.weights]


@lru_cache(maxsize=256)
def _pattern(question_terms: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for words that may have one of the stems, and for the numbers."""
    stems = [term[:-1] if len(term) > 3 else term for term in question_terms if not is_number(term)]
    numbers = "|".join(re.escape(term.lstrip("-")) for term in question_terms if is_number(term))
    # A pattern that begins with a set of characters is several times as fast as one that begins with a lookbehind.
    first = re.escape("".join(sorted({letter for stem in stems for letter in stem[0] + stem[0].upper()})))
    rest = "|".join(re.escape(stem[1:]) for stem in stems)
    alternatives = [rf"[{first}](?<![^\W\d_].)(?i:{rest})[^\W\d_]*(?:['’][^\W\d_]+)?"] if stems else []
    alternatives += [rf"(?<![\d.,])(?:{numbers})(?!\d|[.,]\d)"] if numbers else []
    return re.compile("|".join(alternatives) or r"(?!)")


@lru_cache(maxsize=50_000)
def _term(word: str) -> str:
    return next(iter(terms(word)), "")


def features(question: str, passages: Sequence[Passage], weigh: TermWeight) -> list[dict[str, float]]:
    """The features of each candidate; relative ones are 0 to 1 among the candidates."""
    analysed = QuestionTerms(question, weigh)
    headings = [heading_of(passage) for passage in passages]
    heading_matches = [analysed.matches(heading) for heading in headings]
    text_matches = [analysed.matches(passage["text"]) for passage in passages]
    sizes = [len(heading) + len(p["text"]) for heading, p in zip(headings, passages, strict=True)]
    matches = [one + other for one, other in zip(heading_matches, text_matches, strict=True)]
    spread = min_max(dict(enumerate(_bm25(analysed, matches, sizes))))
    links = _link_scores(analysed, passages)
    return [
        {
            "sentence": max(passage["similar"], default=passage["vector"] or 0.0),
            "pairs": _pairs_share(analysed, headings[n], heading_matches[n], passage["text"], text_matches[n]),
            "linked": links[n],
            "words_spread": spread[n],
        }
        for n, passage in enumerate(passages)
    ]


def heading_of(passage: Passage) -> str:
    """The title and the section of a passage."""
    return f"{passage['title']} {passage['section']}".strip()


def _bm25(question: QuestionTerms, matches: Sequence[Sequence[TermMatch]], sizes: Sequence[int]) -> list[float]:
    """The BM25 scores of texts of some sizes in characters, relative to the mean of the candidates."""
    mean = sum(sizes) / max(1, len(sizes)) or 1.0
    counts = (Counter(match.term for match in found) for found in matches)
    return [
        bm25_of_counts(each, size / mean, question.weights.__getitem__)
        for each, size in zip(counts, sizes, strict=True)
    ]


def _pairs_share(
    question: QuestionTerms,
    heading: str,
    heading_matches: Sequence[TermMatch],
    text: str,
    text_matches: Sequence[TermMatch],
) -> float:
    """The weighted share of the question's pairs that a heading or a text has."""
    pairs = _matched_pairs(question, heading, heading_matches) | _matched_pairs(question, text, text_matches)
    return sum(question.pairs[pair] for pair in pairs) / (sum(question.pairs.values()) or 1.0)


def _matched_pairs(question: QuestionTerms, text: str, matches: Sequence[TermMatch]) -> set[tuple[str, str]]:
    """The pairs of the question that are neighbours in a text, with only stop words between."""
    return {
        (one.term, other.term)
        for one, other in pairwise(matches)
        if (one.term, other.term) in question.pairs
        and other.start - one.end <= MAX_PAIR_GAP
        and not terms(text[one.end : other.start])
    }


def _link_scores(question: QuestionTerms, passages: Sequence[Passage]) -> list[float]:
    """For multi-hop questions: the share of new terms in a title that one of the first candidates mentions.

    The passage that answers the second half of a question is often mentioned by that for the first half. The score is
    divided by the number of candidates that mention or have the title.
    """
    title_counts = Counter(passage["title"] for passage in passages)
    links = {title: _link_score(question, title, passages) / title_counts[title] for title in title_counts}
    return [links[passage["title"]] for passage in passages]


def _link_score(question: QuestionTerms, title: str, passages: Sequence[Passage]) -> float:
    if not any(p["title"] != title and _names(p["text"], title) for p in passages[:TOP_CANDIDATES]):
        return 0.0
    return _new_terms_share(question, title) / sum(p["title"] != title and _names(p["text"], title) for p in passages)


def _names(text: str, title: str) -> bool:
    position = text.find(title) if len(title) > 3 else -1
    return (
        position >= 0
        and not (text[position - 1 : position] + text[position + len(title) :][:1]).strip(" .,;:()\"'\n-").isalnum()
    )


def _new_terms_share(question: QuestionTerms, title: str) -> float:
    """The share of a title's terms that are not in the question."""
    title_terms = set(terms(title))
    return len(title_terms - question.weights.keys()) / len(title_terms) if title_terms else 0.0
