"""The prompt and the reply of the model that decides about the claims of which the rules are unsure; pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from ..errors import ModelFailed

OBJECT = re.compile(r"\{.*\}", re.DOTALL)
MIN_QUOTE_LENGTH = 3
"""The fewest letters and digits of a quote that is accepted."""


@dataclass(frozen=True)
class UncertainClaim:
    """A claim for the model to decide about, and the passages that it cites, counted from 1."""

    claim: str
    cited: tuple[int, ...]


@dataclass(frozen=True)
class ModelDecision:
    """The model's verdict on a claim; `passage` counts from 0, `start` is the offset of the quote in it."""

    verdict: Literal["supported", "contradicted", "not_found"]
    passage: int
    start: int


class _ClaimDecision(BaseModel):
    claim: int
    verdict: Literal["supported", "contradicted", "not_found"]
    passage: int = 0
    quote: str = ""


class _Reply(BaseModel):
    claims: list[_ClaimDecision] = Field(max_length=1000)


def checking_prompt(question: str, claims: Sequence[UncertainClaim]) -> str:
    """The part of the prompt after the passages."""
    lines = [
        f"{number}. {claim.claim}" + (f" (cites {', '.join(map(str, claim.cited))})" if claim.cited else "")
        for number, claim in enumerate(claims, 1)
    ]
    return f"{question}\n\nClaims of the answer to this question:\n" + "\n".join(lines)


def parse_decisions(reply: str, count: int, passages: Sequence[str]) -> list[ModelDecision | None]:
    """One decision for each claim; None where the reply has none, or its quote is not in the passage that it names.

    Raises ModelFailed for a reply that is not JSON of this form.
    """
    match = OBJECT.search(reply)
    try:
        parsed = _Reply.model_validate(json.loads(match.group() if match else reply))
    except (ValueError, ValidationError) as error:
        raise ModelFailed("error", f"the model should reply with JSON and said {reply[:60]!r}") from error
    decisions: list[ModelDecision | None] = [None] * count
    for each in parsed.claims:
        if 1 <= each.claim <= count:
            decisions[each.claim - 1] = _with_quote_found(each, passages)
    return decisions


def _with_quote_found(decision: _ClaimDecision, passages: Sequence[str]) -> ModelDecision | None:
    if decision.verdict == "not_found":
        return ModelDecision("not_found", 0, 0)
    if not 1 <= decision.passage <= len(passages):
        return None
    start = find_quote(decision.quote, passages[decision.passage - 1])
    return None if start is None else ModelDecision(decision.verdict, decision.passage - 1, start)


def find_quote(quote: str, text: str) -> int | None:
    """The offset of a quote in a text; case and white space may differ."""
    if sum(map(str.isalnum, quote)) < MIN_QUOTE_LENGTH:
        return None
    match = re.search(r"\s+".join(map(re.escape, quote.split())), text, re.IGNORECASE)
    return match.start() if match else None
