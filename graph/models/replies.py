"""Reads a model's stream: text, usage, finish reason, and whether it is a reply at all."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.messages import AIMessageChunk

from ..errors import ModelFailed
from ..state import Usage
from ..text.markers import normalise_markers
from .declines import declines, may_be_sentinel
from .failures import message_excerpt

CHARACTERS_PER_TOKEN, MIN_CHARACTERS = 8, 4096
"""The most characters that are read for each allowed token (no language needs more), and at least."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
MAX_TOKEN_COUNT = 2**31
FINISH_REASON_FIELDS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
"""The providers' names of the finish reason."""
LENGTH_REASONS = ("length", "max_tokens", "model_context_window_exceeded")
FILTER_REASONS = (
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


class ReplyReader(Protocol):
    """Converts the pieces of a reply to readable text."""

    declined: bool

    def feed(self, piece: str) -> str: ...

    def close(self) -> str: ...


class TextReader:
    """Passes plain text through."""

    declined = False

    def feed(self, piece: str) -> str:
        return piece

    def close(self) -> str:
        return ""


def max_reply_characters(max_tokens: int) -> int:
    """The most characters of a reply that are read."""
    return max(MIN_CHARACTERS, CHARACTERS_PER_TOKEN * max_tokens)


@dataclass
class StreamedReply:
    """A reply that is being streamed; `name` is the model's, for messages."""

    name: str
    reader: ReplyReader
    usage: Usage
    max_characters: int
    """The most characters that are read."""
    pieces: list[str] = field(default_factory=list)
    """The unprocessed pieces of the reply."""
    text: str = ""
    pending: str = ""
    """The beginning of the text, held back while it may still be the sentinel for no answer."""
    started: bool = False
    length: int = 0
    finish_reason: str = ""
    """The finish reason, empty until there is one."""
    refusal: str = field(default="")
    called_tool: bool = False

    def add(self, chunk: AIMessageChunk) -> str:
        """Add a chunk and return its readable text; raises ModelFailed when a filter stopped the reply."""
        if reported_usage := chunk.usage_metadata:
            self.usage["input_tokens"] += _count(reported_usage["input_tokens"])
            self.usage["output_tokens"] += _count(reported_usage["output_tokens"])
        finish_reason = next(
            (reason for name in FINISH_REASON_FIELDS if (reason := chunk.response_metadata.get(name))),
            self.finish_reason,
        )
        self.finish_reason = "length" if str(finish_reason).lower() in LENGTH_REASONS else str(finish_reason).lower()
        self.refusal += str(chunk.additional_kwargs.get("refusal") or "")
        self.called_tool = self.called_tool or bool(chunk.tool_call_chunks)
        if self.finish_reason in FILTER_REASONS:
            raise ModelFailed("content_policy", f"The content filter of {self.name} stopped the reply.")
        piece = str(chunk.text)[: self.max_characters - self.length]
        self.length += len(piece)
        self.pieces.append(piece)
        if self.is_full:
            self.finish_reason = "length"
        return self._emit(self.reader.feed(self._readable(piece)))

    @property
    def is_full(self) -> bool:
        """Whether the reply is longer than allowed: the endpoint ignores max_tokens."""
        return self.length >= self.max_characters

    def close(self) -> str:
        """Return the remaining text; raises ModelFailed when there is no usable reply."""
        rest = self._emit(self.reader.close(), last=True)
        if self.finish_reason == "length":
            self.usage["unfinished"] = True
        if self.refusal:
            raise ModelFailed("content_policy", f"{self.name} refused: {message_excerpt(self.refusal)}")
        if self.finish_reason == "error":
            raise ModelFailed("error", f"{self.name} ended the reply with an error.", transient=True)
        if self.reader.declined or declines(normalise_markers(self.text, 99)):
            raise ModelFailed("no_evidence", f"{self.name} found no answer in the passages.")
        if not self.text.strip():
            raise self._empty()
        return rest

    def _readable(self, piece: str) -> str:
        """Replace control characters; raises ModelFailed for invalid Unicode."""
        try:
            piece.encode()
        except UnicodeEncodeError:
            raise ModelFailed("error", f"{self.name} wrote half a surrogate pair.", transient=True) from None
        return CONTROL.sub(" ", piece)

    def _emit(self, piece: str, *, last: bool = False) -> str:
        """The text that can be shown by now; the sentinel is never shown."""
        self.text += piece
        if self.started:
            return piece
        self.pending += piece
        if may_be_sentinel(self.pending) and not last:
            return ""
        self.started = True
        return self.pending

    def _empty(self) -> ModelFailed:
        if self.finish_reason == "length":
            detail = f"{self.name} used up max_tokens before it wrote anything; raise generation.max_tokens."
            return ModelFailed("error", detail)
        if self.called_tool:
            return ModelFailed("error", f"{self.name} called a tool where text was asked for.")
        return ModelFailed("error", f"{self.name} gave an empty reply.", transient=True)


def _count(tokens: object) -> int:
    """The reported number of tokens, or 0 for an invalid one."""
    return tokens if isinstance(tokens, int) and 0 <= tokens < MAX_TOKEN_COUNT else 0
