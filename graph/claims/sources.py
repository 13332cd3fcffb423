"""A passage as claims are compared with it: its units, alone and with their neighbours, and what they say; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ..state import Passage
from ..text.facts import plain_words
from ..text.quantities import quantities
from ..text.sentences import Unit, units
from ..text.words import Weigh, terms


@dataclass(frozen=True)
class Window:
    """One unit of a passage, or two or three neighbours as one: a claim may be drawn from several."""

    start: int
    end: int
    reading: str
    first: int
    last: int


@dataclass(frozen=True)
class Source:
    """A passage as claims are compared with it; `about` is its title and section."""

    text: str
    about: str
    units: tuple[Unit, ...]
    windows: tuple[Window, ...]

    def readings(self, window: Window) -> list[str]:
        """What the units of a window say."""
        return [unit.reading for unit in self.units[window.first : window.last + 1]]


@lru_cache(maxsize=4096)
def source(text: str, header: str, about: str) -> Source:
    """Prepare a passage; `header` is the header row of a table begun before it."""
    own = tuple(units(text, header))
    windows = [_window(own, first, first + more) for more in range(3) for first in range(len(own) - more)]
    return Source(text, about, own, tuple(windows))


def source_of(passage: Passage) -> Source:
    """The source that a passage is, under its title and section."""
    return source(passage["text"], passage["header"], f"{passage['title']}, {passage['section']}")


def _window(own: Sequence[Unit], first: int, last: int) -> Window:
    reading = "\n".join(unit.reading for unit in own[first : last + 1])
    return Window(own[first].start, own[last].end, reading, first, last)


@lru_cache(maxsize=8192)
def terms_of(text: str) -> tuple[str, ...]:
    """The terms of a text in order."""
    return tuple(terms(text))


def terms_in(texts: Iterable[str]) -> list[str]:
    """The terms of some texts, one after the other."""
    return [term for text in texts for term in terms_of(text)]


def words_in(texts: Iterable[str]) -> frozenset[str]:
    """What names and opposites are looked up in, of some texts."""
    return frozenset[str]().union(*map(plain_words, texts))


def quantities_in(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The quantities of some texts; a number that ends one has not the next one's first word for its unit."""
    return frozenset[tuple[str, str]]().union(*map(quantities, texts))


@lru_cache(maxsize=4096)
def pairs_in(text: str) -> frozenset[tuple[str, str]]:
    """The neighbouring terms of a text."""
    return frozenset(pairwise(terms_of(text)))


def share(wanted: Iterable[str], found: Iterable[str], weigh: Weigh) -> float:
    """The weighted share of the wanted terms that are found; 1 when none is wanted."""
    wanted = set(wanted)
    total = sum(map(weigh, wanted))
    return sum(map(weigh, wanted & set(found))) / total if total > 0 else 1.0
