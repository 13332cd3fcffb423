"""Mends misspelt words of a question to words that the index knows; pure.

A word is touched only when the index does not know it, when it is no ordinary word of the index's language, and when
one word of public passages is closer to it than every other, or far better known than the others that are as close.
Distances count an insertion, a removal, a replacement or a swap of neighbours as 1 (optimal string alignment).
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from ..text.surfaces import WRITTEN, Known, fold, is_code, unaccented
from ..text.words import EMPTY_WORDS, terms

LEAST, START, LONG, ACRONYM = 4, 8, 9, 5
"""Letters from which on a word is mended, may begin otherwise, may differ by two, and up to which capitals are left."""
LONGEST = 30
"""Letters up to which a word is mended: what is longer is an address, a key, or no word."""
MOST = 8
"""Unknown words of a question that are looked at: one with more of them is no slip of the hand."""
BETTER_KNOWN = 4.0
"""How many times better known a word must be than another at the same distance."""
NAMED = 3.0
"""How many times a name counts: what is misspelt in a question and not in any dictionary is mostly one."""
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
BESIDE = {row[a : a + 2][::way] for row in ROWS for a in range(len(row) - 1) for way in (1, -1)}
"""Letters that lie side by side on a keyboard: only they are taken for each other at the start of a short word."""
PIECE = re.compile(r"[^\W_]+(?:['’](?!s\b)[^\W\d_]+)?")
PLAINLY_WRITTEN = re.compile(r"[^\W\d_]{0,2}(?:[^\W\d_A-Z]|['’])+")
"""With capitals at the beginning only, where the second may have slipped in."""
APART = re.compile(r"(?<![^\W_])([^\W\d_]{2,}) ([^\W\d_]{2,})(?![^\W_])")
HALF, WHOLE = 5, 7
"""Letters that each of two words written as one must have, and one that was written as two."""


class Lexicon(Protocol):
    """The words of an index."""

    def known(self, word: str) -> bool: ...

    def of_length(self, letters: int) -> Sequence[Known]: ...


@dataclass(frozen=True)
class Speller:
    """Spells by the public passages of one index; `ordinary` knows the words of its language.

    `seen` are words, in lower case, of other passages that the caller may see: they are right, and never offered.
    """

    lexicon: Lexicon
    ordinary: Callable[[str], bool]
    seen: Collection[str] = ()

    def mend(self, question: str) -> tuple[str, dict[str, str]]:
        """The question as it is searched for, and by each part that was typed what was used for it."""
        mended: dict[str, str] = {}
        unknown = count()

        def replaced(typed: str, used: str | None) -> str:
            if used:
                mended[typed] = used
            return used or typed

        def one(typed: str, first: bool) -> str:
            if not self._is_unknown(typed) or next(unknown) >= MOST:
                return typed
            return replaced(typed, self._better(typed, first=first))

        def word(match: re.Match[str]) -> str:
            typed = match.group()
            first = not match.string[: match.start()].strip()
            if is_code(fold(typed)):
                return one(typed, first)
            return PIECE.sub(lambda part: one(part.group(), first), typed)

        def pair(match: re.Match[str]) -> str:
            return replaced(match.group(), self._joined(*match.groups()))

        return WRITTEN.sub(word, APART.sub(pair, question)), mended

    def _is_unknown(self, typed: str) -> bool:
        word = fold(typed)
        return _may_be_misspelt(typed, word) and not self._known(word)

    def _known(self, word: str) -> bool:
        return word in self.seen or self.lexicon.known(word)

    def _better(self, typed: str, *, first: bool) -> str | None:
        """What to use for a word that the index does not know, or None to leave it as it is."""
        word = fold(typed)
        used = self._closest(word, _allowed(typed, first=first)) or (self._halves(word) if typed.islower() else None)
        # The dictionary is large: it is opened last.
        return _written_like(typed, used) if used and not self.ordinary(word) else None

    def _closest(self, word: str, allowed: Callable[[str, int, Known], bool]) -> str | None:
        """The one word that is closest, or far better known than the others that are as close."""
        found = [(far, known) for far, known in self._near(word) if allowed(word, far, known)]
        if not found:
            return None
        distance, best = min(found, key=lambda each: (each[0], -_standing(each[1])))
        meaning = terms(best.word)
        rivals = (_standing(other) for far, other in found if far == distance and terms(other.word) != meaning)
        return best.word if _standing(best) >= BETTER_KNOWN * max(rivals, default=0.0) else None

    def _near(self, word: str) -> Iterator[tuple[int, Known]]:
        # Loaded for the first misspelt word only: most questions have none.
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        most = 2 if len(word) >= LONG and not is_code(word) else 1
        plain = unaccented(word)
        for letters in range(len(word) - most, len(word) + most + 1):
            known = self.lexicon.of_length(letters)
            words = [each.plain for each in known]
            for _, far, place in extract(plain, words, scorer=OSA.distance, score_cutoff=most, limit=None):
                if _digits(words[place]) == _digits(word):
                    yield int(far), known[place]

    def _joined(self, first: str, second: str) -> str | None:
        """Two words as the one that the index knows, where it does not know both."""
        whole, parts = fold(first + second), (fold(first), fold(second))
        if EMPTY_WORDS & {*parts} or not WHOLE <= len(whole) <= LONGEST:
            return None
        if all(self._known(part) for part in parts):
            return None
        return first + second if self.lexicon.known(whole) else None

    def _halves(self, word: str) -> str | None:
        """One word as the two that the index knows, where there is one way only."""
        ways = [(word[:place], word[place:]) for place in range(HALF, len(word) - HALF + 1)]
        known = [way for way in ways if all(self.lexicon.known(half) for half in way)]
        return " ".join(known[0]) if len(known) == 1 else None


def _may_be_misspelt(typed: str, word: str) -> bool:
    """Long enough and not too long, and neither an acronym nor a symbol such as tRNAs."""
    if len(word) > LONGEST:
        return False
    code = is_code(word)
    if sum(map(str.isalpha, word)) < (LEAST - 1 if code else LEAST):
        return False
    return code or (len(typed) > ACRONYM if typed.isupper() else bool(PLAINLY_WRITTEN.fullmatch(typed)))


def _allowed(typed: str, *, first: bool) -> Callable[[str, int, Known], bool]:
    """Which words may be meant; the shorter the word and the stranger the slip, the less may differ."""
    slipped = typed[1:2].isupper() and not typed.isupper()
    as_name = typed[0].isupper() and not first

    def allowed(word: str, far: int, known: Known) -> bool:
        same_start = word[0] == known.plain[0] or (not slipped and word[0] + known.plain[0] in BESIDE)
        if slipped or len(word) == LEAST or (not same_start and len(word) < START):
            return set(word) == set(known.plain)
        return known.name or (far < 2 and (not as_name or (same_start and len(word) >= LONG)))

    return allowed


def _standing(known: Known) -> float:
    return known.passages * (NAMED if known.name else 1.0)


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def _written_like(typed: str, used: str) -> str:
    """In capitals, with one, or with none, as it was typed."""
    if typed.isupper():
        return used.upper()
    return used[0].upper() + used[1:] if not typed[:2].islower() else used
