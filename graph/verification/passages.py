"""Prepares a passage for comparison with claims: its sentences and table rows, and their context; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..text.facts import count_negations, names, negated_clauses, plain_words
from ..text.function_words import LEADING_PRONOUN, NO
from ..text.language import UNKNOWN, language_of
from ..text.number_words import in_digits
from ..text.sentences import Unit, units
from ..text.units import LANGUAGES
from ..text.values import Value, implied_values, values
from ..text.words import terms

SECTION_NUMBER = re.compile(r"(^|> |, )\d+(?:\.\d+)*[.)]? (?=\D)")
"""The number of a section before its heading; it is not a value."""
EXCLUSION_HEADING = re.compile(
    r"\b(?:exclusions?|excluded|not covered|ausschl[uü]ss\w*|ausgeschlossen|exclusiones|esclusioni?|uitsluiting\w*)\b",
    re.IGNORECASE,
)
"""A heading that negates the text under it."""
PRONOUN_START = re.compile(rf"^(?:\w+ ){{0,2}}{LEADING_PRONOUN}|^.*\b(?:this|these)\b", re.IGNORECASE)
"""The beginning of a sentence whose subject is in the sentence before."""
DENIAL = re.compile(rf" *(?:{'|'.join(NO)})\b(?! \w)", re.IGNORECASE)
"""An answer that begins with a no."""
LIFE_DATES = re.compile(r"[A-Z]\w+ \((?P<born>[^()–-]*\d{3,4}) ?[-–] ?(?P<died>[^()–-]*\d{3,4})\)")
LIFE_TERMS = ("born", "die")
"""What the years after a person's name say: `Zhu Shijie (1249-1314)`."""
STEM_MIN_LETTERS, STEM_MAX_CUT = 4, 3


@dataclass(frozen=True)
class Window:
    """The offsets of a unit in its passage."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class AnalysedText:
    """A text with its terms, values, names and negations; each is computed once."""

    text: str
    language: str

    @cached_property
    def terms(self) -> tuple[str, ...]:
        return terms_of(in_digits(self.text, self.language))

    @cached_property
    def term_forms(self) -> frozenset[str]:
        """Its terms, and the terms without their last letters, so that `weigh` matches `weight`."""
        implied = LIFE_TERMS if LIFE_DATES.search(self.text) else ()
        return frozenset(form for term in (*self.terms, *implied) for form in _shortened(term))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        return values(self.text, self.language) + implied_values(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return plain_words(self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        return names(self.text, self.language)

    @cached_property
    def negated_clauses(self) -> tuple[frozenset[str], ...]:
        return negated_clauses(self.text, self.language)

    @cached_property
    def is_negated(self) -> bool:
        return count_negations(self.text, self.language) > 0


@dataclass(frozen=True, eq=False)
class PreparedPassage:
    """A passage with its units (sentences and table rows) and their context.

    `context` is the title, section and metadata. `unit_contexts` adds the sentence before a unit that begins with a
    pronoun.
    """

    text: str
    context: AnalysedText
    units: tuple[Unit, ...]
    unit_texts: tuple[AnalysedText, ...]
    unit_contexts: tuple[AnalysedText, ...]
    language: str

    @cached_property
    def term_forms(self) -> frozenset[str]:
        return frozenset[str]().union(*(unit.term_forms for unit in self.unit_texts))

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset[str]().union(*(unit.words for unit in self.unit_texts))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        return tuple(value for unit in self.unit_texts for value in unit.values)

    @cached_property
    def is_exclusion(self) -> bool:
        """Whether it is under a heading such as `Exclusions`."""
        return bool(EXCLUSION_HEADING.search(self.context.text))

    @cached_property
    def denied_questions(self) -> tuple[frozenset[str], ...]:
        """The terms of each question that is answered with no."""
        denied = (unit.question for unit in self.units if DENIAL.match(unit.reading.removeprefix(unit.question)))
        return tuple(frozenset(terms_of(question)) for question in denied if question)


@lru_cache(maxsize=4096)
def prepare_passage(text: str, header: str, context: str) -> PreparedPassage:
    """Prepare a passage; `header` is the header row of a table that begins before it."""
    own_units = units(text, header)
    language = language_of(text)
    if language == UNKNOWN and text.isascii():
        language = "en"
    unit_texts = tuple(AnalysedText(unit.reading, language) for unit in own_units)
    analysed_context = AnalysedText(SECTION_NUMBER.sub(r"\1", context), language)
    unit_contexts = tuple(_unit_contexts(unit_texts, analysed_context))
    return PreparedPassage(text, analysed_context, own_units, unit_texts, unit_contexts, language)


def _unit_contexts(unit_texts: Sequence[AnalysedText], context: AnalysedText) -> Iterator[AnalysedText]:
    before = ""
    for each in unit_texts:
        before = before if PRONOUN_START.match(each.text) else ""
        yield AnalysedText(f"{context.text}\n{before}", context.language) if before else context
        before = f"{before} {each.text}".strip()


def is_known_language(language: str) -> bool:
    """Whether the rules know the negations and number words of a language."""
    return language in LANGUAGES


def passage_context(title: str, section: str, metadata: Mapping[str, object] | None = None) -> str:
    """The title, section and metadata of a passage as one text."""
    more = [str(value) for value in (metadata or {}).values() if isinstance(value, str | int | float)]
    return ", ".join(part for part in (title, section, *more) if part)


@lru_cache(maxsize=16384)
def terms_of(text: str) -> tuple[str, ...]:
    """The terms of a text in order."""
    return tuple(terms(text))


@lru_cache(maxsize=50_000)
def _shortened(term: str) -> tuple[str, ...]:
    if not term.isalpha():
        return (term,)
    shortest = max(STEM_MIN_LETTERS, len(term) - STEM_MAX_CUT)
    return (term, *(term[:length] for length in range(shortest, len(term))))


def missing_terms(wanted: Iterable[str], term_forms: Sequence[frozenset[str]]) -> set[str]:
    """The wanted terms that are in none of the sets of term forms, also without their last letters."""
    missing = set(wanted).difference(*term_forms)
    for forms in term_forms:
        missing = {term for term in missing if forms.isdisjoint(_shortened(term))}
    return missing
