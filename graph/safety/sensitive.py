"""Masks sensitive data in texts, and withholds it from callers by the policy of their roles; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

from .recognisers import KINDS, Kind, find

Action = Literal["allow", "mask", "block"]
ACTIONS: tuple[Action, ...] = ("allow", "mask", "block")
"""From the most to the least lenient."""
NAMES = frozenset(
    """action caller document event file passage release request_id reason route rung seq session_id snapshot status
    verdict version""".split()
)


def mask(text: str, kinds: Iterable[Kind] = KINDS) -> str:
    """The text with `<EMAIL_ADDRESS>` and the like in the place of what is sensitive."""
    for kind, start, end in reversed(find(text, kinds)):
        text = f"{text[:start]}<{kind}>{text[end:]}"
    return text


def mask_value(value: Any, kinds: Sequence[Kind] = KINDS, names: frozenset[str] = NAMES) -> Any:
    """A JSON value with every text in it masked, but for the fields that name documents and releases."""
    match value:
        case str():
            return mask(value, kinds)
        case dict():
            return {name: each if name in names else mask_value(each, kinds, names) for name, each in value.items()}
        case list() | tuple():
            return [mask_value(each, kinds, names) for each in value]
        case _:
            return value


Actions = Mapping[Kind | Literal["*"], Action]
PROTECTED: Actions = {
    "CREDIT_CARD": "mask",
    "IBAN_CODE": "mask",
    "SECRET": "mask",
    "US_DRIVER_LICENSE": "mask",
    "US_SSN": "mask",
}
"""What nobody sees in answers unless WARRANT_SENSITIVE names the type."""
WITHHELD = "The answer is withheld: it holds data that you may not see ({})."
EMPTY = ("citations", "nearest", "repairs", "conflicts", "parts", "unanswered", "missing")
"""What of a withheld answer is left out."""


@dataclass(frozen=True)
class Policy:
    """What happens to each type in the answers of a caller; `*` is for the types that are not named."""

    actions: Actions = field(default_factory=dict)

    def of(self, kind: Kind) -> Action:
        return self.actions.get(kind, self.actions.get("*", "allow"))

    @cached_property
    def masked(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if self.of(kind) == "mask")

    @cached_property
    def blocked(self) -> tuple[Kind, ...]:
        return tuple(kind for kind in KINDS if self.of(kind) == "block")

    def blocked_in(self, text: str) -> list[Kind]:
        """The types in a text for which the answer is withheld."""
        return sorted({finding.kind for finding in find(text, self.blocked)}) if self.blocked else []

    def apply(self, public: dict[str, Any]) -> dict[str, Any]:
        """An answer or citation as the caller may see it."""
        blocked = self.blocked_in("\n".join(_texts(public))) if self.blocked else []
        if blocked:
            withheld = {**public, **{name: [] for name in EMPTY}, "text": WITHHELD.format(", ".join(blocked))}
            return {
                **withheld,
                "status": "declined",
                "reason": "sensitive_data",
                "asked": mask(public.get("asked", "")),
            }
        masked: dict[str, Any] = mask_value(public, self.masked) if self.masked else public
        return masked

    def blot(self, text: str) -> str:
        """A passage of a document with as many blots as letters where it may not be seen, so that offsets stay."""
        for _, start, end in find(text, (*self.masked, *self.blocked)):
            text = text[:start] + BLOT * (end - start) + text[end:]
        return text


def most_lenient(policies: Iterable[Policy]) -> Policy:
    """The policy of a caller with several roles."""
    several = list(policies)
    actions = {kind: min((each.of(kind) for each in several), key=ACTIONS.index, default="allow") for kind in KINDS}
    return Policy(cast(Actions, actions))


def _texts(value: Any) -> list[str]:
    """Every text in a JSON value."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
        case _:
            return []


def policy_of(roles: Iterable[str], named: Mapping[Any, Actions]) -> Policy:
    """What a caller with some roles sees: of several roles the most lenient counts, `*` where none is named."""
    own = [named[role] for role in roles if role in named] or [named.get("*", PROTECTED)]
    return most_lenient(Policy(each if "*" in each else {**PROTECTED, **each}) for each in own)


BLOT = "█"
SENTENCE_END = re.compile(r"[.!?][\"'”’)]*\s|\n\n")
MAY_BEGIN = r"(?<!\S)(?!(?:\[\d+\])+[.,]?(?:\s|$))\S*[\d@]|-----|(?i:\b(?:passw|pwd|secret|api|access|bearer))"
NAME_MAY_BEGIN = (
    r"|(?i:\b(?:mrs?|ms|miss|dr|prof|herr|frau|mme|sra?|sig|my name|name|ich hei|p\.? ?o|psc)\b)|\b[^\W\d_a-z]"
)
"""What a finding may begin with, and one that has names; a marker such as [1] is none."""
CONTEXT = 80
"""Characters before a finding that may say what it is."""
MOST_HELD = 4000


class MaskedStream:
    """Masks a text that comes in pieces: what may be part of a finding is held back until its sentence has ended."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds, self._context, self._held = kinds, "", ""
        named = {"PERSON", "STREET_ADDRESS"} & set(kinds)
        self._may_begin = re.compile(MAY_BEGIN + NAME_MAY_BEGIN if named else MAY_BEGIN)

    def add(self, piece: str) -> str:
        """What may be said now."""
        if not self._kinds:
            return piece
        self._held += piece
        return self._take(self._safe())

    def rest(self) -> str:
        """What is held back, once the text has ended."""
        return self._take(len(self._held))

    def _safe(self) -> int:
        """How much of what is held has no finding that may go on."""
        ends = [match.end() for match in SENTENCE_END.finditer(self._held)]
        if "private key-----" in self._held.lower() or not ends:
            ends = [0] if len(self._held) < MOST_HELD else [len(self._held)]
        begins = self._may_begin.search(self._held, ends[-1])
        last_word = max(self._held.rfind(" "), self._held.rfind("\n")) + 1
        return max(ends[-1], min(begins.start() if begins else len(self._held), last_word))

    def _take(self, end: int) -> str:
        said, self._held = self._held[:end], self._held[end:]
        whole, start = self._context + said, len(self._context)
        text = ""
        for kind, first, last in find(whole, self._kinds) if said else ():
            if first >= start:
                text += f"{whole[start:first]}<{kind}>"
                start = last
        self._context = whole[-CONTEXT:]
        return text + whole[start:]
