"""The one call in which a model decides about all claims of an answer that the rules are unsure of; pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from ..errors import ModelFailed

OBJECT = re.compile(r"\{.*\}", re.DOTALL)
LEAST_QUOTE = 3
"""Letters and digits that a quote must have to decide anything."""


@dataclass(frozen=True)
class Doubt:
    """A claim to decide about, and the passages that it cites, counted from 1."""

    claim: str
    cited: tuple[int, ...]


@dataclass(frozen=True)
class Decision:
    """What a model decided about a claim; `passage` counts from 0, `start` is where its quote stands there."""

    verdict: Literal["supported", "contradicted", "not_found"]
    passage: int
    start: int


class _Told(BaseModel):
    claim: int
    verdict: Literal["supported", "contradicted", "not_found"]
    passage: int = 0
    quote: str = ""


class _Reply(BaseModel):
    claims: list[_Told] = Field(max_length=1000)


def request(question: str, doubts: Sequence[Doubt]) -> str:
    """What stands behind the passages in the call."""
    told = [
        f"{number}. {doubt.claim}" + (f" (cites {', '.join(map(str, doubt.cited))})" if doubt.cited else "")
        for number, doubt in enumerate(doubts, 1)
    ]
    return f"{question}\n\nClaims of the answer to this question:\n" + "\n".join(told)


def decisions(reply: str, count: int, passages: Sequence[str]) -> list[Decision | None]:
    """The decision about each claim; None where the reply has none, or one whose quote is not in the passage it names.

    `not_found` has nothing to quote. Raises ModelFailed for a reply that is no such JSON.
    """
    match = OBJECT.search(reply)
    try:
        told = _Reply.model_validate(json.loads(match.group() if match else reply))
    except (ValueError, ValidationError) as error:
        raise ModelFailed("error", f"the model should reply with JSON and said {reply[:60]!r}") from error
    found: list[Decision | None] = [None] * count
    for each in told.claims:
        if 1 <= each.claim <= count:
            found[each.claim - 1] = _checked(each, passages)
    return found


def _checked(told: _Told, passages: Sequence[str]) -> Decision | None:
    if told.verdict == "not_found":
        return Decision("not_found", 0, 0)
    if not 1 <= told.passage <= len(passages):
        return None
    start = place_of(told.quote, passages[told.passage - 1])
    return None if start is None else Decision(told.verdict, told.passage - 1, start)


def place_of(quote: str, text: str) -> int | None:
    """Where a quote stands in a text, whatever the blanks between its words."""
    words = quote.split()
    if sum(map(str.isalnum, quote)) < LEAST_QUOTE:
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE)
    return match.start() if match else None
