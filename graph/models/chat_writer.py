"""Writes replies with a chat model, and asks one about claims of which the rules are unsure."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import cache

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from ..backend import Brief
from ..errors import ModelFailed
from ..release import Release, Roles, Terms
from ..settings import Settings
from ..state import Passage, Usage, no_usage
from . import prompt as shaping
from .breaker import EndpointBreaker, breaker_of
from .chat import Chat, open_chat
from .json_claims import ClaimsReader
from .replies import StreamedReply, TextReader, max_reply_characters

FRAME_TOKENS = 32
"""Tokens that a chat template adds to two messages."""


class ChatWriter:
    """Calls a chat model with the release's prompt and as many numbered passages as fit its context window.

    `count` counts tokens, never fewer than the model does. `window` is the context window of a model that we serve.
    """

    def __init__(
        self,
        chat: Chat,
        release: Release,
        breaker: EndpointBreaker,
        *,
        count: shaping.Count = shaping.estimate,
        window: int | None = None,
    ) -> None:
        self.name, self.breaker = chat.name, breaker
        self._chat, self._release, self._count, self._window = chat, release, count, window
        self._count_prompt = cache(count)

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        in_json = brief.terms.format == "json"
        prompt = self._release.prompts.claims if in_json else self._release.prompts.answer
        question, fitted = await asyncio.to_thread(self._fit_prompt, brief, prompt)
        _record_call(usage, self.name, fitted)
        max_characters = max_reply_characters(self._release.generation.max_tokens)
        reply = StreamedReply(
            self.name, ClaimsReader() if in_json else TextReader(), usage, max_characters, brief.raw_reply
        )
        messages = _messages(prompt, fitted.texts, question)
        async with aclosing(self._chat.stream(messages, structured=in_json)) as chunks:
            async for chunk in chunks:
                if piece := reply.add(chunk):
                    yield piece
                if reply.is_full:
                    break
                # Give other tasks a turn when many chunks have arrived together.
                await asyncio.sleep(0)
        if self._chat.reports_finish_reason and not reply.finish_reason:
            raise ModelFailed("error", f"The reply of {self.name} broke off.", transient=True)
        if rest := reply.close():
            yield rest

    def _fit_prompt(self, brief: Brief, prompt: str) -> tuple[str, shaping.FittedPassages]:
        """The question and the passages that are sent."""
        window = min(brief.terms.context_window, self._window or brief.terms.context_window)
        frame = FRAME_TOKENS + shaping.MARK_TOKENS * (len(brief.passages) + 1)
        remaining = window - self._release.generation.max_tokens - self._count_prompt(prompt) - frame
        question = shaping.shorten_question(brief.question, remaining // 2, self._count)
        budget = remaining - self._count(question)
        fitted = shaping.fit_passages(brief.passages, budget, self._count, brief.share)
        if brief.passages and not fitted.texts:
            detail = f"{self.name} has {max(0, budget)} tokens of {window} for passages, and not one sentence fits."
            raise ModelFailed("context_window", detail)
        return question, fitted


def _messages(prompt: str, passages: list[str], question: str) -> list[BaseMessage]:
    return [SystemMessage(prompt), HumanMessage(f"Passages:\n\n{shaping.marked_off(passages)}\n\nQuestion: {question}")]


def _record_call(usage: Usage, name: str, fitted: shaping.FittedPassages) -> None:
    """Record the model and the fitted passages of a call."""
    usage["model"] = name
    usage["calls"] += 1
    if fitted.left_out:
        usage["left_out"] = fitted.left_out
    if fitted.shortened:
        usage["shortened"] = fitted.shortened


def open_chat_writer(name: str, settings: Settings, release: Release) -> ChatWriter:
    """The writer of a model named PROVIDER:MODEL; raises ExtraMissing, ReleaseInvalid or SettingsInvalid."""
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
            where = settings.chat_url or "" if kind == "openai" else ""
            return ChatWriter(
                open_chat(name, settings, release.generation), release, breaker_of(name, where, release.breaker)
            )


class WriterClaimChecker:
    """Calls a writer with the release's `judge` prompt and the claims after the question."""

    def __init__(self, writer: ChatWriter, terms: Terms) -> None:
        self._writer, self._terms = writer, terms

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        """The whole reply; adds to `usage`; raises ModelFailed."""
        call_usage = no_usage()
        brief = Brief(request, list(passages), [], self._terms)
        try:
            async with asyncio.timeout(self._terms.timeout), self._writer.breaker.call():
                return "".join([piece async for piece in self._writer.write(brief, call_usage)])
        except TimeoutError as error:
            detail = f"{self._writer.name} did not answer within {self._terms.timeout:g} s"
            raise ModelFailed("timeout", detail, transient=True) from error
        finally:
            usage["calls"] += call_usage["calls"]
            usage["input_tokens"] += call_usage["input_tokens"]
            usage["output_tokens"] += call_usage["output_tokens"]


def checker_release(release: Release) -> Release:
    """The release with the `judge` prompt instead of the answer's, and plain text as the format."""
    prompts = release.prompts.model_copy(update={"answer": release.prompts.judge})
    generation = release.generation.model_copy(update={"format": "text", "roles": Roles()})
    return release.model_copy(update={"prompts": prompts, "generation": generation})
