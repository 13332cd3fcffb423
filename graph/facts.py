"""What of a sentence must not change: its quantities with their units, its names, and whether it denies; pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

from graph.words import EMPTY_WORDS, SAME, terms

COUNTED = {
    word: str(number)
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
MONTHS = "january february march april may june july august september october november december".split()
ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?!\d)")
GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")
SIGNS = {"%": " percent ", "€": " EUR ", "$": " USD ", "£": " GBP ", "°": " degree "}
NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?:st|nd|rd|th)?(?![\d])")
LETTERS = re.compile(r"[^\W\d_]+")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
NAME = re.compile(r"(?<!\w)[A-Z][\w’'&]*(?:-\w+)*|\b\w*\d\w*[A-Z]\w*")
DENIALS = frozenset("not no never none nor neither without cannot nobody nothing nowhere hardly except unless".split())
DENIED = re.compile(r"n['’]t$")
OPPOSITES = {
    frozenset(pair.split("/"))
    for pair in """increas/decreas rais/lower rise/fall more/less more/fewer most/least highest/lowest high/low
    higher/lower maximum/minimum max/min before/after earlier/later first/last above/below over/under allow/prohibit
    allow/forbid permit/prohibit accept/reject approv/reject includ/exclud with/without always/never start/end
    begin/end open/close enabl/disabl win/lose won/lost buy/sell north/south east/west northern/southern
    eastern/western left/right true/false inside/outside internal/extern largest/smallest larger/smaller
    oldest/youngest oldest/newest older/newer older/younger longest/shortest longer/shorter paid/unpaid
    mandatori/option requir/option import/export male/femal men/women hot/cold warm/cold day/night daili/weekli
    weekli/monthli monthli/annual must/may at/off success/failur gain/loss support/oppos agre/disagre love/hate
    better/wors best/worst full/empti public/privat summer/winter""".split()
}
"""Stems that say the opposite; each word is also looked up as it stands."""


@lru_cache(maxsize=20_000)
def quantities(text: str) -> frozenset[tuple[str, str]]:
    """Each number with the stem of the word after it, or with "" where none follows; dates count by their parts."""
    text = _spelled(text)
    found = set()
    for match in NUMBER.finditer(text):
        after = WORD.match(text[match.end() :].lstrip(" -"))
        unit = terms(after.group())[:1] if after else []
        found.add((_plain(match.group(1)), unit[0] if unit else ""))
    return frozenset(found)


def values(text: str) -> frozenset[str]:
    """The numbers alone."""
    return frozenset(number for number, _ in quantities(text))


def _spelled(text: str) -> str:
    """Numbers as digits without grouping, signs as words, ISO dates as day, month and year."""
    text = ISO_DATE.sub(_date, GROUPED.sub("", text))
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    return LETTERS.sub(lambda match: COUNTED.get(match.group().lower(), match.group()), text)


def _date(match: re.Match[str]) -> str:
    month = int(match.group(2))
    name = MONTHS[month - 1] if 1 <= month <= 12 else match.group(2)
    return f"{int(match.group(3))} {name} {match.group(1)}"


def _plain(number: str) -> str:
    whole, point, rest = number.partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + rest if rest else "")


@lru_cache(maxsize=20_000)
def names(text: str) -> frozenset[str]:
    """Words that are written with a capital, in lower case; the first word counts only when its shape tells a name."""
    found = set()
    begin = re.search(r"\w", text)
    for match in NAME.finditer(text):
        word = match.group()
        before = text[: match.start()].rstrip()[-1:]
        opens = (begin is not None and match.start() == begin.start()) or (before != "" and before in '.:;!?“"')
        if not opens or not word[1:].islower():
            found.add(word.lower().translate(SAME).removesuffix("'s"))
    return frozenset(found - EMPTY_WORDS)


@lru_cache(maxsize=20_000)
def denials(text: str) -> int:
    """How many words deny."""
    words = [word.lower() for word in WORD.findall(text)]
    return sum(word in DENIALS or bool(DENIED.search(word)) for word in words)


def opposed(claim: Iterable[str], found: Iterable[str]) -> int:
    """How many words of the claim have their opposite in what was found, which lacks the word itself."""
    claim, found = set(claim), set(found)
    return sum(
        1 for pair in OPPOSITES for word in pair if word in claim and word not in found and pair - {word} <= found
    )


@lru_cache(maxsize=20_000)
def plain_words(text: str) -> frozenset[str]:
    """Every word of a text in lower case, and its stems: what names and opposites are looked up in."""
    return frozenset(word.lower().translate(SAME).removesuffix("'s") for word in re.findall(r"[\w’'-]+", text)) | set(
        terms(text)
    )
