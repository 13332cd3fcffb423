"""Splits any text into sentences by the rules of its language, without losing any of it; pure."""

import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

from .abbreviations import ARTICLES, DETERMINERS, NEVER_LAST, NUMBERED, OPENERS
from .language import likeliest_language

PARAGRAPH = re.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")
UNSUPPORTED = re.compile(r"[^\S\n ]|[<>\ud800-\udfff]")
"""Characters that are hidden from the library: spaces of several bytes, on which it panics; angle brackets, between
which it ends no sentence; surrogates."""
SINGLE_SENTENCE = re.compile(r"[^.!?\n\x80-\U0010ffff]*[.!?]?\s*")
"""A text that can end a sentence only at its end, such as most list items."""
STOP = re.compile(r"(?<=[.!?…])[\"'’”»)\]]*\s+|[。！？]+")
EMPHASIS_END = re.compile(r"[*_]+(?:\s+|$)")
MEASURE = re.compile(r"\d\s?(?:[cmk]?m|[km]?g|[cm]?l|t|h|min|kr|zł|Std|Stk|Min)\.\s+")
AND_SO_ON = re.compile(r"(?<!\w)(?:etc|ecc|usw|osv|enz|itp|itd|m\.\s?m|m\.\s?fl)\.\s+")
LAST_WORD = re.compile(r"(?:(?<!\w)[^\W\d_]\.\s?)*[^\s()\[\]{}\"'’„“”«»/–—]+$")
"""`z. B` and `J. P` count as one word."""
WORD = re.compile(r"\w+")
INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]")
CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxzßçñčšžłśź]+")
GERMAN_ENDING = re.compile(r"[^\W\d_]*[bcdfghkmnpstvwz]l", re.IGNORECASE)
"""`westl`, `jährl`, `gesetzl`: German -lich abbreviated to an ending that no other word has."""
NUMBER_LIKE = re.compile(
    r"(?:[IVXLC]{2,}|[B-HJ-Z]|A[A-Z])\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
)
"""Text in the place of a number: `chap. IV`, `App. B`, `Sat. Jan. 5`."""
GERMAN_MONTH = re.compile(r"(?:Jan|Feb|Mär|Mrz|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-z]*\b")
PAIR = re.compile(r"\d\.\s*(?:und|oder|bis|/|-|–)\s*$")
LANGUAGE_RULES = {"no": "da", "nb": "da", "nn": "da"}
"""Languages that use the rules of another one."""
SAMPLE_LENGTH = 2000
"""Characters that are used to detect the language."""
MAX_PIECE = 4000
"""The most characters that are passed to the library at once."""
CONTEXT_LENGTH = 40
"""Characters around a full stop that decide whether it ends a sentence."""
MAX_ABBREVIATION = 6
"""The most letters of an unlisted abbreviation."""


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets without leading and trailing white space."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip()))


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The offsets of the sentences of text[start:end], without the white space between them.

    The language is that of this part, or of the whole text where the part is too short.
    """
    if SINGLE_SENTENCE.fullmatch(text, start, end):
        whole = trim(text, start, end)
        return [whole] if whole[0] < whole[1] else []
    language = likeliest_language(text[start:end], text[:SAMPLE_LENGTH])
    found = []
    for paragraph in PARAGRAPH.finditer(text, start, end):
        first = paragraph.start()
        for last in _ends(
            UNSUPPORTED.sub(_replace_unsupported, paragraph.group()), LANGUAGE_RULES.get(language, language)
        ):
            found.append(trim(text, first, paragraph.start() + last))
            first = paragraph.start() + last
    return [(a, b) for a, b in found if a < b]


def _replace_unsupported(match: re.Match[str]) -> str:
    return " " if match.group().isspace() else "^"


def _ends(text: str, language: str) -> list[int]:
    """The end offsets of the sentences of a paragraph."""
    ends = [0]
    for end in _candidates(text, language):
        if 0 < end < len(text) and not _is_abbreviation(text, ends[-1], end, language):
            ends.append(end)
    return [*ends[1:], len(text)]


def _candidates(text: str, language: str) -> list[int]:
    """The ends that the library finds, and those after a unit or `etc.` that a new sentence follows."""
    found = {_after_emphasis(text, end) for end in _by_library(text, language)}
    for pattern in (MEASURE, AND_SO_ON):
        found |= {match.end() for match in pattern.finditer(text) if _starts_sentence(text, match.end(), language)}
    return sorted(found)


def _after_emphasis(text: str, end: int) -> int:
    """Move an end behind closing emphasis: `**Why?** Because.`"""
    signs = EMPHASIS_END.match(text, end) if not text[end - 1].isspace() else None
    return signs.end() if signs else end


def _by_library(text: str, language: str) -> Iterator[int]:
    for start, end in _pieces(text):
        yield from (start + found for found in _library_ends(text[start:end], language))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Split a text where sentences may end: the library's time grows with the square of the length."""
    start = 0
    while start < len(text):
        most = start + MAX_PIECE
        ends = [match.end() for match in STOP.finditer(text, start, most)] if most < len(text) else []
        end = ends[-1] if ends else most
        yield start, end
        start = end


