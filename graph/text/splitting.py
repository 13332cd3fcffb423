"""Splits texts into sentences by the rules of their language; fails on no text and loses nothing of it; pure."""

import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

from .abbreviations import ARTICLES, DETERMINERS, NEVER_LAST, NUMBERED, OPENERS
from .language import likeliest

PARAGRAPH = re.compile(r"\S(?:[^\n]|\n(?!\s*\n))*")
ODD = re.compile(r"[^\S\n ]|[<>\ud800-\udfff]")
"""What the library does not get: blanks of several bytes, at which it panics; brackets of sums, between which it ends
no sentence; halves of characters."""
ONE = re.compile(r"[^.!?\n\x80-\U0010ffff]*[.!?]?\s*")
"""Nothing that could end a sentence but at the end, as in most items of lists."""
STOP = re.compile(r"(?<=[.!?…])[\"'’”»)\]]*\s+|[。！？]+")
EMPHASIS_END = re.compile(r"[*_]+(?:\s+|$)")
MEASURE = re.compile(r"\d\s?(?:[cmk]?m|[km]?g|[cm]?l|t|h|min|kr|zł|Std|Stk|Min)\.\s+")
AND_SO_ON = re.compile(r"(?<!\w)(?:etc|ecc|usw|osv|enz|itp|itd|m\.\s?m|m\.\s?fl)\.\s+")
LAST_WORD = re.compile(r"(?:(?<!\w)[^\W\d_]\.\s?)*[^\s()\[\]{}\"'’„“”«»/–—]+$")
"""`z. B` and `J. P` are one word."""
WORD = re.compile(r"\w+")
INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]")
CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxzßçñčšžłśź]+")
GERMAN_ENDING = re.compile(r"[^\W\d_]*[bcdfghkmnpstvwz]l", re.IGNORECASE)
"""`westl`, `jährl`, `gesetzl`: in German -lich is shortened to an ending that no word has."""
FIGURE = re.compile(r"(?:[IVXLC]{2,}|[B-HJ-Z]|A[A-Z])\b|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b")
"""What stands for a number: `chap. IV`, `App. B`, `Sat. Jan. 5`."""
GERMAN_MONTH = re.compile(r"(?:Jan|Feb|Mär|Mrz|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-z]*\b")
PAIR = re.compile(r"\d\.\s*(?:und|oder|bis|/|-|–)\s*$")
ALIKE = {"no": "da", "nb": "da", "nn": "da"}
"""Languages that are written by the rules of another one."""
SAMPLE = 2000
"""Characters that tell a text's language."""
PIECE = 4000
"""Characters that the library gets at once."""
WINDOW = 40
"""Characters beside a point that tell whether it ends a sentence."""
SHORT = 6
"""Letters of a word that may be an abbreviation that is on no list."""


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without the space at its ends."""
    stretch = text[start:end]
    return start + len(stretch) - len(stretch.lstrip()), end - (len(stretch) - len(stretch.rstrip()))


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The sentences of text[start:end] as offsets into text, without the space between them.

    They follow from the text alone: its language is the stretch's, or the whole text's where the stretch does not tell.
    """
    if ONE.fullmatch(text, start, end):
        whole = trim(text, start, end)
        return [whole] if whole[0] < whole[1] else []
    language = likeliest(text[start:end], text[:SAMPLE])
    found = []
    for paragraph in PARAGRAPH.finditer(text, start, end):
        first = paragraph.start()
        for last in _ends(ODD.sub(_plain, paragraph.group()), ALIKE.get(language, language)):
            found.append(trim(text, first, paragraph.start() + last))
            first = paragraph.start() + last
    return [(a, b) for a, b in found if a < b]


def _plain(odd: re.Match[str]) -> str:
    return " " if odd.group().isspace() else "^"


def _ends(text: str, language: str) -> list[int]:
    """Where the sentences of a paragraph end."""
    ends = [0]
    for end in _candidates(text, language):
        if 0 < end < len(text) and not _goes_on(text, ends[-1], end, language):
            ends.append(end)
    return [*ends[1:], len(text)]


def _candidates(text: str, language: str) -> list[int]:
    """Where the library ends a sentence, and where it may not for what the last word is, but the next one opens one."""
    found = {_behind_emphasis(text, end) for end in _by_library(text, language)}
    for pattern in (MEASURE, AND_SO_ON):
        found |= {match.end() for match in pattern.finditer(text) if _opens(text, match.end(), language)}
    return sorted(found)


