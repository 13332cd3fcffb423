"""The restriction of a document to groups: how it is written, and what several come to; pure.

Everything that leaves a doubt raises SourceInvalid: a document is public only when nothing may restrict it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from rapidfuzz.distance import OSA

from ..errors import SourceInvalid
from .document import Metadata

GROUPS = "allowed_groups"
SIMILAR = ("allowedgroups", "allowgroup", "groupsallowed")
WORD = re.compile(r"[A-Z]*[^\W\d_A-Z]*")
PATH = re.compile(r"[.:/\[\]]+")
DEEPEST = 20
HOW = f"write {GROUPS}: [name, ...] at the top level of the fields"


def is_restriction(name: str) -> bool:
    """Whether a field's name can only mean the restriction: allowed_groups, but for case, blanks, dots and dashes."""
    return _letters(name) == "allowedgroups"


def resembles_restriction(name: str) -> bool:
    """Whether a field's name is, or may be meant for, allowed_groups."""
    return any(_close(part) for part in {name, *PATH.split(name)} if part)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _close(name: str) -> bool:
    letters = _letters(name)
    if len(letters) < len("allowgroup") - 2:
        return False
    if any(alike(letters, known, 2) for known in SIMILAR) or ("allowed" in letters and "group" in letters):
        return True
    words = [word.casefold() for word in WORD.findall(name) if word]
    allow = any(alike(word, "allowed", 2) or alike(word, "allow", 1) for word in words)
    return allow and any(alike(word, "group", 1) or alike(word, "groups", 1) for word in words)


def alike(name: str, known: str, most: int) -> bool:
    """Whether two words are so many letters apart at most; two that changed places count as one."""
    return OSA.distance(name, known, score_cutoff=most) <= most


def settled(fields: Metadata) -> Metadata:
    """The fields with their restriction, if any, as a list of groups under its own name; raises SourceInvalid."""
    for name in _doubtful(fields):
        raise SourceInvalid(f"the field {name[:60]!r} may be meant for {GROUPS}; {HOW}, or rename the field.")
    written = [name for name in fields if is_restriction(name)]
    groups = [groups_of(fields[name]) for name in written]
    if any(each != groups[0] for each in groups):
        raise SourceInvalid(f"{' and '.join(written)} name different groups; keep one of them.")
    others = {name: value for name, value in fields.items() if name not in written}
    return {**others, GROUPS: groups[0]} if groups else others


def _doubtful(fields: Metadata) -> Iterator[str]:
    """Names, nested ones too, that may be meant for the restriction and are not written as it."""
    waiting: list[tuple[dict[str, object] | list[object], int]] = [(fields, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise SourceInvalid(f"the fields are nested too deep; at most {DEEPEST} levels are read.")
        names = map(str, value) if isinstance(value, dict) else ()
        yield from (name for name in names if resembles_restriction(name) and (depth or not is_restriction(name)))
        inner = value.values() if isinstance(value, dict) else value
        waiting += [(each, depth + 1) for each in inner if isinstance(each, dict | list)]


def groups_of(value: object) -> list[str]:
    """A list of group names from a list or from text with `;` or `,` between them; raises SourceInvalid."""
    names = re.split(r"[;,]", value) if isinstance(value, str) else value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) or type(name) is int for name in names if value is not None):
        raise SourceInvalid(f"{GROUPS} = {_shown(value)} is not a list of names; write the names of groups as text.")
    groups = sorted({str(name).strip() for name in names if name is not None and str(name).strip()})
    if not groups:
        raise SourceInvalid(
            f"{GROUPS} = {_shown(value)} names no group; name one, or leave it out to make this public."
        )
    return groups


def agreed(places: Iterable[tuple[str, Metadata]]) -> Metadata:
    """What several places say of one file, the last one first; raises SourceInvalid if their groups differ."""
    merged: Metadata = {}
    first = ""
    for place, fields in places:
        if GROUPS in fields and fields[GROUPS] != merged.get(GROUPS, fields[GROUPS]):
            raise SourceInvalid(f"{first} and {place} name different groups; make them the same.")
        first = first or (place if GROUPS in fields else "")
        merged |= fields
    return merged


def allowed(curated: Metadata, own: Metadata, doubt: str, by_default: Iterable[str]) -> Metadata:
    """All that is said of a document, with its groups or the default ones; raises SourceInvalid for a doubt."""
    metadata = narrowed(curated, own)
    if doubt and GROUPS not in metadata:
        raise SourceInvalid(doubt)
    groups = sorted(by_default)
    return {GROUPS: groups, **metadata} if groups else metadata


def narrowed(curated: Metadata, own: Metadata) -> Metadata:
    """What is said of a document and what it says itself, which can only narrow its groups; raises SourceInvalid."""
    merged = {**curated, **own}
    if GROUPS in curated and GROUPS in own:
        merged[GROUPS] = [group for group in own[GROUPS] if group in curated[GROUPS]]
        if not merged[GROUPS]:
            raise SourceInvalid(
                f"it names the groups {_shown(own[GROUPS])}, its manifest or sidecar {_shown(curated[GROUPS])}: "
                "no group is in both. A document can only narrow what those allow."
            )
    return merged


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
