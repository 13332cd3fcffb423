"""Who writes replies: the extractive writer, and any chat model behind one prompt."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from ..errors import ModelFailed
from ..release import Release
from ..settings import Settings
from ..state import Usage
from ..writing import shaping
from . import Brief, Judge, Writer
from .breaker import EndpointBreaker, breaker_of
from .claims import ClaimsReader
from .replies import Reply, TextReader, most_characters
from .tokens import estimate

STOPS = (".", "!", "?", "…", "。", "！", "？")
FRAME_TOKENS = 32
"""What a chat template adds to two messages."""


class ExtractiveWriter:
    """Says what is quoted; needs no model and never makes anything up."""

    name = "extractive"

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        if not brief.quotes:
            raise ModelFailed("no_evidence", "No sentence of the passages answers the question.")
        for number, quote in enumerate(brief.quotes):
            # A table row or list item has no full stop of its own, and without one two of them would be one claim.
            stop = "" if quote["text"].endswith(STOPS) else "."
            yield f"{' ' if number else ''}{quote['text']}{stop} [{quote['passage'] + 1}]"


class ChatWriter:
    """Asks a chat model with the release's prompt and as many numbered passages as its context window holds.

    `count` counts tokens as the model does, or more; `window` is what the model takes where its maker is us.
    """

    ends_with_a_reason = False
    """Whether the end of a stream has a finish reason, so that one without was cut off."""

    def __init__(
        self,
        name: str,
        model: BaseChatModel,
        release: Release,
        breaker: EndpointBreaker,
        *,
        count: shaping.Count = estimate,
        window: int | None = None,
    ) -> None:
        self.name, self.breaker = name, breaker
        self._model, self._release, self._count, self._window = model, release, count, window

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        in_json = brief.terms.format == "json"
        prompt = self._release.prompts.claims if in_json else self._release.prompts.answer
        shaped = await asyncio.to_thread(self._shape, brief, prompt)
        _note(usage, self.name, shaped)
        most = most_characters(self._release.generation.max_tokens)
        reply = Reply(self.name, ClaimsReader() if in_json else TextReader(), usage, most)
        messages = _messages(prompt, shaped.texts, brief.question)
        async with aclosing(self._chunks(messages, brief)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                if piece := reply.hear(chunk):
                    yield piece
                if reply.is_full:
                    break
                # Chunks that have arrived together would otherwise be read without a pause for anybody else.
                await asyncio.sleep(0)
        if self.ends_with_a_reason and not reply.ended:
            raise ModelFailed("error", f"The reply of {self.name} broke off.", transient=True)
        if rest := reply.close():
            yield rest

    def _chunks(self, messages: list[BaseMessage], brief: Brief) -> AsyncIterator[AIMessageChunk]:
        """The model's stream."""
        return self._model.astream(messages, **self._options(brief))

    def _options(self, brief: Brief) -> dict[str, Any]:
        """What a call is asked with beside the messages."""
        return {}

    def _shape(self, brief: Brief, prompt: str) -> shaping.Shaped:
        window = min(brief.terms.context_window, self._window or brief.terms.context_window)
        frame = self._count(prompt) + self._count(brief.question) + FRAME_TOKENS
        room = window - self._release.generation.max_tokens - frame
        shaped = shaping.fit(brief.passages, room, self._count, brief.share)
        if brief.passages and not shaped.texts:
            detail = f"{self.name} has {max(0, room)} tokens of {window} for passages, and not one sentence fits."
            raise ModelFailed("context_window", detail)
        return shaped


def _messages(prompt: str, passages: list[str], question: str) -> list[BaseMessage]:
    told = "\n\n".join(passages)
    return [SystemMessage(prompt), HumanMessage(f"Passages:\n\n{told}\n\nQuestion: {question}")]


def _note(usage: Usage, name: str, shaped: shaping.Shaped) -> None:
    """What a call begins with."""
    usage["model"] = name
    usage["calls"] += 1
    if shaped.left_out:
        usage["left_out"] = shaped.left_out
    if shaped.shortened:
        usage["shortened"] = shaped.shortened


def open_writers(settings: Settings, release: Release) -> Mapping[str, Writer]:
    """The writers that the Release names, and the extractive one, which is always at hand."""
    names = {release.models.simple, release.models.complex, release.models.backup} - {"extractive"}
    writers: dict[str, Writer] = {"extractive": ExtractiveWriter()}
    return writers | {name: _open(name, settings, release) for name in sorted(names)}


def open_judge(settings: Settings, release: Release) -> Judge | None:
    """The judge that the Release names, if it names one."""
    if release.judge is None:
        return None
    from .judge import WriterJudge, as_judge

    own = as_judge(release)
    return WriterJudge(_open(release.judge, settings, own), own.generation.terms("simple"))


def _open(name: str, settings: Settings, release: Release) -> Writer:
    kind, _, model = name.partition(":")
    match kind:
        case "openai":
            from .openai import OpenAIWriter, openai_model

            breaker = breaker_of(name, settings.model_url, release.breaker)
            return OpenAIWriter(name, openai_model(model, settings, release.generation), release, breaker)
        case "llama":
            from .llama import open_llama

            return open_llama(name, model, release)
        case _:
            from .scripted import ScriptedModel

            return ChatWriter(name, ScriptedModel.load(model), release, breaker_of(name, "", release.breaker))
