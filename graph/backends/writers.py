"""Who writes replies: the extractive writer, and any chat model behind one prompt."""

from collections.abc import AsyncIterator, Mapping

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from graph.backends import Brief, Writer
from graph.errors import ModelFailed
from graph.extractive import choose
from graph.release import Release
from graph.settings import Settings
from graph.state import Passage, Usage

UNKNOWN = "i don't know"
STOPS = (".", "!", "?", "…", "。", "！", "？")


class ExtractiveWriter:
    """Quotes the sentences that answer best; needs no model and never makes anything up."""

    name = "extractive"

    def __init__(self, sentences: int) -> None:
        self._sentences = sentences

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        chosen = choose(brief.question, brief.passages, brief.evidence, self._sentences)
        if not chosen:
            raise ModelFailed("no_evidence", "No sentence of the passages bears on the question.")
        for number, unit in enumerate(chosen):
            # A table row or list item has no full stop of its own, and without one two of them would be one claim.
            stop = "" if unit["text"].endswith(STOPS) else "."
            yield f"{' ' if number else ''}{unit['text']}{stop} [{unit['passage'] + 1}]"


class ChatWriter:
    """Asks a chat model with the release's prompt and the numbered passages."""

    def __init__(self, name: str, model: BaseChatModel, prompt: str) -> None:
        self.name, self._model, self._prompt = name, model, prompt

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        usage["model"] = self.name
        usage["calls"] += 1
        text = ""
        async for chunk in self._model.astream(self._messages(brief)):
            _account(usage, chunk)
            piece = str(chunk.text)
            text += piece
            if piece:
                yield piece
        if not text.strip():
            raise ModelFailed("error", f"{self.name} gave an empty reply.", transient=True)
        if text.strip().lower().replace("’", "'").startswith(UNKNOWN):
            raise ModelFailed("no_evidence", f"{self.name} found no answer in the passages.")

    def _messages(self, brief: Brief) -> list[BaseMessage]:
        passages = "\n\n".join(_numbered(number, passage) for number, passage in enumerate(brief.passages, 1))
        return [SystemMessage(self._prompt), HumanMessage(f"Passages:\n\n{passages}\n\nQuestion: {brief.question}")]


def _numbered(number: int, passage: Passage) -> str:
    about = [passage["title"], passage["section"], str(passage["metadata"].get("effective_date", ""))]
    header = f"{passage['header']}\n" if passage["header"] else ""
    return f"[{number}] {', '.join(part for part in about if part)}\n{header}{passage['text']}"


def _account(usage: Usage, chunk: AIMessageChunk) -> None:
    reported = chunk.usage_metadata
    if reported:
        usage["input_tokens"] += reported["input_tokens"]
        usage["output_tokens"] += reported["output_tokens"]
    if chunk.response_metadata.get("finish_reason") == "content_filter":
        raise ModelFailed("content_policy", "The model's content filter stopped the reply.")


def open_writers(settings: Settings, release: Release) -> Mapping[str, Writer]:
    """The writers that the Release names, and the extractive one, which is always at hand."""
    names = {release.models.simple, release.models.complex, release.models.backup} - {"extractive"}
    writers: dict[str, Writer] = {"extractive": ExtractiveWriter(release.generation.sentences)}
    return writers | {name: _open(name, settings, release) for name in sorted(names)}


def _open(name: str, settings: Settings, release: Release) -> Writer:
    kind, _, model = name.partition(":")
    match kind:
        case "openai":
            from graph.backends.openai import OpenAIWriter, openai_model

            return OpenAIWriter(name, openai_model(model, settings, release.generation), release.prompts.answer)
        case "llama":
            from graph.backends.llama import open_llama

            return open_llama(name, model, release)
        case _:
            from graph.backends.scripted import ScriptedModel

            return ChatWriter(name, ScriptedModel.load(model), release.prompts.answer)