def _library_ends(text: str, language: str) -> list[int]:
    """The sentence ends that the library finds; the end of a piece that was cut inside a sentence is not one."""
    try:
        ends = [found["end_index"] for found in get_sentence_boundaries(language, text)]
    except BaseException as panic:
        # A panic of Rust is no Exception, and there is no module to import its class from.
        if type(panic).__name__ != "PanicException":
            raise
        return [match.end() for match in STOP.finditer(text)]
    return ends if text[-1] in " \n。！？" else [end for end in ends if end < len(text)]


def _starts_sentence(text: str, start: int, language: str) -> bool:
    """Whether a sentence can begin here; in German a capital alone does not show it."""
    word = WORD.match(text, start)
    return word is not None and (word.group() in OPENERS["de"] if language == "de" else word.group()[0].isupper())


def _is_abbreviation(text: str, begin: int, end: int, language: str) -> bool:
    """Whether a full stop belongs to an abbreviation, initials or an ordinal number."""
    if (text[end] in "-,;:^" and not text[end - 1].isspace()) or text.startswith("![", end - 1):
        return True
    before, after = text[max(begin, end - CONTEXT_LENGTH) : end].rstrip(), text[end : end + CONTEXT_LENGTH].lstrip()
    found = LAST_WORD.search(before, endpos=len(before) - 1) if before.endswith(".") and after else None
    if not found:
        return False
    word, text_before = re.sub(r"\s", "", found.group()), before[: found.start()]
    if word.isdigit():
        return _is_ordinal(text_before, word, after, language)
    if len(word) == 1 and not text_before.rpartition("\n")[2].strip():
        return True
    if after[0].islower():
        return _is_short(word, language) or (
            len(word) <= MAX_ABBREVIATION and not text[begin : begin + CONTEXT_LENGTH].lstrip()[:1].islower()
        )
    if after[0].isdigit():
        return _is_short(word, language)
    return bool(NUMBER_LIKE.match(after) and word.lower() in NUMBERED) or _precedes_capital(
        text_before, word, after, language
    )


def _is_ordinal(text_before: str, number: str, after: str, language: str) -> bool:
    """Whether a number is ordinal, as in `am 3. Mai` and `am 3. und 4. Tag`, or begins a list item."""
    if len(number) > 3:
        return False
    if not text_before.rpartition("\n")[2].strip() or after[0].islower():
        return True
    if after[0].isdigit():
        return re.match(r"\d{1,2}\.", after) is not None or re.search(r"\d\.\s*$", text_before) is not None
    before = text_before.split()[-1].lower()
    ordinal = before in DETERMINERS or GERMAN_MONTH.match(after) or PAIR.search(text_before)
    return language == "de" and bool(ordinal)


def _is_short(word: str, language: str) -> bool:
    """Whether a word is an abbreviation by its form, or a known one before a number."""
    lowered = word.lower()
    formed = "." in word or len(word) == 1 or bool(CONSONANTS.fullmatch(lowered)) or lowered.endswith("str")
    return formed or lowered.rpartition("-")[2] in NUMBERED or _is_never_last(lowered, language)


def _is_never_last(lowered: str, language: str) -> bool:
    """Whether an abbreviation, or the last part of one such as `Dipl.-Ing`, never ends a sentence."""
    known = NEVER_LAST[""] | NEVER_LAST.get(language, frozenset())
    return lowered in known or lowered.rpartition("-")[2] in known


def _precedes_capital(text_before: str, word: str, after: str, language: str) -> bool:
    """Whether an abbreviation can precede a capital within a sentence: a title or initials."""
    lowered = word.lower()
    if _is_never_last(lowered, language):
        return True
    opener = WORD.match(after)
    if language == "en" or not opener or opener.group() in OPENERS.get(language, ()):
        return False
    initials = (
        INITIALS.fullmatch(word) and not re.search(r"\d\s*$", text_before) and not AND_SO_ON.fullmatch(f"{word}. ")
    )
    if language == "de" and (lowered.endswith("str") or GERMAN_ENDING.fullmatch(word)):
        return True
    return bool(initials) or (len(word) <= MAX_ABBREVIATION and text_before.strip().lower() in ARTICLES)
