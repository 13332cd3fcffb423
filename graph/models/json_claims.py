"""Parses a JSON reply while it is streamed, and returns it as text with [n] markers."""

import re

import jiter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .writers import STOPS

FENCE = re.compile(r"\A\s*```(?:json)?\s*|\s*```\s*\Z")
FENCE_START = re.compile(r"\A\s*`{1,3}(?:j(?:s(?:on?)?)?)?\s*\Z")


class JsonClaim(BaseModel):
    """A sentence and the numbers of the passages that support it."""

    model_config = ConfigDict(extra="forbid")

    text: str
    passages: list[int]


class JsonReply(BaseModel):
    """A whole reply; no claims, or not `answerable`: the passages do not contain the answer."""

    model_config = ConfigDict(extra="forbid")

    answerable: bool = True
    claims: list[JsonClaim] = Field(max_length=50)


RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "claims",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": ["answerable", "claims"],
            "properties": {
                "answerable": {"type": "boolean"},
                "claims": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["text", "passages"],
                        "properties": {
                            "text": {"type": "string"},
                            "passages": {"type": "array", "items": {"type": "integer"}},
                        },
                    },
                },
            },
        },
    },
}
"""Written out, because OpenAI's strict mode allows neither bounds nor defaults."""


class ClaimsReader:
    """Returns the new text for each piece of a reply; a reply that is not JSON is passed through.

    `declined`: the reply has no claims, or says that the passages do not answer the question.
    """

    def __init__(self) -> None:
        self._received = self._emitted = ""
        self._is_text = self.declined = False

    def feed(self, piece: str) -> str:
        self._received += piece
        body = FENCE.sub("", self._received)
        if self._is_text:
            return piece
        first = body.lstrip()[:1]
        if first and first != "{" and not FENCE_START.match(self._received):
            self._is_text = True
            return self._received
        return self._new(_as_text(_partial_claims(body), whole=False))

    def close(self) -> str:
        """The remaining text at the end of the reply."""
        if self._is_text:
            return ""
        try:
            reply = JsonReply.model_validate_json(FENCE.sub("", self._received))
        except ValidationError:
            # Claims that were returned already stay; a reply without any is plain text.
            return "" if self._emitted else self._received
        self.declined = not (reply.claims and reply.answerable)
        return self._new(_as_text([(claim.text, claim.passages) for claim in reply.claims], whole=True))

    def _new(self, text: str) -> str:
        if not text.startswith(self._emitted):
            return ""
        new, self._emitted = text[len(self._emitted) :], text
        return new


def _partial_claims(body: str) -> list[tuple[str, list[int]]]:
    """The claims of incomplete JSON."""
    try:
        value = jiter.from_json(body.encode(), partial_mode="trailing-strings")
    except ValueError:
        return []
    items = value.get("claims") if isinstance(value, dict) else None
    claims = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [(text, _integers(item.get("passages"))) for item in claims if isinstance(text := item.get("text"), str)]


def _integers(value: object) -> list[int]:
    return [number for number in value if isinstance(number, int)] if isinstance(value, list) else []


def _as_text(claims: list[tuple[str, list[int]]], *, whole: bool) -> str:
    """The claims as text; the last one has no full stop and no markers before the reply is complete."""
    parts = []
    for index, (text, passages) in enumerate(claims):
        complete = whole or index < len(claims) - 1
        stop = "" if not complete or text.strip().endswith(STOPS) else "."
        markers = "".join(f"[{number}]" for number in passages) if complete else ""
        parts.append(f"{text.strip()}{stop} {markers}".strip())
    return " ".join(part for part in parts if part)
