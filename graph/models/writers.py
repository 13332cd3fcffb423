"""Who writes replies: the extractive writer, and any chat model behind one prompt."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from ..backend import Brief, Judge, Writer
from ..errors import ModelFailed
from ..release import Release
from ..settings import Settings
from ..state import Usage
from . import prompt as shaping
from .breaker import EndpointBreaker, breaker_of
from .json_claims import ClaimsReader
from .replies import Reply, TextReader, most_characters

if TYPE_CHECKING:
    from .chat import Chat

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
            # What begins with a small letter would be taken to go on with the sentence before it.
            apart = "" if not number else "\n\n" if quote["text"][:1].islower() else " "
            yield f"{apart}{quote['text']}{stop} [{quote['passage'] + 1}]"


class ChatWriter:
    """Asks a chat model with the release's prompt and as many numbered passages as its context window holds.

    `count` counts tokens as the model does, or more; `window` is what the model takes where its maker is us.
    """

    def __init__(
        self,
        chat: "Chat",
        release: Release,
        breaker: EndpointBreaker,
        *,
        count: shaping.Count = shaping.estimate,
        window: int | None = None,
    ) -> None:
        self.name, self.breaker = chat.name, breaker
        self._chat, self._release, self._count, self._window = chat, release, count, window

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        in_json = brief.terms.format == "json"
        prompt = self._release.prompts.claims if in_json else self._release.prompts.answer
        question, shaped = await asyncio.to_thread(self._shape, brief, prompt)
        _note(usage, self.name, shaped)
        most = most_characters(self._release.generation.max_tokens)
        reply = Reply(self.name, ClaimsReader() if in_json else TextReader(), usage, most, brief.said)
        messages = _messages(prompt, shaped.texts, question)
        async with aclosing(self._chat.stream(messages, structured=in_json)) as chunks:
            async for chunk in chunks:
                if piece := reply.hear(chunk):
                    yield piece
                if reply.is_full:
                    break
                # Chunks that have arrived together would otherwise be read without a pause for anybody else.
                await asyncio.sleep(0)
        if self._chat.says_why and not reply.ended:
            raise ModelFailed("error", f"The reply of {self.name} broke off.", transient=True)
        if rest := reply.close():
            yield rest

    def _shape(self, brief: Brief, prompt: str) -> tuple[str, shaping.Shaped]:
        """The question and the passages as they are sent."""
        window = min(brief.terms.context_window, self._window or brief.terms.context_window)
        left = window - self._release.generation.max_tokens - self._count(prompt) - FRAME_TOKENS
        question = shaping.shorten(brief.question, left // 2, self._count)
        room = left - self._count(question)
        shaped = shaping.fit(brief.passages, room, self._count, brief.share)
        if brief.passages and not shaped.texts:
            detail = f"{self.name} has {max(0, room)} tokens of {window} for passages, and not one sentence fits."
            raise ModelFailed("context_window", detail)
        return question, shaped


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
    from .claim_judge import WriterJudge, as_judge

    own = as_judge(release)
    return WriterJudge(_open(release.judge, settings, own), own.generation.terms("simple"))


def _open(name: str, settings: Settings, release: Release) -> Writer:
    # The clients of OpenAI take most of a second to import, and who quotes needs none.
    from .chat import Chat, open_chat

    kind, _, rest = name.partition(":")
    match kind:
        case "llama":
            from .llama import open_llama

            chat, count, window = open_llama(name, settings, release.generation)
            breaker = breaker_of(name, "", release.breaker)
            return ChatWriter(chat, release, breaker, count=count, window=window)
        case "scripted":
            from .scripted import ScriptedModel

            script = ScriptedModel.load(rest)
            return ChatWriter(Chat(name, lambda: script), release, breaker_of(name, "", release.breaker))
        case _:
            where = settings.model_url or "" if kind == "openai" else ""
            return ChatWriter(
                open_chat(name, settings, release.generation), release, breaker_of(name, where, release.breaker)
            )
