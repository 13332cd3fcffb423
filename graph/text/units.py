"""Recognises units and currencies next to numbers by their names in Unicode CLDR (Babel); pure."""

import re
from functools import cache
from itertools import product

LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
LOCALES = (*LANGUAGES, "en_GB")
"""`en_GB` has the British forms: kilometres, square metres."""
BASES: dict[str, tuple[str, float]] = {
    **{f"duration-{name}": ("second", factor) for name, factor in (
        ("millisecond", 1e-3), ("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400), ("week", 604800))},
    **{f"duration-{name}": ("month", factor) for name, factor in (
        ("month", 1), ("quarter", 3), ("year", 12), ("decade", 120), ("century", 1200))},
    **{f"length-{name}": ("meter", factor) for name, factor in (
        ("millimeter", 1e-3), ("centimeter", 1e-2), ("meter", 1), ("kilometer", 1000), ("inch", 0.0254),
        ("foot", 0.3048), ("yard", 0.9144), ("mile", 1609.344))},
    **{f"mass-{name}": ("gram", factor) for name, factor in (
        ("milligram", 1e-3), ("gram", 1), ("kilogram", 1000), ("tonne", 1e6), ("ounce", 28.349523125),
        ("pound", 453.59237))},
    **{f"volume-{name}": ("liter", factor) for name, factor in (
        ("milliliter", 1e-3), ("centiliter", 1e-2), ("liter", 1), ("hectoliter", 100), ("cubic-meter", 1000),
        ("gallon", 3.785411784))},
    **{f"area-{name}": ("square meter", factor) for name, factor in (
        ("square-meter", 1), ("hectare", 1e4), ("square-kilometer", 1e6), ("square-mile", 2589988.110336),
        ("acre", 4046.8564224), ("square-foot", 0.09290304))},
    **{f"digital-{name}": ("byte", factor) for name, factor in (
        ("byte", 1), ("kilobyte", 1e3), ("megabyte", 1e6), ("gigabyte", 1e9), ("terabyte", 1e12))},
    **{f"power-{name}": ("watt", factor) for name, factor in (("watt", 1), ("kilowatt", 1e3), ("megawatt", 1e6))},
    **{f"pressure-{name}": ("pascal", factor) for name, factor in (
        ("pascal", 1), ("kilopascal", 1e3), ("bar", 1e5), ("millibar", 100))},
    **{f"frequency-{name}": ("hertz", factor) for name, factor in (
        ("hertz", 1), ("kilohertz", 1e3), ("megahertz", 1e6), ("gigahertz", 1e9))},
    "energy-kilowatt-hour": ("kilowatt hour", 1), "electric-volt": ("volt", 1), "electric-ampere": ("ampere", 1),
    "temperature-celsius": ("celsius", 1), "temperature-fahrenheit": ("fahrenheit", 1), "temperature-generic":
    ("degree", 1), "angle-degree": ("degree", 1), "concentr-percent": ("ratio", 0.01),
    "concentr-permille": ("ratio", 0.001), "speed-kilometer-per-hour": ("kilometer per hour", 1),
    "speed-mile-per-hour": ("kilometer per hour", 1.609344), "speed-meter-per-second": ("kilometer per hour", 3.6),
}  # fmt: skip
"""CLDR's name of a unit, its base unit, and the factor to the base unit."""
CURRENCIES = "USD EUR GBP JPY CHF CNY CAD AUD INR SEK NOK DKK PLN CZK SGD".split()
"""A word or sign for several currencies (`dollars`) means the first of them."""
OTHER_FORMS = {"hr": "duration-hour", "hrs": "duration-hour", "hours": "duration-hour", "mins": "duration-minute",
               "yrs": "duration-year", "kgs": "mass-kilogram", "lbs": "mass-pound", "kms": "length-kilometer",
               "sqm": "area-square-meter", "sq m": "area-square-meter", "sq ft": "area-square-foot",
               "gb": "digital-gigabyte", "mb": "digital-megabyte", "tb": "digital-terabyte",
               "kb": "digital-kilobyte", "degrees": "angle-degree", "tagen": "duration-day",
               "monaten": "duration-month", "jahren": "duration-year", "metern": "length-meter",
               "kilometern": "length-kilometer", "litern": "volume-liter"}  # fmt: skip
"""Forms that only CLDR's locales of other countries have, and the German dative."""
PERCENTAGE_POINTS = (
    "percentage point", "percentage points", "prozentpunkt", "prozentpunkte", "prozentpunkten", "point de pourcentage",
    "points de pourcentage", "punto porcentual", "puntos porcentuales", "punto percentuale", "punti percentuali",
    "procentpunt", "procentpunten",
)  # fmt: skip
"""The difference of two percentages, which CLDR has no unit for."""
UNIT_WORDS = re.compile(
    r"[ \u00a0\u202f-]?([%‰€$£¥°][CF]?|[^\W\d_]+(?:[²³]|\^?[23]\b)?(?:/[^\W\d_]+)?)\.?"
    r"(?: ([^\W\d_]+[²³]?))?(?: ([^\W\d_]+))?"
)
POWER = re.compile(r"(?<=[^\W\d_])\^?([23])$")
POWERS = {"2": "²", "3": "³"}
IN_UNIT = re.compile(r"(?:\(([^()]{1,20})\)|\bin ([^\W\d_]+|%))\s*[:=]?\s*$")
CURRENCY_BEFORE = re.compile(r"(?:\b([A-Z]{3})|(US\$|[€$£¥])) ?$")


def unit_at(text: str, start: int, end: int) -> tuple[frozenset[tuple[str, float]], int, int]:
    """The unit next to the number text[start:end], and the offsets of the number with its unit."""
    known = _units()
    before = CURRENCY_BEFORE.search(text, max(0, start - 6), start)
    if before and (unit := known.get(before[1] or before[2])):
        return unit, before.start(), end
    if after := UNIT_WORDS.match(text, end):
        words = [POWER.sub(lambda power: POWERS[power[1]], word) for word in after.groups() if word]
        for count in range(len(words), 0, -1):
            name = " ".join(words[:count])
            if unit := known.get(name) or known.get(name.lower()):
                return unit, start, after.end(count)
        if len(words) > 1 and words[0].islower() and (unit := known.get(words[1])) and len(words[1]) > 2:
            return unit, start, after.end(2)
    if bases := IN_UNIT.search(text, max(0, start - 28), start):
        return known.get((bases[1] or bases[2]).strip().lower(), frozenset()), start, end
    return frozenset(), start, end


def is_duration(word: str) -> bool:
    """Whether a word is a unit of time."""
    return any(base in ("second", "month") for base, _ in unit_at(f"1 {word}", 0, 1)[0])


@cache
def _units() -> dict[str, frozenset[tuple[str, float]]]:
    """The possible meanings of each word or sign for a unit."""
    from babel.units import format_unit

    bases: dict[str, set[tuple[str, float]]] = {}
    for language in LOCALES:
        for name, base in BASES.items():
            for length in ("long", "short"):
                for count in (1, 5):
                    word = format_unit(count, name, length, locale=language).replace(str(count), "")
                    _add_base(bases, word.replace("\u00a0", " ").replace("\u202f", " ").strip(" .-"), base)
    for word, name in OTHER_FORMS.items():
        bases.setdefault(word, set()).add(BASES[name])
    for word in PERCENTAGE_POINTS:
        bases.setdefault(word, set()).add(("percentage point", 1.0))
    for word, code in _money().items():
        bases.setdefault(word, set()).add((code, 1.0))
    # `4 a` is 4 years in German, but `a` is an article far more often.
    return {word: frozenset(units) for word, units in bases.items() if word != "a"}


def _money() -> dict[str, str]:
    """The currency of each sign, code and name."""
    from babel.numbers import get_currency_name, get_currency_symbol

    money = {code: code for code in CURRENCIES}
    for code, language in product(CURRENCIES, LANGUAGES):
        money.setdefault(get_currency_symbol(code, locale=language), code)
        for count in (None, 1, 5):
            words = get_currency_name(code, count=count, locale=language).lower().split()
            money.setdefault(" ".join(words), code)
            money.setdefault(words[-1] if language in ("en", "nl") else words[0], code)
    return money


def _add_base(bases: dict[str, set[tuple[str, float]]], word: str, base: tuple[str, float]) -> None:
    if word:
        bases.setdefault(word, set()).add(base)
        if len(word) > 2:
            bases.setdefault(word.lower(), set()).add(base)
