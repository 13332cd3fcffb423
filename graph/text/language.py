"""Which language a text is in, and which words are ordinary in it; both libraries are loaded when first needed."""

from functools import cache
from typing import Any

UNKNOWN = "und"
"""ISO 639-2 for undetermined: the text is too short or too like several languages."""


def language_of(text: str) -> str:
    """The ISO 639-1 code of a text's language, or `und` where the detector does not rely on its own finding."""
    found = _detector().detect_details(text)
    return str(found.language) if found.reliable else UNKNOWN


@cache
def _detector() -> Any:
    import eldc

    eldc.init()
    return eldc


def is_ordinary(word: str, language: str) -> bool:
    """Whether a word in lower case stands in the dictionary of a language; where there is none, it may."""
    known = _dictionary(language)
    return known is None or word in known


@cache
def _dictionary(language: str) -> frozenset[str] | None:
    from spellchecker import SpellChecker

    return frozenset(SpellChecker(language=language)) if language in SpellChecker.languages() else None
