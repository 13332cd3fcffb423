"""Mends the words of a question by the lexicon of an index, where both are in one language."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Protocol

from ..offload import off_loop
from ..text.language import UNKNOWN, is_ordinary, language_of
from ..text.surfaces import fold
from .spelling import Lexicon, Speller

TELLING = 100
"""Words that tell the language of an index."""
Stands = Callable[[str], Awaitable[bool]]
"""Whether a word stands in a passage that is not public and that the caller may see."""


class Listed(Lexicon, Protocol):
    """A lexicon that knows its commonest words."""

    def commonest(self, most: int) -> Sequence[str]: ...


class Mender:
    """Spells by one lexicon, or not at all where there is none."""

    def __init__(self, lexicon: Listed | None) -> None:
        self._lexicon = lexicon

    @cached_property
    def language(self) -> str:
        """The main language of the index, by its commonest words."""
        return language_of(" ".join(self._lexicon.commonest(TELLING))) if self._lexicon else UNKNOWN

    async def mend(self, question: str, language: str, stands: Stands | None = None) -> tuple[str, dict[str, str]]:
        """The question as it is searched for and what was mended: nothing in another language than the index's.

        The lexicon knows public passages alone, so that no caller learns what others hold. A word that `stands` in one
        that the caller may see is left as it is; None: the caller sees public passages alone.
        """
        if self._lexicon is None or language not in (UNKNOWN, await off_loop(lambda: self.language)):
            return question, {}
        seen: set[str] = set()
        while True:
            speller = Speller(self._lexicon, lambda word: is_ordinary(word, self.language), seen)
            asked, mended = await off_loop(speller.mend, question)
            typed = {fold(word) for words in mended for word in words.split()} - seen
            right = {word for word in sorted(typed) if stands and await stands(word)}
            if not right:
                return asked, mended
            seen |= right
