"""Splits a draft into claims, reads each with its question, and builds the citations of the answer; pure.

`Yes`, `EUR 75,000` and `It does` depend on what was asked.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..state import Citation, Passage, Verdict
from ..text.facts import count_negations, full_names, plain_words
from ..text.function_words import AUXILIARIES, LEADING_PRONOUN, NO, YES
from ..text.language import likeliest_language
from ..text.metadata_values import MONTHS
from ..text.number_words import in_digits
from ..text.periods import day_names
from ..text.sentences import ROW, cells, plain, units
from ..text.splitting import sentences
from ..text.values import Value, bare_one, values
from ..text.words import empty_words, is_number
from .passages import terms_of

MARKERS = re.compile(r"(?:\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])+")
NESTED_MARKER = re.compile(r"\[\s*\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]\s*\d*\s*\]")
"""A marker inside a marker; the inner one counts."""
ANSWER_WORD = re.compile(r"^(?:yes|no|correct|right|indeed)[,:] +(?=\w)", re.IGNORECASE)
SOURCE_PREFIX = re.compile(
    r"^(?:according to|based on|as (?:stated|described|mentioned|noted|said|explained) in|per|from|in) "
    r"(?:(?:the|these|this|those|your|our|provided|given|available|retrieved|above|information|contents?|in|of|by) )*"
    r"(?:documents?|documentation|passages?|sources?|contexts?|texts?|excerpts?|articles?|materials?|records?"
    r"|information|handbook|knowledge base)(?: (?:provided|given|above|available))?, +(?=\w)",
    re.IGNORECASE,
)
"""Words before a claim that only say that it is from the passages."""
MAX_NESTING = 5
"""The deepest nesting of markers that is resolved."""
NUMBER = re.compile(r"\d+")
SPACE_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")
YES_NO_PREFIX = re.compile(
    rf"^(?:(?P<yes>{'|'.join(YES)})|(?P<no>{'|'.join(NO)}))\b(?:[,.:;!]+ *|$|(?= it\b| they\b))", re.IGNORECASE
)
YES_NO_SENTENCE = re.compile(rf"(?:{'|'.join([*YES, *NO])}|of course)[.!,]*", re.IGNORECASE)
"""A yes or no as a sentence of its own; it is checked together with the claim after it."""
FRAGMENT_MAX_TERMS = 2
"""The most content words, besides values, of a claim that is a fragment."""
LABEL_MAX_WORDS = 3
"""The most words of a fragment that repeats a word of the question: `Pier 3`."""
NAME_MAX_WORDS = 3
"""The most words of a claim whose language is that of its question."""
EXAMPLES = re.compile(r" (?:examples|Beispiele|exemples|ejemplos|esempi|voorbeelden)\b", re.IGNORECASE)
VERBS = AUXILIARIES | frozenset(
    "hat haben ist sind war wird werden est sont ont es son está è sono ha is zijn heeft".split()
)


@dataclass(frozen=True)
class Claim:
    """A sentence, list item or table row of a draft; `markers` are the passages that it cites, counted from 1."""

    text: str
    markers: tuple[int, ...]
    gap: str = " "
    """The text between it and the claim before: line breaks, a list sign, a heading."""
    lead: str = ""
    """A yes or no that precedes it as a sentence of its own."""


def claims_of(draft: str) -> list[Claim]:
    """Split a draft into claims; a marker belongs to the sentence that it is in or follows."""
    text, marker_groups = _without_markers(draft)
    spans = _spans(text)
    markers_by_claim: list[list[int]] = [[] for _ in spans]
    starts = [start for start, _ in spans]
    for position, numbers in marker_groups:
        if spans:
            markers_by_claim[max(0, bisect_left(starts, position) - 1)] += numbers
    gaps = [text[end:start] for end, start in zip([0, *(end for _, end in spans)], [s for s, _ in spans], strict=False)]
    return [
        Claim(text[start:end], tuple(markers), gap if "\n" in gap or gap.strip() else " ")
        for (start, end), markers, gap in zip(spans, markers_by_claim, gaps, strict=True)
    ]


def plain_claim(claim: str) -> str:
    """A claim without Markdown and a yes or no before it; the cells of a table row are joined."""
    return "; ".join(cell for cell in cells(claim) if cell) if ROW.match(claim) else ANSWER_WORD.sub("", plain(claim))


def claim_content(claim: str) -> str:
    """The part of a claim that a passage must support: without `According to the handbook,` before it."""
    return SOURCE_PREFIX.sub("", plain_claim(claim))


def _spans(text: str) -> list[tuple[int, int]]:
    """The offsets of the claims: the units of the text, or its sentences where it has only headings."""
    spans = [(unit.start, unit.end) for unit in units(text)] or sentences(text, 0, len(text))
    return [(start, end) for start, end in spans if any(character.isalnum() for character in text[start:end])]


def _without_markers(draft: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The draft without its markers, and the position and numbers of each group of markers."""
    for _ in range(MAX_NESTING):
        draft = NESTED_MARKER.sub(r"[\1]", draft)
    text = ""
    markers: list[tuple[int, list[int]]] = []
    start_of_rest = 0
    for match in MARKERS.finditer(draft):
        text += draft[start_of_rest : match.start()]
        markers.append((len(text), [int(number) for number in NUMBER.findall(match.group())]))
        start_of_rest = match.end()
    return text + draft[start_of_rest:], markers


