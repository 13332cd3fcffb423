"""What a claim says in the light of the question: a fragment, a yes or a pronoun says more than its own words; pure."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..text.facts import denials, full_names, plain_words
from ..text.forms import AUXILIARIES, LEANING
from ..text.language import likeliest
from ..text.readings import MONTHS
from ..text.values import Value, in_digits, values
from ..text.words import is_number
from .claims import stated
from .passages import terms_of

YES = "yes yeah correct right indeed exactly certainly ja jawohl richtig oui sí sì si".split()
NO = "no nein non nee".split()
LEAD = re.compile(
    rf"^(?:(?P<yes>{'|'.join(YES)})|(?P<no>{'|'.join(NO)}))\b(?:[,.:;!]+ *|$|(?= it\b| they\b))", re.IGNORECASE
)
ASKS = frozenset(
    """name list tell type kind sort term word way thing happen mean call number amount year month day date time place
    person country citi reason percent percentag exampl year old far""".split()
)
"""Stems that only say what kind of answer is asked for."""
FEW = 2
"""Content words beside its values up to which a claim is no sentence of its own."""
LONGEST_FRAGMENT = 20
"""Words up to which a claim without a verb can be an answer to the question rather than a sentence."""
VERBS = AUXILIARIES | frozenset(
    "hat haben ist sind war wird werden est sont a ont es son está è sono ha is zijn heeft".split()
)


@dataclass(frozen=True)
class Statement:
    """A claim in the light of its question.

    `assent`: whether it says yes or no to the question; None where it does neither.
    """

    text: str
    question: str
    assent: bool | None
    language: str

    @cached_property
    def own(self) -> tuple[str, ...]:
        """Its terms, in order."""
        return terms_of(in_digits(self.text, self.language))

    @cached_property
    def asked(self) -> frozenset[str]:
        """What the question is about: its content terms."""
        return frozenset(term for term in terms_of(self.question) if term not in ASKS)

    @cached_property
    def is_fragment(self) -> bool:
        """Whether it is an answer that says nothing without the question: `EUR 75,000`, `New Rochelle`, `It can`."""
        words = self.text.lower().split()
        beside = {term for term in self.own if not is_number(term)} - {t for v in self.values for t in terms_of(v.text)}
        short = len(beside - self.asked) <= FEW and not beside & self.asked
        verbless = len(words) <= LONGEST_FRAGMENT and not any(word.strip(".,;") in VERBS for word in words)
        return bool(self.asked) and verbless and (short or self.text[:1].isdigit())

    @property
    def answers(self) -> bool:
        """Whether it speaks of what was asked, rather than telling something beside it."""
        return self.leans or self.assent is not None or not self.asked.isdisjoint(self.own)

    @cached_property
    def leans(self) -> bool:
        """Whether its subject stands in the question or before it."""
        return self.is_fragment or bool(re.match(LEANING, self.text, re.IGNORECASE))

    @cached_property
    def values(self) -> tuple[Value, ...]:
        return values(self.text, self.language)

    @cached_property
    def names(self) -> tuple[frozenset[str], ...]:
        """Its names, each as the set of its words; a fragment begins with one where it begins with a capital.

        Months and the units of its values (`EUR`, `Tage`) are none.
        """
        found = full_names(f"is {self.text}" if self.is_fragment else self.text)
        measured = {word.strip(".,") for value in self.values for word in value.text.lower().split()} | MONTHS.keys()
        return tuple(name for name in found if not name <= measured)

    @cached_property
    def words(self) -> frozenset[str]:
        return plain_words(self.text)

    @cached_property
    def whole(self) -> frozenset[str]:
        """Its terms, with those of the question where it says nothing without them."""
        return frozenset(self.own) | (self.asked if self.leans or self.assent is not None else frozenset())

    @cached_property
    def denies(self) -> bool:
        bare_no = self.assent is False and self.is_fragment
        return bare_no or denials(self.text, self.language) > 0

    @property
    def asks_denied(self) -> bool:
        """Whether it is about something that the question denies: `how much without a driver?`."""
        return bool(self.whole - set(self.own)) and denials(self.question, self.language) > 0


@lru_cache(maxsize=8192)
def statement(claim: str, question: str, around: str) -> Statement:
    """Read a claim; `around` tells its language where it is too short to."""
    text = stated(claim)
    lead = LEAD.match(claim.strip())
    assent = None if lead is None else bool(lead["yes"])
    text = claim.strip()[lead.end() :].strip() if lead else text
    return Statement(text, question, assent if terms_of(question) else None, likeliest(text or claim, around[:500]))
