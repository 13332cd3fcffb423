"""What a question names: persons, places, things, codes, labelled numbers and years; and whether a text has them; pure.

An answer about something else of the same kind is wrong, however alike the sentences are: a question that names what
is nowhere in what was found has no answer there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Literal
from unicodedata import normalize

from ..text.function_words import DAY_WORDS, FUNCTION_WORDS, TIME_UNITS
from ..text.metadata_values import MONTHS
from ..text.periods import day_names, months, weekdays
from ..text.units import CURRENCIES
from ..text.words import EMPTY_WORDS, SAME, SAME_NAME, empty_words

Kind = Literal["code", "number", "name"]

CARRIED = re.compile(r"(?<=\S) \([^()]*\)$")
"""The words that a conversation has carried along."""
TOKEN = re.compile(r"\d+(?:[.,]\d+)+(?![^\W_])|[^\W_]+(?:[-/.&'’][^\W_]+)*")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LETTERS = re.compile(r"[A-Z]{1,4}")
"""What makes a code together with the number behind it: OV 3."""
COUNTS = re.compile(r"\d+(?:[.,]\d+)?(?:[^\W\d_]{1,3}|-[a-z]+)")
"""An amount, an ordinal or an adjective: 40kg, 3rd, 5-star."""
LETTERED = re.compile(r"\d+(?:[A-Z]|[a-f])")
"""A number with a letter, which behind a noun says which one is meant: ward 4B, class 5b."""
YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
SMALL = EMPTY_WORDS | FUNCTION_WORDS
"""Words that carry no meaning, and name nothing."""
YEAR_AFTER = frozenset("in of for during from fiscal year".split())
"""Words after which a year says which one is meant; `since 2019` and `before 2019` mean other years too."""
ACCENT = re.compile(r"[\u0300-\u036f]")
ARTICLES = frozenset("a an the der die das dem den des ein eine einer einem le la les un une el los las".split())
BETWEEN_NUMBERS = frozenset("and or to und oder bis et ou à y o a e".split())
SPARE = 2
"""Words that may stand between those of one name."""
LONGEST_ACRONYM = 6
SHORTEST_PLURAL = 4
OTHER_NAME = {**SAME_NAME, "european": "eu", "europe": "eu"}


@dataclass(frozen=True)
class Name:
    """A name as the question writes it; `words` are in lower case; `before` leads to it, `after` says what it is."""

    text: str
    kind: Kind
    words: tuple[str, ...]
    before: str = ""
    after: str = ""


@cache
def unnamed() -> frozenset[str]:
    """Written with a capital, and no name that a document must have: a rule for weekdays holds on a Monday."""
    words = "i i'm i'd i've i'll ok mr mrs ms dr m mme mlle herr frau".split()
    return frozenset([*DAY_WORDS, *MONTHS, *day_names(), *map(str.lower, CURRENCIES), *words])


@lru_cache(maxsize=1024)
def names_in(question: str, language: str = "en") -> tuple[Name, ...]:
    """What a question names, in order; what a conversation has carried along in brackets names nothing."""
    text = CARRIED.sub("", question)
    found = list(TOKEN.finditer(text))
    words = [match.group().translate(SAME).removesuffix("'s") for match in found]
    return tuple(dict.fromkeys(_runs(found, words, language)))


def carried_names(question: str, language: str = "en") -> tuple[Name, ...]:
    """The names among the words that were carried along, each by itself, since they come from different places."""
    words = " ".join(CARRIED.findall(question)).strip(" ()").split()
    names = (name for word in words for name in names_in(f"of {word}", language))
    return tuple(name for name in names if name.kind != "number")


def is_of_other_date(question: str, text: str, title: str) -> bool:
    """Whether a text, or else its title, says of one other month or weekday what a question asks of one."""
    for dates in (months, weekdays):
        if len(asked := dates(question)) == 1:
            stated = dates(text) or dates(title)
            if len(stated) == 1 and asked != stated:
                return True
    return False


def _runs(found: Sequence[re.Match[str]], words: Sequence[str], language: str) -> Iterator[Name]:
    place = 0
    while place < len(words):
        before = _before([word.lower() for word in words[:place]])
        last = place + 1
        if place + 1 < len(words) and LETTERS.fullmatch(words[place]) and words[place + 1].isdigit():
            last = place + 2
            yield Name(" ".join(words[place:last]), "code", (_joined("".join(words[place:last])),), before)
        elif _is_code(words[place]):
            yield Name(words[place], "code", (_joined(words[place]),), before)
        elif NUMBER.fullmatch(words[place]) or LETTERED.fullmatch(words[place]):
            if _labels(words, place, before):
                kind: Kind = "code" if words[place][-1].isalpha() else "number"
                yield Name(words[place], kind, (_joined(words[place]),), before)
        elif _is_name(found, words, place, language):
            last = _end(found, words, place)
            after = words[last] if last < len(words) and words[last].islower() and words[last] not in SMALL else ""
            yield Name(" ".join(words[place:last]), "name", tuple(map(_joined, words[place:last])), before, after)
        place = last


def _before(words: Sequence[str]) -> str:
    """The last of some words, and where it is an article the one before it too."""
    return " ".join(words[-2 if words[-1] in ARTICLES else -1 :]) if words else ""


def _is_code(word: str) -> bool:
    """Letters and digits in one word: A-19, KX-310/B, P07; but no ordinal, and no amount such as 40kg."""
    mixed = any(map(str.isdigit, word)) and any(map(str.isalpha, word))
    return mixed and not COUNTS.fullmatch(word)


def _labels(words: Sequence[str], place: int, before: str) -> bool:
    """Whether a number says which one is meant: room 118, in 2021; `15 days` and `after 10 years` do not."""
    number, after = words[place], words[place + 1].lower() if place + 1 < len(words) else ""
    if YEAR.fullmatch(number):
        return before in YEAR_AFTER or not before
    noun = before.isalpha() and before not in SMALL and before not in unnamed()
    counts = after not in SMALL and (after in TIME_UNITS or after.endswith("s"))
    return noun and not counts


def _is_name(found: Sequence[re.Match[str]], words: Sequence[str], place: int, language: str) -> bool:
    word = words[place]
    if not any(map(str.isupper, word)) or word.lower() in unnamed():
        return False
    if word.lower() in SMALL or word.lower() in empty_words(language):
        return word.isupper() and len(word) > 1 and place > 0
    if language == "de":
        # Every noun has a capital: a name follows a preposition without an article.
        return place > 0 and words[place - 1].lower() in ("in", "aus", "nach", "bei")
    if place > 0 and found[place].string[: found[place].start()].rstrip()[-1:] not in (".", "?", "!", ":"):
        return True
    follows = place + 1 < len(words) and words[place + 1][0].isupper() and not _gap(found, place + 1).strip()
    return follows or found[place].group().translate(SAME).endswith("'s")


def _end(found: Sequence[re.Match[str]], words: Sequence[str], place: int) -> int:
    """Where the name that begins at a place ends: behind its last word with a capital."""
    last = place + 1
    while last < len(words) and not _gap(found, last).strip() and words[last][0].isupper():
        if found[last - 1].group().translate(SAME).endswith("'s") or words[last].lower() in unnamed():
            break
        last += 1
    return last


def _gap(found: Sequence[re.Match[str]], place: int) -> str:
    return found[place].string[found[place - 1].end() : found[place].start()]


def _joined(word: str) -> str:
    """A word in lower case without the signs inside of it, the accents on its letters and the `s` at its end."""
    plain = word if word.isascii() else ACCENT.sub("", normalize("NFKD", word))
    joined = normalize("NFC", re.sub(r"[-.'’&]", "", plain).lower())
    return joined[:-1] if len(joined) > SHORTEST_PLURAL and joined.isalpha() and joined.endswith("s") else joined


@dataclass(frozen=True, eq=False)
class TextNames:
    """The words of a text, in which names are looked up; `capital` tells which are capitalised."""

    words: tuple[str, ...]
    capital: tuple[bool, ...]

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """The positions of each word."""
        found: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            found.setdefault(word, []).append(place)
        return found

    def has(self, name: Name) -> bool:
        """Whether the text has a name: all its words close together in any order, or its acronym."""
        if name.kind == "name" and len(name.words) == 1:
            return self._has_word(OTHER_NAME.get(name.words[0], name.words[0]), name.text)
        if name.kind == "number":
            labelled = self._labelled(name)
            return name.words[0] in labelled if labelled else self._has_uncounted(name.words[0])
        if name.kind == "code":
            # `KX 310` is `KX-310`.
            apart = any(one + other == name.words[0] for one, other in zip(self.words, self.words[1:], strict=False))
            return apart or name.words[0] in self.words
        if "".join(word[0] for word in name.words) in self.words:
            return True
        places = [self._places.get(wanted, []) for wanted in name.words]
        reach = len(name.words) + SPARE
        return any(all(any(abs(n - first) < reach for n in own) for own in places) for first in places[0])

    def rivals(self, name: Name) -> bool:
        """Whether the text has another name in its place, `in Spain` or `the Graz office`, or another year."""
        if name.kind == "number" and YEAR.fullmatch(name.words[0]) and any(map(YEAR.fullmatch, self.words)):
            return not self.has(name)
        last = name.before.split(" ")[-1]
        led = [n + 1 for n in self._places.get(last, ()) if last and _before(self.words[: n + 1]) == name.before]
        led += [n - 1 for n in self._places.get(_joined(name.after), ()) if n and name.after]
        others = [(self.words[n], self.capital[n]) for n in led if n < len(self.words)]
        return any(_is_kin(name, word, capital) for word, capital in others) and not self.has(name)

    def _labelled(self, name: Name) -> set[str]:
        """The numbers behind the word that leads to a number: 1, 2 and 3 for `hall 4` in `halls 1, 2 and 3`."""
        found = set[str]()
        for place in self._places.get(_joined(name.before), ()) if not YEAR.fullmatch(name.words[0]) else ():
            for word in self.words[place + 1 :]:
                if not NUMBER.fullmatch(word) and word not in BETWEEN_NUMBERS:
                    break
                found.add(word)
        return found - BETWEEN_NUMBERS

    def _has_uncounted(self, number: str) -> bool:
        """Whether a number stands where it counts no time: `8 weeks` are not grade 8."""
        after = (self.words[place + 1 : place + 2] for place in self._places.get(number, ()))
        return any(not words or words[0] not in TIME_UNITS for words in after)

    def _has_word(self, wanted: str, written: str) -> bool:
        spelled = written.isupper() and 1 < len(wanted) <= LONGEST_ACRONYM and self._spells(wanted)
        return spelled or wanted in self._places

    def _spells(self, acronym: str) -> bool:
        """Whether consecutive words begin with the letters of an acronym, in capitals if it has only two."""
        return acronym in (self._initials if len(acronym) > 2 else self._capitals)

    @cached_property
    def _initials(self) -> str:
        return "".join(word[0] for word in self.words)

    @cached_property
    def _capitals(self) -> str:
        pairs = zip(self.words, self.capital, strict=True)
        return "".join(word[0] if capital else " " for word, capital in pairs)


def _is_kin(name: Name, word: str, capital: bool) -> bool:
    """Whether a word has the form of a name's kind."""
    return (
        capital and word not in unnamed() and word not in SMALL if name.kind == "name" else any(map(str.isdigit, word))
    )


@lru_cache(maxsize=8192)
def text_names(text: str) -> TextNames:
    """The words of a text."""
    found = [match.group().translate(SAME).removesuffix("'s") for match in TOKEN.finditer(text)]
    words = (OTHER_NAME.get(word, word) for word in map(_joined, found))
    return TextNames(tuple(words), tuple(any(map(str.isupper, word)) for word in found))