def _behind_emphasis(text: str, end: int) -> int:
    """`**Why?** Because.`: the signs that close what is bold go with it."""
    signs = EMPHASIS_END.match(text, end) if not text[end - 1].isspace() else None
    return signs.end() if signs else end


def _by_library(text: str, language: str) -> Iterator[int]:
    for start, end in _pieces(text):
        yield from (start + found for found in _asked(text[start:end], language))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Pieces that end where sentences may: the library's time grows with the square of a text."""
    start = 0
    while start < len(text):
        most = start + PIECE
        ends = [match.end() for match in STOP.finditer(text, start, most)] if most < len(text) else []
        end = ends[-1] if ends else most
        yield start, end
        start = end


def _asked(text: str, language: str) -> list[int]:
    """Where the library ends the sentences of a piece; one that was cut inside a word or sentence ends none."""
    try:
        ends = [found["end_index"] for found in get_sentence_boundaries(language, text)]
    except BaseException as panic:
        # A panic of Rust is no Exception, and there is no module to import its class from.
        if type(panic).__name__ != "PanicException":
            raise
        return [match.end() for match in STOP.finditer(text)]
    return ends if text[-1] in " \n。！？" else [end for end in ends if end < len(text)]


def _opens(text: str, start: int, language: str) -> bool:
    """Whether a sentence may begin here: German has capitals inside sentences too."""
    word = WORD.match(text, start)
    return word is not None and (word.group() in OPENERS["de"] if language == "de" else word.group()[0].isupper())


def _goes_on(text: str, begun: int, end: int, language: str) -> bool:
    """Whether what seems to end a sentence is the point of an abbreviation, of initials or of an ordinal number."""
    if (text[end] in "-,;:^" and not text[end - 1].isspace()) or text.startswith("![", end - 1):
        return True
    before, after = text[max(begun, end - WINDOW) : end].rstrip(), text[end : end + WINDOW].lstrip()
    found = LAST_WORD.search(before, endpos=len(before) - 1) if before.endswith(".") and after else None
    if not found:
        return False
    word, lead = re.sub(r"\s", "", found.group()), before[: found.start()]
    if word.isdigit():
        return _is_ordinal(lead, word, after, language)
    if len(word) == 1 and not lead.rpartition("\n")[2].strip():
        return True
    if after[0].islower():
        return _is_short(word, language) or (
            len(word) <= SHORT and not text[begun : begun + WINDOW].lstrip()[:1].islower()
        )
    if after[0].isdigit():
        return _is_short(word, language)
    return bool(FIGURE.match(after) and word.lower() in NUMBERED) or _precedes_capital(lead, word, after, language)


def _is_ordinal(lead: str, number: str, after: str, language: str) -> bool:
    """`am 3. Mai`, `den 14. juni`, `das 2. Quartal`, `am 3. und 4. Tag`; or the number that begins an item."""
    if len(number) > 3:
        return False
    if not lead.rpartition("\n")[2].strip() or after[0].islower():
        return True
    if after[0].isdigit():
        return re.match(r"\d{1,2}\.", after) is not None or re.search(r"\d\.\s*$", lead) is not None
    before = lead.split()[-1].lower()
    ordinal = before in DETERMINERS or GERMAN_MONTH.match(after) or PAIR.search(lead)
    return language == "de" and bool(ordinal)


def _is_short(word: str, language: str) -> bool:
    """Whether a word is an abbreviation by its form, or a known one before a number."""
    low = word.lower()
    formed = "." in word or len(word) == 1 or bool(CONSONANTS.fullmatch(low)) or low.endswith("str")
    return formed or low.rpartition("-")[2] in NUMBERED or _is_never_last(low, language)


def _is_never_last(low: str, language: str) -> bool:
    """Whether an abbreviation, or the last part of `Dipl.-Ing`, is known to end no sentence."""
    known = NEVER_LAST[""] | NEVER_LAST.get(language, frozenset())
    return low in known or low.rpartition("-")[2] in known


def _precedes_capital(lead: str, word: str, after: str, language: str) -> bool:
    """Whether a word with a point goes with a capital after it: a title, an abbreviation or initials."""
    low = word.lower()
    if _is_never_last(low, language):
        return True
    opener = WORD.match(after)
    if language == "en" or not opener or opener.group() in OPENERS.get(language, ()):
        return False
    initials = INITIALS.fullmatch(word) and not re.search(r"\d\s*$", lead) and not AND_SO_ON.fullmatch(f"{word}. ")
    if language == "de" and (low.endswith("str") or GERMAN_ENDING.fullmatch(word)):
        return True
    return bool(initials) or (len(word) <= SHORT and lead.strip().lower() in ARTICLES)