def leads(claims: Sequence[Claim]) -> list[str]:
    """For each claim the yes or no sentence before it; a yes or no at the end is its own lead."""
    assents = [claim.text if YES_NO_SENTENCE.fullmatch(claim.text.strip()) else "" for claim in claims]
    last = len(claims) - 1
    return [assents[n] if n == last and assents[n] else assents[n - 1] if n else "" for n in range(len(claims))]


@dataclass(frozen=True)
class InterpretedClaim:
    """A claim together with its question; `assent` is True for yes, False for no, None where it says neither."""

    text: str
    question: str
    assent: bool | None
    language: str

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The claim's own terms, in order, without the stop words of its language."""
        own = terms_of(in_digits(self.text, self.language))
        telling = tuple(term for term in own if self.language == "en" or term not in empty_words(self.language))
        return telling or own

    @cached_property
    def question_terms(self) -> frozenset[str]:
        """The content terms of the question."""
        return frozenset(terms_of(self.question)) - empty_words(self.language)

    @cached_property
    def answer_terms(self) -> frozenset[str]:
        """The claim's own terms that the question does not have."""
        return frozenset(self.terms) - self.question_terms - empty_words(self.language)

    @cached_property
    def is_fragment(self) -> bool:
        """Whether it is not a sentence by itself: `EUR 75,000`, `New Rochelle`, `It can`."""
        words = self.text.lower().split()
        value_terms = {term for value in self.values for term in terms_of(value.text)}
        other_terms = {term for term in self.terms if not is_number(term)} - value_terms
        short = len(other_terms) <= FRAGMENT_MAX_TERMS and not other_terms & self.question_terms
        labelled = bool(self.values) and len(words) <= LABEL_MAX_WORDS
        verbless = not any(word.strip(".,;") in VERBS for word in words)
        return bool(self.question_terms) and verbless and (short or labelled or self.text[:1].isdigit())

    @property
    def answers_question(self) -> bool:
        """Whether it is about the question rather than additional information."""
        return self.needs_question or self.assent is not None or not self.question_terms.isdisjoint(self.terms)

    @cached_property
    def needs_question(self) -> bool:
        """Whether its subject has to be taken from the question: a fragment, or it begins with a pronoun."""
        return self.is_fragment or bool(re.match(LEADING_PRONOUN, self.text, re.IGNORECASE))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        """Its values; `two examples` counts what the claim lists."""
        text = in_digits(self.text, self.language)
        counted = (v for v in values(self.text, self.language) if not EXAMPLES.match(text, v.end))
        return (*counted, *bare_one(self.text))

    @cached_property
    def names(self) -> tuple[frozenset[str], ...]:
        """Its names, each as the set of its words; months, weekdays and units (`EUR`, `Tage`) do not count."""
        # The capital at the beginning of a fragment marks a name, not the beginning of a sentence.
        text = in_digits(self.text, self.language)
        found = full_names(f"is {text}" if self.is_fragment else text, self.language)
        value_words = {word for value in self.values for word in re.findall(r"\w+", value.text.lower())}
        no_names = value_words | MONTHS.keys() | day_names().keys()
        return tuple(name for name in found if not {word.lower() for word in name} <= no_names)

    @cached_property
    def words(self) -> frozenset[str]:
        return plain_words(self.text)

    @cached_property
    def all_terms(self) -> frozenset[str]:
        """Its own terms, and the question's where the claim needs them."""
        return frozenset(self.terms) | (self.question_terms if self.needs_terms else frozenset())

    @property
    def needs_terms(self) -> bool:
        """Whether it says nothing without the terms of the question."""
        return self.needs_question or self.assent is not None

    @cached_property
    def is_negated(self) -> bool:
        return self.is_bare_no or count_negations(self.text, self.language) > 0

    @property
    def is_bare_no(self) -> bool:
        return self.assent is False and self.is_fragment


