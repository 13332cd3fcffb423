"""Writes number words, fractions and scales as digits, in the six languages of `LANGUAGES`; pure."""

import re
from functools import lru_cache
from unicodedata import numeric

from text_to_num import alpha2digit

from .metadata_values import COMMA, MONTH, POINT, numbers, resolve
from .units import LANGUAGES, is_duration, unit_at

SCALES = {"dozen": 12, "thousand": 1e3, "mn": 1e6, "mio": 1e6, "bn": 1e9, "mrd": 1e9, "trillion": 1e12,
          "billionen": 1e12, "mila": 1e3, "milione": 1e6, "milioni": 1e6, "miliardo": 1e9, "miliardi": 1e9}  # fmt: skip
"""Scales that the library does not know."""
FRACTIONS = {
    word: number
    for number, words in {
        2: "half hälfte moitié mitad metà helft", 3: "third drittel tiers tercio terzo derde",
        4: "quarter viertel quart cuarto quarto kwart", 5: "fifth fünftel cinquième quinto vijfde",
        10: "tenth zehntel dixième décimo decimo tiende",
    }.items()
    for word in words.split()
}  # fmt: skip
NUMERATORS = {
    word: number
    for number, words in enumerate(("a an one the ein eine der die un une la une una een", "two zwei deux dos due twee",
                                    "three drei trois tres tre drie", "four vier"), 1)
    for word in words.split()
}  # fmt: skip
FRACTION = re.compile(
    rf"\b(?:({'|'.join(NUMERATORS)})[ -])?({'|'.join(FRACTIONS)})s?\b"
    rf"(?= (?:of|der|des|du|de|d'|del|della|van)\b(?! (?:{MONTH})\b))"
    rf"|\b(two|three|zwei|drei|deux|trois|twee)[ -]({'|'.join(FRACTIONS)})s?\b"
    r"|\b(?:by(?= (?:a|one) \w+(?:[.,;]|$| (?:on|in|from|since|to)\b))"
    r"|almost|nearly|about|over|fast|etwa|rund|presque|environ|casi|quasi|bijna|ongeveer) "
    rf"(a|one|ein|eine|un|une|una|een) ({'|'.join(FRACTIONS)})\b",
    re.IGNORECASE,
)
TIMES = {"once": 1, "twice": 2, "thrice": 3}
HOW_OFTEN = re.compile(
    r"\b(?:(?:once|(?P<one>ein)mal)(?= (?:an?|per|every|each|pro|im|am|je)\b)|twice|thrice|(?P<count>\w{3,8})ma+l)\b",
    re.IGNORECASE,
)
"""`viermal` becomes `vier mal`."""
HALF = re.compile(
    r"(?<!\band )(?<!\band a )(?<!\bet )(?<!\by )(?<!\be )(?<!\ben )(?<!\ben een )"
    r"\b(?:(?:(?:an?|eine?[mnrs]?|une?|una|een) )?(?:half(?:[ -]an?)?|halbe[mnrs]?|halve|demi|medi[oa]|mezz[oa])[ -]"
    r"(?P<part>[^\W\d_]+)|(?P<whole>an?|one|eine?[mn]?|une?|una|een|één) (?P<unit>[^\W\d_]+)"
    r"(?P<plus> (?:and a half|et demie?|y medi[oa]|e mezz[oa]|en een half))?)\b",
    re.IGNORECASE,
)
AND_A_HALF = re.compile(
    r"(?<![\d.,])(\d+)( [^\W\d_]+)? (?:and a half|et demie?|y medi[oa]|e mezz[oa]|en een half)\b", re.IGNORECASE
)
HALF_IN_WORD = re.compile(r"\b(?:(ander)t?|([^\W\d_]{3,}?)(?:ein|en|ën))hal(?:b|f|ve)\b", re.IGNORECASE)
"""`zweieinhalb`, `tweeënhalf`, `anderthalb`."""
SLASHED = re.compile(r"(?<![\w./])(?:(\d{1,3}) )?([1-9])/([2-9]|1[02]|16)(?= ?([^\W\d_]+))")
"""A fraction before a unit: `1/2 litre`, `1 3/4 hours`."""
EVERY = re.compile(
    r"\b(every|each|jede[nrs]?) (?:(?P<two>second|other|zweite[nrs]?)|(?P<three>third|dritte[nrs]?)"
    r"|(?P<four>fourth|vierte[nrs]?)) (?=([^\W\d_]+))",
    re.IGNORECASE,
)
NTH = {"two": 2, "three": 3, "four": 4}
DOZEN = re.compile(r"\ban? dozen\b(?! of\b)", re.IGNORECASE)
SUPER = re.compile(r"(?<!\d)(\d{0,9}) ?([¼-¾⅐-⅞])")
SCALED = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)[ \u00a0-]([^\W\d_]{2,10})\b\.?")
SHORT = re.compile(r"([€$£¥] ?\d+(?:[.,]\d+)?)(k|m|mn|bn)\b", re.IGNORECASE)
"""A scale behind an amount of money: `€3m`."""
SHORT_SCALES = {"k": "thousand", "m": "mn"}


