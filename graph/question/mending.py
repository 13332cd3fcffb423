"""Mends the words of a question by the lexicon of an index, where both are in one language."""

from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from ..text.language import UNKNOWN, is_ordinary, language_of
from .spelling import Lexicon, Speller

TELLING = 100
"""Words that tell the language of an index."""


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

    def mend(self, question: str, language: str, *, public: bool) -> tuple[str, dict[str, str]]:
        """The question as it is searched for and what was mended: nothing in another language than the index's.

        `public` keeps it from the caller that a word stands in passages for some groups only.
        """
        if self._lexicon is None or language not in (UNKNOWN, self.language):
            return question, {}
        return Speller(self._lexicon, lambda word: is_ordinary(word, self.language), public).mend(question)
