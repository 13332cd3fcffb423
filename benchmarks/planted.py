"""Faults planted into true sentences, and true sentences reworded: what a check of claims must catch, and must not.

Every change is drawn from the sentence itself and a seeded generator, so a set of cases is the same at each run.
"""

import random
import re
from collections.abc import Callable, Sequence

from graph.text.facts import NEGATIONS, names

NAME = re.compile(r"(?<![\w-])[A-Z][a-zà-ÿ]+(?![\w’'-])")
NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")
AUXILIARY = re.compile(r"\b(is|are|was|were|can|may|must|should|will|has|have|had|does|do|did)\b")
OPPOSITES = re.compile(
    r"\b(increase[sd]?|before|after|more|less|highest|lowest|largest|smallest|first|last|always|never|above|below|"
    r"north|south|east|west|maximum|minimum|longest|shortest|oldest|youngest|higher|lower|earlier|later)\b"
)
TURNED = dict(
    pair.split("/")
    for pair in """increase/decrease increases/decreases increased/decreased before/after after/before more/less
    less/more highest/lowest lowest/highest largest/smallest smallest/largest first/last last/first always/never
    never/always above/below below/above north/south south/north east/west west/east maximum/minimum minimum/maximum
    longest/shortest shortest/longest oldest/youngest youngest/oldest higher/lower lower/higher earlier/later
    later/earlier""".split()
)
UNITS = {"years": "months", "year": "month", "months": "years", "days": "weeks", "weeks": "days", "hours": "minutes",
         "minutes": "hours", "percent": "degrees", "million": "billion", "billion": "million", "km": "miles",
         "miles": "km", "metres": "feet", "EUR": "USD", "kg": "tonnes"}  # fmt: skip
UNIT = re.compile(rf"(?<=\d )({'|'.join(UNITS)})\b")

Fault = Callable[[str, Sequence[str], random.Random], str | None]


def other_number(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """One number made another one."""
    found = list(NUMBER.finditer(claim))
    if not found:
        return None
    match = chance.choice(found)
    digits = [place for place, sign in enumerate(match.group()) if sign.isdigit()]
    place = chance.choice(digits)
    new = chance.choice([digit for digit in "123456789" if digit != match.group()[place]])
    changed = match.group()[:place] + new + match.group()[place + 1 :]
    return claim[: match.start()] + changed + claim[match.end() :]


def other_unit(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A number's unit made another one."""
    found = UNIT.search(claim)
    return claim[: found.start()] + UNITS[found.group()] + claim[found.end() :] if found else None


def other_name(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A name made one of another text."""
    own = [m for m in NAME.finditer(claim) if m.start() and m.group().lower() in names(claim)]
    foreign = {m.group() for o in others for m in NAME.finditer(o) if m.start()}
    foreign = {name for name in foreign if name.lower() in {n for o in others for n in names(o)}}
    foreign -= {match.group() for match in own}
    if not own or not foreign:
        return None
    match = chance.choice(own)
    return claim[: match.start()] + chance.choice(sorted(foreign)) + claim[match.end() :]


def negated_terms(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """The claim made to deny what it said."""
    found = AUXILIARY.search(claim)
    if not found or any(word.lower() in NEGATIONS for word in claim.split()):
        return None
    return f"{claim[: found.end()]} not{claim[found.end() :]}"


def turned(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A word made its opposite."""
    found = OPPOSITES.search(claim)
    return claim[: found.start()] + TURNED[found.group()] + claim[found.end() :] if found else None


def mixed(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """The beginning of the claim with the end of a sentence from another text."""
    words, other = claim.split(), chance.choice(others).split() if others else []
    if len(words) < 8 or len(other) < 8:
        return None
    return " ".join([*words[: len(words) // 2], *other[len(other) // 2 :]])


def invented(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A whole sentence from another text."""
    return chance.choice(others) if others else None


FAULTS: dict[str, Fault] = {
    "number": other_number,
    "unit": other_unit,
    "name": other_name,
    "denial": negated_terms,
    "opposite": turned,
    "mixed": mixed,
    "invented": invented,
}


def introduced(claim: str) -> str:
    """The claim after words that say nothing of their own."""
    return f"According to the documents, {claim[:1].lower() if claim[1:2].islower() else claim[:1]}{claim[1:]}"


def without_aside(claim: str) -> str | None:
    """The claim without its first remark in brackets or between commas."""
    shorter = re.sub(r" \([^()]*\)|, (?:which|who|where)\b[^,]*(?=,)", "", claim, count=1)
    return shorter if shorter != claim else None


def reordered(claim: str) -> str | None:
    """The part before the first comma put at the end."""
    first, comma, rest = claim.rstrip(".").partition(", ")
    return f"{rest[:1].upper()}{rest[1:]}, {first}." if comma and len(rest.split()) > 3 else None


def contracted(claim: str) -> str | None:
    """`not` and `is` as they are said."""
    shorter = re.sub(r"\b(is|are|was|were|does|do|did|has|have|had|would|should|could) not\b", r"\1n't", claim)
    return shorter if shorter != claim else None


REWORDINGS: dict[str, Callable[[str], str | None]] = {
    "as it stands": lambda claim: claim,
    "introduced": introduced,
    "without an aside": without_aside,
    "reordered": reordered,
    "contracted": contracted,
}
