"""The words of a text as they are written, for spelling: lower case, codes such as ax-2000 whole; pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .words import SAME

WRITTEN = re.compile(r"[^\W_]+(?:[-–./'’][^\W_]+)*")
INSIDE = re.compile(r"(?<=[^\s.!?:;|#*•>…-] )[^\W\d_a-z][^\W_]*(?:[-–./'’][^\W_]+)*")
"""What begins with no small letter and stands after another word of its sentence."""
JOINTS = re.compile(r"[-./]")


@dataclass(frozen=True)
class Known:
    """A written word of public passages: in how many it stands, and whether at least as many write it as a name as
    write it small.
    """

    word: str
    passages: int
    name: bool

    @cached_property
    def plain(self) -> str:
        """Without accents, which are seldom typed."""
        return unaccented(self.word)


def surfaces(text: str) -> set[str]:
    """The distinct words of a text; a code counts as a whole and by its parts, a number alone does not count."""
    return {word for raw in set(WRITTEN.findall(text)) for word in _words(raw)}


def names(text: str) -> set[str]:
    """Those of its words that are written with a capital although they do not begin a sentence."""
    return {word for raw in set(INSIDE.findall(text)) if raw[0].isupper() for word in _words(raw)}


def small(text: str) -> set[str]:
    """Those of its words that are somewhere written without a capital."""
    return {word for raw in set(WRITTEN.findall(text)) if raw[0].islower() for word in _words(raw)}


@lru_cache(maxsize=50_000)
def _words(raw: str) -> tuple[str, ...]:
    whole = fold(raw)
    parts = [whole] if is_code(whole) else []
    parts += JOINTS.split(whole)
    return tuple(part for part in parts if any(map(str.isalpha, part)))


def fold(word: str) -> str:
    """A word as it is counted: in lower case, with plain marks, without a genitive."""
    return word.lower().translate(SAME).removesuffix("'s")


def unaccented(word: str) -> str:
    """A word without the marks above and below its letters."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def is_code(word: str) -> bool:
    """Whether a word is a name of letters and digits, such as ax-2000 or 4k."""
    return any(map(str.isdigit, word)) and any(map(str.isalpha, word))