@lru_cache(maxsize=16384)
def in_digits(text: str, language: str = "en") -> str:
    """A text with its number words and fractions as digits."""
    if not text.isascii():
        text = SUPER.sub(lambda m: f"{int(m[1] or 0) + numeric(m[2]):.4g}", text)
    text = DOZEN.sub("12", EVERY.sub(_every, SLASHED.sub(_slashed, text)))
    text = HALF.sub(_halves, HOW_OFTEN.sub(_times_in_digits, text))
    lowered = text.lower()
    # Most texts have no fraction, and finding that out is cheaper.
    if any(word in lowered for word in FRACTIONS):
        text = FRACTION.sub(_fraction, text)
    text = _scaled(text, language)
    if "hal" in lowered:
        text = HALF_IN_WORD.sub(lambda match: "1.5" if match[1] else f"{match[2]} and a half", text)
    number_language = language if language in LANGUAGES else "en"
    text = "\n".join(
        alpha2digit(line, number_language, threshold=2) if line.strip() else line for line in text.split("\n")
    )
    return AND_A_HALF.sub(lambda match: f"{match[1]}.5{match[2] or ''}", text)


def _slashed(match: re.Match[str]) -> str:
    """`0.5` for `1/2` before a unit, where it is no date and no number of something."""
    share = int(match[1] or 0) + int(match[2]) / int(match[3])
    return f"{share:.6g}" if unit_at(f"1 {match[4]}", 0, 1)[0] else match.group()


def _every(match: re.Match[str]) -> str:
    """`every 2 ` for `every second `, before a unit of time."""
    count = next(number for name, number in NTH.items() if match[name])
    return f"{match[1]} {count} " if is_duration(match[5]) else match.group()


def _times_in_digits(match: re.Match[str]) -> str:
    """`4 mal` or `2 times` for a word."""
    if match["count"]:
        return f"{match['count']} mal"
    return "1 mal" if match["one"] else f"{TIMES[match.group().lower()]} times"


def _halves(match: re.Match[str]) -> str:
    """`0.5 year` for half a year, `1.5 year` for a year and a half, `1 Jahr` for ein Jahr; `a year` can mean each."""
    unit = match["part"] or match["unit"]
    if not is_duration(unit) or ((match["whole"] or "").lower() in ("a", "an") and not match["plus"]):
        return match.group()
    return f"{1.5 if match['plus'] else 1 if match['whole'] else 0.5} {unit}"


def _fraction(match: re.Match[str]) -> str:
    numerator, name = (part for part in ((match[1] or match[3] or match[5]), (match[2] or match[4] or match[6])))
    share = NUMERATORS.get((numerator or "a").lower(), 1) / FRACTIONS[name.lower()]
    before = match.group()[: match.start(5) - match.start()] if match[5] else ""
    return f"{before}{100 * share:.6g}%"


def _scaled(text: str, language: str) -> str:
    """Write `5 million` as 5000000."""

    def digits(match: re.Match[str]) -> str:
        factor, amount = _scale(match[2].lower(), language), amount_of(match[1], language)
        return match.group() if factor is None or amount is None else f"{amount * factor:.0f}"

    return SCALED.sub(
        digits, SHORT.sub(lambda match: f"{match[1]} {SHORT_SCALES.get(match[2].lower(), match[2])}", text)
    )


@lru_cache(maxsize=4096)
def _scale(word: str, language: str) -> float | None:
    """The factor that a word for a thousand or more stands for."""
    written = alpha2digit(word, language if language in LANGUAGES else "en")
    return float(written) if written.isdigit() and len(written) > 3 else SCALES.get(word)


def amount_of(digits: str, language: str) -> float | None:
    """The number that is written with these digits and separators."""
    read = numbers(digits.replace("\u00a0", " ").replace("\u2009", " ").replace("\u202f", " "))
    follows = (COMMA,) if language in LANGUAGES and language != "en" else (POINT,)
    amount = resolve(read, follows)
    if amount is None:
        plain = re.sub(r"[^\d]", "", digits)
        amount = float(plain) if plain else None
    return None if amount is None else float(amount)
