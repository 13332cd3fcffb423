"""A chat model that replies from a script, for tests, drills and benchmarks.

A script is a YAML list of rules; the first whose `when` (a regular expression) matches the question is used. A rule has
a `reply`, or an `error` (error, timeout, context_window, content_policy) with optional `retry_after` seconds. It may
have `seconds` before the first token, `seconds_per_token`, and `times`, after which it is skipped.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import yaml
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel, ConfigDict, PrivateAttr, TypeAdapter, ValidationError

from ..errors import ModelFailed, ReleaseInvalid
from ..invalid import problem

PIECE = re.compile(r"\s*\S+")
TRANSIENT = ("error", "timeout")


class Rule(BaseModel):
    """The reply to questions that match `when`."""

    model_config = ConfigDict(extra="forbid")

    when: str = ""
    reply: str = ""
    error: Literal["error", "timeout", "context_window", "content_policy"] | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    seconds_per_token: float = 0.0
    times: int | None = None


class ScriptedModel(BaseChatModel):
    """Streams the reply of the first matching rule word by word, and counts words as tokens."""

    rules: list[Rule]
    _used: dict[int, int] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: str) -> "ScriptedModel":
        """Read a script; raises ReleaseInvalid if it is invalid."""
        try:
            rules = TypeAdapter(list[Rule]).validate_python(yaml.safe_load(Path(path).read_text("utf-8")))
        except (OSError, yaml.YAMLError) as error:
            raise ReleaseInvalid(f"scripted:{path} needs a YAML list of rules: {error}.") from error
        except ValidationError as error:
            why = problem(error.errors()[0])
            raise ReleaseInvalid(f"scripted:{path} needs a YAML list of rules: {why}.") from error
        return cls(rules=rules)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _rule(self, question: str) -> Rule:
        for number, rule in enumerate(self.rules):
            used = self._used.get(number, 0)
            if (rule.times is None or used < rule.times) and re.search(rule.when, question, re.IGNORECASE):
                self._used[number] = used + 1
                return rule
        raise ModelFailed("error", "The script has no rule for this question.")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        prompt = "\n".join(str(message.content) for message in messages)
        rule = self._rule(prompt.rsplit("Question: ", 1)[-1])
        await asyncio.sleep(rule.seconds)
        if rule.error:
            detail = f"The script says {rule.error}."
            raise ModelFailed(rule.error, detail, transient=rule.error in TRANSIENT, retry_after=rule.retry_after)
        pieces = PIECE.findall(rule.reply)
        for piece in pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            await asyncio.sleep(rule.seconds_per_token)
        token_counts = {"input_tokens": len(prompt.split()), "output_tokens": len(pieces)}
        total = sum(token_counts.values())
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", usage_metadata={**token_counts, "total_tokens": total})
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        async def whole() -> str:
            return "".join([chunk.text async for chunk in self._astream(messages)])

        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=asyncio.run(whole())))])
