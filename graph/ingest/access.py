"""The `allowed_groups` of a document: parsing, and merging several of them; pure.

Anything ambiguous raises SourceInvalid: a document is public only if nothing may restrict it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from rapidfuzz.distance import OSA

from ..errors import SourceInvalid
from .document import Metadata

GROUPS = "allowed_groups"
SIMILAR_NAMES = ("allowedgroups", "allowgroup", "groupsallowed")
WORD = re.compile(r"[A-Z]*[^\W\d_A-Z]*")
PATH = re.compile(r"[.:/\[\]]+")
RESTRICTS = {"access", "allow", "allowed", "permitted", "restricted", "visible", "readable", "security"}
WHOM = {"to", "for", "group", "groups", "role", "roles", "team", "teams", "user", "users"}
"""Words that together make the name of a field that says who may read a document."""
MAX_DEPTH = 20
INSTRUCTION = f"write {GROUPS}: [name, ...] at the top level of the fields"


def is_restriction(name: str) -> bool:
    """Whether a field is allowed_groups, ignoring case, spaces, dots and dashes."""
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
    if any(within_edits(letters, known, 2) for known in SIMILAR_NAMES) or ("allowed" in letters and "group" in letters):
        return True
    words = [word.casefold() for word in WORD.findall(name) if word]
    allow = any(within_edits(word, "allowed", 2) or within_edits(word, "allow", 1) for word in words)
    return allow and any(within_edits(word, "group", 1) or within_edits(word, "groups", 1) for word in words)


def within_edits(name: str, known: str, most: int) -> bool:
    """Whether the edit distance of two words is at most `most`; a swap of two letters counts as one edit."""
    return OSA.distance(name, known, score_cutoff=most) <= most


def normalise_restriction(fields: Metadata) -> Metadata:
    """The fields with the restriction, if any, as a list under `allowed_groups`; raises SourceInvalid."""
    for name in [*_doubtful(fields), *filter(_says_who_may_read, fields)]:
        raise SourceInvalid(f"the field {name[:60]!r} may be meant for {GROUPS}; {INSTRUCTION}, or rename the field.")
    names = [name for name in fields if is_restriction(name)]
    groups = [groups_of(fields[name]) for name in names]
    if any(each != groups[0] for each in groups):
        raise SourceInvalid(f"{' and '.join(names)} name different groups; keep one of them.")
    others = {name: value for name, value in fields.items() if name not in names}
    return {**others, GROUPS: groups[0]} if groups else others


def _says_who_may_read(name: str) -> bool:
    """Whether a field is named as other programs name a restriction: `acl`, `access_roles`, `restricted_to`."""
    words = {word.casefold() for part in re.split(r"[\W_]+", name) for word in WORD.findall(part) if word}
    return not is_restriction(name) and (words == {"acl"} or bool(words & RESTRICTS and words & WHOM))


def _doubtful(fields: Metadata) -> Iterator[str]:
    """Names, also nested ones, that resemble the restriction but are not written correctly."""
    stack: list[tuple[dict[str, object] | list[object], int]] = [(fields, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise SourceInvalid(f"the fields are nested too deep; at most {MAX_DEPTH} levels are read.")
        names = map(str, value) if isinstance(value, dict) else ()
        yield from (name for name in names if resembles_restriction(name) and (depth or not is_restriction(name)))
        children = value.values() if isinstance(value, dict) else value
        stack += [(each, depth + 1) for each in children if isinstance(each, dict | list)]


def groups_of(value: object) -> list[str]:
    """Group names from a list, or from text separated by `;` or `,`; raises SourceInvalid."""
    names = re.split(r"[;,]", value) if isinstance(value, str) else value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) or type(name) is int for name in names if value is not None):
        raise SourceInvalid(f"{GROUPS} = {_shown(value)} is not a list of names; write the names of groups as text.")
    groups = sorted({str(name).strip() for name in names if name is not None and str(name).strip()})
    if not groups:
        raise SourceInvalid(
            f"{GROUPS} = {_shown(value)} names no group; name one, or leave it out to make this public."
        )
    return groups


def merge_fields(sources: Iterable[tuple[str, Metadata]]) -> Metadata:
    """Merge the fields of one file from several sources; later ones win. Raises SourceInvalid if the groups differ."""
    merged: Metadata = {}
    first = ""
    for source, fields in sources:
        if GROUPS in fields and fields[GROUPS] != merged.get(GROUPS, fields[GROUPS]):
            raise SourceInvalid(f"{first} and {source} name different groups; make them the same.")
        first = first or (source if GROUPS in fields else "")
        merged |= fields
    return merged


def document_metadata(curated: Metadata, own: Metadata, doubt: str, by_default: Iterable[str]) -> Metadata:
    """The merged metadata of a document, with its groups or the default ones; raises SourceInvalid for a doubt."""
    metadata = narrow_groups(curated, own)
    if doubt and GROUPS not in metadata:
        raise SourceInvalid(doubt)
    groups = sorted(by_default)
    return {GROUPS: groups, **metadata} if groups else metadata


def narrow_groups(curated: Metadata, own: Metadata) -> Metadata:
    """Merge curated metadata with the document's own, which can only narrow its groups; raises SourceInvalid."""
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
