"""A chat model that says what a script tells it: for tests, drills and benchmarks, with no model behind it.

A script is YAML: a list of rules, the first whose `when` (a regular expression, default anything) is found in the
question wins. A rule gives `reply`, or `error` (error, timeout, context_window, content_policy) with or without the
seconds of `retry_after`, and may give `seconds` before the first token, `seconds_per_token` after it, and `times`,
after which it is used up.
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

PIECE = re.compile(r"\s*\S+")
TRANSIENT = ("error", "timeout")


class Rule(BaseModel):
    """What to say to which question."""

    model_config = ConfigDict(extra="forbid")

    when: str = ""
    reply: str = ""
    error: Literal["error", "timeout", "context_window", "content_policy"] | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    seconds_per_token: float = 0.0
    times: int | None = None


class ScriptedModel(BaseChatModel):
    """Streams the reply of the first rule that fits, word by word, and counts words as tokens."""

    rules: list[Rule]
    _used: dict[int, int] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: str) -> "ScriptedModel":
        """Read a script; raises ReleaseInvalid when it is not one."""
        try:
            rules = TypeAdapter(list[Rule]).validate_python(yaml.safe_load(Path(path).read_text("utf-8")))
        except (OSError, yaml.YAMLError, ValidationError) as error:
            raise ReleaseInvalid(f"scripted:{path} needs a YAML list of rules: {error}.") from error
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
        asked = "\n".join(str(message.content) for message in messages)
        rule = self._rule(asked.rsplit("Question: ", 1)[-1])
        await asyncio.sleep(rule.seconds)
        if rule.error:
            told = f"The script says {rule.error}."
            raise ModelFailed(rule.error, told, transient=rule.error in TRANSIENT, retry_after=rule.retry_after)
        pieces = PIECE.findall(rule.reply)
        for piece in pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
            await asyncio.sleep(rule.seconds_per_token)
        counted = {"input_tokens": len(asked.split()), "output_tokens": len(pieces)}
        total = sum(counted.values())
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata={**counted, "total_tokens": total}))

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
