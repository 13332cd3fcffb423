"""What a model's stream says beside its text: usage, why it ended, and whether that is a reply at all."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.messages import AIMessageChunk

from ..errors import ModelFailed
from ..state import Usage
from .declines import declines, may_be_sentinel
from .failures import told_safely
from .markers import normalise_markers

PER_TOKEN, LEAST = 8, 4096
"""Characters that are heard for each token that a reply may have, which no language needs, and in any case."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
COUNTABLE = 2**31
WHY = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""Under which names providers say why a reply ended."""
FULL = ("length", "max_tokens", "model_context_window_exceeded")
FILTERED = (
    "content_filter",
    "content_filtered",
    "guardrail_intervened",
    "refusal",
    "safety",
    "prohibited_content",
    "blocklist",
    "spii",
    "recitation",
)


class Reader(Protocol):
    """Turns the pieces of a reply into readable text."""

    declined: bool

    def feed(self, piece: str) -> str: ...

    def close(self) -> str: ...


class TextReader:
    """Running text, given as it comes."""

    declined = False

    def feed(self, piece: str) -> str:
        return piece

    def close(self) -> str:
        return ""


def most_characters(max_tokens: int) -> int:
    """How much of a reply is heard."""
    return max(LEAST, PER_TOKEN * max_tokens)


@dataclass
class Reply:
    """A reply as it comes; `name` is the model's, for messages."""

    name: str
    reader: Reader
    usage: Usage
    most: int
    """Characters after which no more is heard."""
    said: list[str] = field(default_factory=list)
    """What the model said, piece by piece and before anything was made of it."""
    text: str = ""
    held: str = ""
    """The beginning of the text, for as long as it may turn out to say that there is no answer."""
    begun: bool = False
    heard: int = 0
    ended: str = ""
    """The finish reason, empty until there is one."""
    refusal: str = field(default="")
    tools: bool = False

    def hear(self, chunk: AIMessageChunk) -> str:
        """Take note of a chunk, and give what can be read of it; raises ModelFailed when a filter stopped the reply."""
        if reported := chunk.usage_metadata:
            self.usage["input_tokens"] += _count(reported["input_tokens"])
            self.usage["output_tokens"] += _count(reported["output_tokens"])
        told = next((reason for name in WHY if (reason := chunk.response_metadata.get(name))), self.ended)
        self.ended = "length" if str(told).lower() in FULL else str(told).lower()
        self.refusal += str(chunk.additional_kwargs.get("refusal") or "")
        self.tools = self.tools or bool(chunk.tool_call_chunks)
        if self.ended in FILTERED:
            raise ModelFailed("content_policy", f"The content filter of {self.name} stopped the reply.")
        piece = str(chunk.text)[: self.most - self.heard]
        self.heard += len(piece)
        self.said.append(piece)
        if self.is_full:
            self.ended = "length"
        return self._say(self.reader.feed(self._readable(piece)))

    @property
    def is_full(self) -> bool:
        """Whether more was said than is heard: the endpoint does not keep to max_tokens."""
        return self.heard >= self.most

    def close(self) -> str:
        """What is left to give; raises ModelFailed when the whole is no reply."""
        rest = self._say(self.reader.close(), last=True)
        if self.ended == "length":
            self.usage["unfinished"] = True
        if self.refusal:
            raise ModelFailed("content_policy", f"{self.name} refused: {told_safely(self.refusal)}")
        if self.ended == "error":
            raise ModelFailed("error", f"{self.name} ended the reply with an error.", transient=True)
        if self.reader.declined or declines(normalise_markers(self.text, 99)):
            raise ModelFailed("no_evidence", f"{self.name} found no answer in the passages.")
        if not self.text.strip():
            raise self._empty()
        return rest

    def _readable(self, piece: str) -> str:
        """Without control characters; raises ModelFailed for what is no Unicode text."""
        try:
            piece.encode()
        except UnicodeEncodeError:
            raise ModelFailed("error", f"{self.name} wrote half a surrogate pair.", transient=True) from None
        return CONTROL.sub(" ", piece)

    def _say(self, piece: str, *, last: bool = False) -> str:
        """What can be told of the text by now; nobody is shown the sentinel."""
        self.text += piece
        if self.begun:
            return piece
        self.held += piece
        if may_be_sentinel(self.held) and not last:
            return ""
        self.begun = True
        return self.held

    def _empty(self) -> ModelFailed:
        if self.ended == "length":
            detail = f"{self.name} used up max_tokens before it wrote anything; raise generation.max_tokens."
            return ModelFailed("error", detail)
        if self.tools:
            return ModelFailed("error", f"{self.name} called a tool where text was asked for.")
        return ModelFailed("error", f"{self.name} gave an empty reply.", transient=True)


def _count(tokens: object) -> int:
    """Tokens that an endpoint reports, or 0 for what is no count."""
    return tokens if isinstance(tokens, int) and 0 <= tokens < COUNTABLE else 0
