"""A passage as claims are compared with it: its sentences and rows, and what stands over them; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..text.facts import denials, denied_clauses, names, plain_words
from ..text.forms import LEANING
from ..text.language import UNKNOWN, language_of
from ..text.sentences import Unit, units
from ..text.units import LANGUAGES
from ..text.values import Value, in_digits, values
from ..text.words import terms

NUMBERED = re.compile(r"(^|> |, )\d+(?:\.\d+)*[.)]? (?=\D)")
"""The number of a section before its heading, which is no value."""
EXCLUDES = re.compile(
    r"\b(?:exclusions?|excluded|not covered|ausschl[uü]ss\w*|ausgeschlossen|exclusiones|esclusioni?|uitsluiting\w*)\b",
    re.IGNORECASE,
)
"""A heading that denies what stands under it."""
LEANS = re.compile(rf"^(?:\w+ ){{0,2}}{LEANING}", re.IGNORECASE)
"""The beginning of a sentence whose subject stands in the sentence before."""
PREFIX_FROM, PREFIX_SHORTER = 4, 3


@dataclass(frozen=True)
class Window:
    """A unit of a passage by its offsets."""

    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Told:
    """What a stretch of text says, prepared for comparison."""

    text: str
    language: str

    @cached_property
    def terms(self) -> tuple[str, ...]:
        return terms_of(in_digits(self.text, self.language))

    @cached_property
    def found(self) -> frozenset[str]:
        """Its terms, and what is left of them without an ending: `weigh` is met by `weight`."""
        return frozenset(form for term in self.terms for form in _forms(term))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        return values(self.text, self.language)

    @cached_property
    def words(self) -> frozenset[str]:
        return plain_words(self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        return names(self.text)

    @cached_property
    def denied(self) -> tuple[frozenset[str], ...]:
        return denied_clauses(self.text, self.language)

    @cached_property
    def denies(self) -> bool:
        return denials(self.text, self.language) > 0


@dataclass(frozen=True, eq=False)
class Source:
    """A passage: its units and what stands over all of them (title, section, metadata).

    `over` is what each unit is read with: what stands over all, and the sentence before where its subject stands there.
    """

    text: str
    about: Told
    whole: Told
    units: tuple[Unit, ...]
    told: tuple[Told, ...]
    over: tuple[Told, ...]
    language: str

    @cached_property
    def excludes(self) -> bool:
        """Whether it stands under a heading such as `Exclusions`."""
        return bool(EXCLUDES.search(self.about.text))


@lru_cache(maxsize=4096)
def source(text: str, header: str, about: str) -> Source:
    """Prepare a passage; `header` is the header row of a table begun before it, `about` what stands over it."""
    own = units(text, header)
    language = language_of(text)
    if language == UNKNOWN and text.isascii():
        language = "en"
    told = tuple(Told(unit.reading, language) for unit in own)
    whole = Told("\n".join(unit.reading for unit in own), language)
    named = Told(NUMBERED.sub(r"\1", about), language)
    return Source(text, named, whole, own, told, tuple(_over(told, named)), language)


def _over(told: Sequence[Told], about: Told) -> Iterator[Told]:
    before = ""
    for each in told:
        before = before if LEANS.match(each.text) else ""
        yield Told(f"{about.text}\n{before}", about.language) if before else about
        before = f"{before} {each.text}".strip()


def knows(language: str) -> bool:
    """Whether the rules know the denials and number words of a language."""
    return language in LANGUAGES


def about_of(title: str, section: str, metadata: Mapping[str, object] | None = None) -> str:
    """What stands over a passage, as one text."""
    more = [str(value) for value in (metadata or {}).values() if isinstance(value, str | int | float)]
    return ", ".join(part for part in (title, section, *more) if part)


@lru_cache(maxsize=16384)
def terms_of(text: str) -> tuple[str, ...]:
    """The terms of a text in order."""
    return tuple(terms(text))


@lru_cache(maxsize=50_000)
def _forms(term: str) -> tuple[str, ...]:
    if not term.isalpha():
        return (term,)
    shortest = max(PREFIX_FROM, len(term) - PREFIX_SHORTER)
    return (term, *(term[:length] for length in range(shortest, len(term))))


def missing(wanted: Iterable[str], found: Sequence[frozenset[str]]) -> set[str]:
    """The wanted terms that none of the sets holds, whatever their endings."""
    gone = set(wanted).difference(*found)
    for held in found:
        gone = {term for term in gone if held.isdisjoint(_forms(term))}
    return gone
