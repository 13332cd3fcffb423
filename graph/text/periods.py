"""Frequencies (`twice a year`), days of the week and months in a text; pure."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from .number_words import in_digits
from .units import LANGUAGES, unit_at
from .values import RANGE

PERIOD = re.compile(
    r"(?:\b(?:every|each|per|pro|je|jede[nrs]?|alle|par|chaque|tous les|toutes les|por|cada|todos los|todas las|al|ogni"
    r"|tutti i|tutte le|elke|iedere|of the|im|du|del|van de)"
    r"|(?:\btimes|[€$£]|\b(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)) an?) (?:(?P<count>\d+) )?(?P<unit>[^\W\d_]+)",
    re.IGNORECASE,
)
PERIOD_WORDS = {
    word: period
    for period, words in {
        ("second", 3600.0): "hourly stündlich",
        ("second", 86400.0): "daily täglich diario giornaliero dagelijks",
        ("second", 604800.0): "weekly wöchentlich hebdomadaire semanal settimanale wekelijks",
        ("month", 1.0): "monthly monatlich mensuel mensuelle mensual mensile maandelijks",
        ("month", 3.0): "quarterly",
        ("month", 12.0): "yearly annual annually jährlich annuel annuelle anual annuale jaarlijks",
    }.items()
    for word in words.split()
}
NIGHT = re.compile(r"nights?|Nacht|nuit|noche|notte|nacht")
ADVERB = re.compile(rf"\b(?:{'|'.join(PERIOD_WORDS)})\b", re.IGNORECASE)
SHORT_DAYS = {
    short: full
    for full, forms in {
        "Monday": "Mon Mo", "Tuesday": "Tue Tues Di", "Wednesday": "Wed Mi", "Thursday": "Thu Thur Thurs Do",
        "Friday": "Fri Fr", "Saturday": "Sat Sa", "Sunday": "Sun So",
    }.items()
    for short in forms.split()
}  # fmt: skip
SHORT_DAY = re.compile(rf"\b(?:{'|'.join(SHORT_DAYS)})\b(?=\.? ?[-–/\d])|(?<=[-–/])(?:{'|'.join(SHORT_DAYS)})\b")
"""English and German abbreviations next to another day or a time."""
WEEK = {"weekday": range(5), "weekdays": range(5), "weekend": range(5, 7), "weekends": range(5, 7)}
VERBS = ("may", "march")


@lru_cache(maxsize=16384)
def periods(text: str, language: str = "en") -> frozenset[tuple[str, float]]:
    """How often something happens, or for how long a rate holds: `every month`, `12 EUR a day`, `annually`.

    `Every Monday` is weekly.
    """
    text = in_digits(text, language)
    found = {PERIOD_WORDS[match.group().lower()] for match in ADVERB.finditer(text)}
    for match in PERIOD.finditer(text):
        if len(day_names().get(match["unit"].lower(), ())) == 1:
            found.add(PERIOD_WORDS["weekly"])
        units, *_ = unit_at(f"1 {NIGHT.sub('day', match['unit'])}", 0, 1)
        found |= {(base, factor * int(match["count"] or 1)) for base, factor in units if base in ("second", "month")}
    return frozenset(found)


@lru_cache(maxsize=16384)
def weekdays(text: str) -> frozenset[int]:
    """The days of the week that a text names, Monday is 0; `Monday to Friday` and `Mon-Fri` name five."""
    return _named(SHORT_DAY.sub(lambda match: SHORT_DAYS[match.group()], text), day_names())


@lru_cache(maxsize=16384)
def months(text: str) -> frozenset[int]:
    """The months that a text names, January is 1; `March to June` names four; not the verbs `may` and `march`."""
    return _named(text, _month_names())


def _named(text: str, names: Mapping[str, range]) -> frozenset[int]:
    """The numbers that the names in a text stand for, and those between two names of a span."""
    found, last, end = set[int](), 0, -1
    for match in re.finditer(r"[^\W\d_]+", text):
        word = match.group()
        is_verb = word.lower() in VERBS and not (match.start() and word[0].isupper())
        if (named := names.get(word.lower())) and not is_verb:
            ranged = end >= 0 and RANGE.fullmatch(text[end : match.start()])
            found |= {*named, *(range(last, max(named)) if ranged else ())}
            last, end = max(named), match.end()
    return frozenset(found)


@cache
def day_names() -> dict[str, range]:
    """The days that each name of a day of the week means, and its plural."""
    from babel.dates import get_day_names

    named = {
        name.lower() + plural: range(day, day + 1)
        for language in LANGUAGES
        for day, name in get_day_names("wide", locale=language).items()
        for plural in ("", "s")
    }
    return named | WEEK


@cache
def _month_names() -> dict[str, range]:
    from babel.dates import get_month_names

    return {
        name.lower(): range(month, month + 1)
        for language in LANGUAGES
        for month, name in get_month_names("wide", locale=language).items()
    }
