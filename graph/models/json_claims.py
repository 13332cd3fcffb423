"""Reads a reply in JSON as it comes, and gives it as running text with [n] markers, so that a stream stays readable."""

import re

import jiter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

STOPS = (".", "!", "?", "…", "。", "！", "？")
FENCE = re.compile(r"\A\s*```(?:json)?\s*|\s*```\s*\Z")
BEGINS_FENCE = re.compile(r"\A\s*`{1,3}(?:j(?:s(?:on?)?)?)?\s*\Z")


class Claim(BaseModel):
    """A sentence and the numbers of the passages that it comes from."""

    model_config = ConfigDict(extra="forbid")

    text: str
    passages: list[int]


class Claims(BaseModel):
    """A whole reply; no claims, or not answerable: the passages do not hold the answer."""

    model_config = ConfigDict(extra="forbid")

    answerable: bool = True
    claims: list[Claim] = Field(max_length=50)


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
"""OpenAI's strict mode takes neither bounds nor defaults, so the schema is written out."""


class ClaimsReader:
    """Fed with the pieces of a reply, gives what of its text is new; what is no such JSON is given as it is.

    `declined`: the reply has no claims, or says that the question is not answerable from the passages.
    """

    def __init__(self) -> None:
        self._heard = self._given = ""
        self._plain = self.declined = False

    def feed(self, piece: str) -> str:
        self._heard += piece
        body = FENCE.sub("", self._heard)
        if self._plain:
            return piece
        begins = body.lstrip()[:1]
        if begins and begins != "{" and not BEGINS_FENCE.match(self._heard):
            self._plain = True
            return self._heard
        return self._new(_written(_partial(body), whole=False))

    def close(self) -> str:
        """What is left to give when the reply has ended."""
        if self._plain:
            return ""
        try:
            reply = Claims.model_validate_json(FENCE.sub("", self._heard))
        except ValidationError:
            # Claims that were given already stay; a reply without any is read as text.
            return "" if self._given else self._heard
        self.declined = not (reply.claims and reply.answerable)
        return self._new(_written([(claim.text, claim.passages) for claim in reply.claims], whole=True))

    def _new(self, text: str) -> str:
        if not text.startswith(self._given):
            return ""
        new, self._given = text[len(self._given) :], text
        return new


def _partial(body: str) -> list[tuple[str, list[int]]]:
    """The claims of JSON that is still being written, as far as they can be read."""
    try:
        value = jiter.from_json(body.encode(), partial_mode="trailing-strings")
    except ValueError:
        return []
    items = value.get("claims") if isinstance(value, dict) else None
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [(text, _integers(item.get("passages"))) for item in found if isinstance(text := item.get("text"), str)]


def _integers(value: object) -> list[int]:
    return [number for number in value if isinstance(number, int)] if isinstance(value, list) else []


def _written(claims: list[tuple[str, list[int]]], *, whole: bool) -> str:
    """Running text; the last claim has no stop and no markers before the reply is whole."""
    parts = []
    for index, (text, passages) in enumerate(claims):
        done = whole or index < len(claims) - 1
        stop = "" if not done or text.strip().endswith(STOPS) else "."
        told = "".join(f"[{number}]" for number in passages) if done else ""
        parts.append(f"{text.strip()}{stop} {told}".strip())
    return " ".join(part for part in parts if part)