@lru_cache(maxsize=8192)
def interpret_claim(claim: str, question: str, context: str) -> InterpretedClaim:
    """Interpret a claim; `context` decides the language where the claim is too short."""
    prefix = YES_NO_PREFIX.match(claim.strip())
    assent = None if prefix is None else bool(prefix["yes"])
    text = claim.strip()[prefix.end() :].strip() if prefix else claim_content(claim)
    # A name or two have no language of their own.
    sample = text if len(text.split()) > NAME_MAX_WORDS else f"{question} {text or claim}".strip()
    return InterpretedClaim(
        text, question, assent if terms_of(question) else None, likeliest_language(sample, context[:500])
    )


def with_markers(claim: str, markers: Sequence[int]) -> str:
    """A claim followed by its markers."""
    return " ".join([SPACE_BEFORE_STOP.sub(r"\1", claim.strip()), *(f"[{number}]" for number in sorted(set(markers)))])


class CitationList:
    """The citations of one answer, numbered in the order in which they are added; one number for each span."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []

    def marker(self, passage: Passage, span: tuple[int, int], support: float, *, unverified: bool = False) -> int:
        """The number of a cited span, which is added if it is new; the lower support counts for one cited twice."""
        start, end = passage["start"] + span[0], passage["start"] + span[1]
        for citation in self.citations:
            if (citation["passage"], citation["start"], citation["end"]) == (passage["id"], start, end):
                citation["support"] = min(citation["support"], round(support, 4))
                if unverified:
                    citation["verdict"] = "unverified"
                return citation["marker"]
        verdict: Verdict = "unverified" if unverified else "supported"
        self.citations.append(_citation(len(self.citations) + 1, passage, span, support, verdict))
        return len(self.citations)


def _citation(marker: int, passage: Passage, span: tuple[int, int], support: float, verdict: Verdict) -> Citation:
    start = passage["start"] + span[0]
    return Citation(
        marker=marker,
        passage=passage["id"],
        document=passage["document"],
        file=passage["file"],
        title=passage["title"],
        page=page_at(passage, start),
        start=start,
        end=passage["start"] + span[1],
        quote=passage["text"][span[0] : span[1]],
        support=round(support, 4),
        verdict=verdict,
    )


def page_at(passage: Passage, offset: int) -> int | None:
    """The page of an offset in the document."""
    return None if passage["page"] is None else passage["page"] + bisect_right(passage["page_breaks"], offset)
