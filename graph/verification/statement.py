"""Interprets a claim together with its question: `Yes`, `EUR 75,000` and `It does` depend on what was asked; pure."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..text.facts import count_negations, full_names, plain_words
from ..text.function_words import AUXILIARIES, LEADING_PRONOUN, NO, YES
from ..text.language import likeliest_language
from ..text.metadata_values import MONTHS
from ..text.number_words import in_digits
from ..text.values import Value, bare_one, values
from ..text.words import empty_words, is_number
from .claims import claim_content
from .passages import terms_of

YES_NO_PREFIX = re.compile(
    rf"^(?:(?P<yes>{'|'.join(YES)})|(?P<no>{'|'.join(NO)}))\b(?:[,.:;!]+ *|$|(?= it\b| they\b))", re.IGNORECASE
)
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
class InterpretedClaim:
    """A claim together with its question; `assent` is True for yes, False for no, None where it says neither."""

    text: str
    question: str
    assent: bool | None
    language: str

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The claim's own terms, in order."""
        return terms_of(in_digits(self.text, self.language))

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
        """Its names, each as the set of its words; months and units of values (`EUR`, `Tage`) do not count."""
        # The capital at the beginning of a fragment marks a name, not the beginning of a sentence.
        text = in_digits(self.text, self.language)
        found = full_names(f"is {text}" if self.is_fragment else text)
        value_words = {word for value in self.values for word in re.findall(r"\w+", value.text.lower())}
        return tuple(name for name in found if not name <= value_words | MONTHS.keys())

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
