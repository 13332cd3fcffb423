"""The words of a text one by one with what their form tells: function words, numbers, dates, money; pure."""

import re
from dataclasses import dataclass
from functools import lru_cache

from .words import ABBREVIATIONS, terms

COUNTED = frozenset(
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety""".split()
)
MONTHS = "january february march april may june july august september october november december".split()
WORD = re.compile(r"[^\W_]+(?:['’.,/-][^\W_]+)*|[%€$£°]")
AUXILIARIES = frozenset(
    """is are was were be been being am do does did done has have had having can could may might must shall should will
    would 's 're""".split()
)
PREPOSITIONS = frozenset(
    """of in on at by for with from to into onto over under during after before between among against through about
    within without via per than as like near upon across along around behind below above beyond since until till
    towards toward despite except including""".split()
)
CONJUNCTIONS = frozenset(
    "and or but nor so yet because if while although though when where that which who whom whose".split()
)
DETERMINERS = frozenset(
    "the a an this that these those its their his her our your my each every any some no all both".split()
)
PRONOUNS = frozenset("i you he she it we they them him us me himself herself itself themselves there".split())
FUNCTION_WORDS = AUXILIARIES | PREPOSITIONS | CONJUNCTIONS | DETERMINERS | PRONOUNS | {"not"}
CURRENCIES = frozenset("eur usd gbp chf jpy dollar dollars euro euros pound pounds cent cents $ € £".split())
MONTH_NAMES = frozenset(MONTHS) | frozenset(month[:3] for month in MONTHS)
DAY_WORDS = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday morning noon afternoon evening night midnight spring
    summer autumn winter am pm bc ad bce ce century centuries decade decades""".split()
)
TIME_UNITS = frozenset(
    """century centuries decade decades year years month months week weeks day days hour hours minute minutes second
    seconds s min h""".split()
)
LARGE = frozenset("hundred thousand million billion trillion dozen half quarter third twice once first second".split())
YEAR = re.compile(r"(?:1\d|20)\d\d(?:s|[-–/]\d{2,4})?")
CLOCK = re.compile(r"\d{1,2}[:.]\d{2}")


@dataclass(frozen=True)
class Token:
    """A word of a text; `gap` is the text between it and the word before, `stem` is empty for a function word."""

    start: int
    end: int
    text: str
    low: str
    stem: str
    gap: str


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text in order."""
    found, last = [], 0
    for match in WORD.finditer(text):
        low = match.group().lower()
        named = match.group() in ABBREVIATIONS
        stems = () if low in FUNCTION_WORDS and not named else terms(match.group())
        found.append(Token(*match.span(), match.group(), low, stems[0] if stems else "", text[last : match.start()]))
        last = match.end()
    return tuple(found)


def is_number(word: str) -> bool:
    """Whether a word in lower case is a number, in digits or spelled."""
    return word[0].isdigit() or word in COUNTED or word in LARGE


def is_year(word: str) -> bool:
    """Whether a word looks like a year or a span of years."""
    return bool(YEAR.fullmatch(word))


def is_date(word: str) -> bool:
    """Whether a word as it is written tells a year, a day or a time of the day."""
    low = word.lower()
    named = low in MONTH_NAMES and word[0].isupper()
    return named or low in DAY_WORDS or is_year(low) or bool(CLOCK.fullmatch(low))


def is_quantity(word: str) -> bool:
    """Whether a word is a number that is no year."""
    return is_number(word.lower()) and not is_year(word)
