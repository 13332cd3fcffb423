"""Detects the language of a text; the library is loaded on first use."""

import re
from functools import cache
from threading import Lock
from typing import Any

UNKNOWN = "und"
"""ISO 639-2 for undetermined: the text is too short or too like several languages."""

LOADING = Lock()
"""Only one thread may load the detector: another one would see half of its tables and detect a wrong language."""
SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half a character, which the detector cannot read."""


def language_of(text: str) -> str:
    """The ISO 639-1 code of a text's language, or `und` where the detection is not reliable."""
    found = _detect(text)
    return str(found.language) if found.reliable else UNKNOWN


def likeliest_language(text: str, context: str) -> str:
    """The likeliest language of a text, or of its context where the text is too short; English as the default."""
    own = _detect(text)
    detected = own if own.reliable else _detect(context)
    language = str((detected if detected.reliable else own).language)
    return language if language != UNKNOWN else "en"


def _detect(text: str) -> Any:
    return _detector().detect_details(SURROGATE.sub(" ", text))


def _detector() -> Any:
    with LOADING:
        return _loaded()


@cache
def _loaded() -> Any:
    import eldc

    eldc.init()
    return eldc
