"""Which language a text is in; the library is loaded when first needed."""

import re
from functools import cache
from threading import Lock
from typing import Any

UNKNOWN = "und"
"""ISO 639-2 for undetermined: the text is too short or too like several languages."""

LOADING = Lock()
"""The detector may be made ready by one thread alone: another would read half of its tables, and another language."""
SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half a character, which the detector cannot read."""


def language_of(text: str) -> str:
    """The ISO 639-1 code of a text's language, or `und` where the detector does not rely on its own finding."""
    found = _found(text)
    return str(found.language) if found.reliable else UNKNOWN


def likeliest(text: str, around: str) -> str:
    """The likeliest language of a text, or of what is around it where it does not tell; English if nothing does."""
    own = _found(text)
    wide = own if own.reliable else _found(around)
    language = str((wide if wide.reliable else own).language)
    return language if language != UNKNOWN else "en"


def _found(text: str) -> Any:
    return _detector().detect_details(SURROGATE.sub(" ", text))


def _detector() -> Any:
    with LOADING:
        return _loaded()


@cache
def _loaded() -> Any:
    import eldc

    eldc.init()
    return eldc
