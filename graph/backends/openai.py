"""Any endpoint that speaks OpenAI's chat completions, its failures told apart by what can be done about them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from ..errors import ModelFailed
from ..release import ROLES, Generation
from ..settings import Settings
from . import Brief
from .claims import RESPONSE_FORMAT
from .http import Bounds, http_client
from .replies import told_safely
from .retry_after import seconds_of
from .writers import ChatWriter

TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context_size",
    "context window",
    "max_model_len",
    "too many tokens",
    "too large to process",
    "prompt is too long",
    "input is too long",
)
FORBIDDEN = ("content_filter", "content policy", "content management policy", "content_policy", "safety")
SPENT = ("insufficient_quota", "billing")
"""A 429 that no waiting helps."""
PASSING = (408, 409, 425, 429)
CONNECT_SECONDS = 10.0
LONGEST_EVENT, BYTES = 65_536, 1024
"""Bytes of one event of a stream, and what a stream may have for each token: an event of one token has some 300."""


class OpenAIWriter(ChatWriter):
    """A chat writer that maps the client's errors to a ModelFailed with its reason."""

    ends_with_a_reason = True

    def _chunks(self, messages: list[BaseMessage], brief: Brief) -> AsyncIterator[AIMessageChunk]:
        return chunks_of(self.name, super()._chunks(messages, brief))

    def _options(self, brief: Brief) -> dict[str, Any]:
        # Under the name response_format, LangChain takes a way that fails on a reply which is not the schema.
        return {"extra_body": {"response_format": RESPONSE_FORMAT}} if brief.terms.format == "json" else {}


class _Chat(ChatOpenAI):
    """Keeps the refusal of a streamed reply, which LangChain drops."""

    def _convert_chunk_to_generation_chunk(self, chunk: dict[str, Any], *rest: Any) -> ChatGenerationChunk | None:
        made = super()._convert_chunk_to_generation_chunk(chunk, *rest)
        choices = chunk.get("choices") or [{}]
        refusal = (choices[0].get("delta") or {}).get("refusal")
        if made and refusal:
            made.message.additional_kwargs["refusal"] = refusal
        return made


async def chunks_of(name: str, stream: AsyncIterator[AIMessageChunk]) -> AsyncGenerator[AIMessageChunk, None]:
    """A client's stream; raises ModelFailed for whatever goes wrong in it, as the client raises anything."""
    try:
        async with aclosing(stream) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk
    except Exception as error:
        raise as_failure(name, error) from error


def as_failure(name: str, error: Exception) -> ModelFailed:
    """What a client's error means for the ladder."""
    detail = f"{name}: {type(error).__name__}: {told_safely(str(error))}"
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return ModelFailed("timeout", detail, transient=True)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return ModelFailed("content_policy", detail)
    if isinstance(error, openai.APIError):
        return _refused(detail, error)
    # What is left is the connection, or a body that is not what was promised.
    return ModelFailed("error", detail, transient=True)


def _refused(detail: str, error: openai.APIError) -> ModelFailed:
    """What the endpoint said: with a status, or inside a stream that had begun under 200."""
    said = f"{detail} {error.code} {error.type} {error.body}".lower()
    status = _status(error)
    if status == 413 or any(sign in said for sign in TOO_LONG):
        return ModelFailed("context_window", detail)
    if any(sign in said for sign in FORBIDDEN) and (status is None or status < 500):
        return ModelFailed("content_policy", detail)
    passing = status is None or status in PASSING or status >= 500
    transient = passing and not any(sign in said for sign in SPENT)
    headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
    return ModelFailed("error", detail, transient=transient, retry_after=seconds_of(headers) if transient else None)


def _status(error: openai.APIError) -> int | None:
    """The HTTP status, or the number that stands for it in an error inside a stream."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    code = str(error.code or (error.body.get("code") if isinstance(error.body, dict) else None) or "")
    return int(code) if code.isdigit() and 400 <= int(code) < 600 else None


def openai_model(model: str, settings: Settings, generation: Generation) -> BaseChatModel:
    """A client for the endpoint that the settings name; retries are the ladder's, not the client's."""
    key = settings.model_key or SecretStr("none")
    return chat_model(model, settings.model_url, key, generation)


def chat_model(model: str, url: str, key: SecretStr, generation: Generation) -> BaseChatModel:
    """A client for a model at a URL; how long a call may take is for the graph to say, by role and deadline."""
    longest = max(generation.terms(role).timeout for role in ROLES)
    timeout = httpx.Timeout(longest, connect=min(longest, CONNECT_SECONDS))
    return _Chat(
        model=model,
        base_url=url,
        api_key=key,
        temperature=generation.temperature,
        max_completion_tokens=generation.max_tokens,
        timeout=timeout,
        http_async_client=http_client(
            timeout, bounds=Bounds(LONGEST_EVENT + BYTES * generation.max_tokens, LONGEST_EVENT)
        ),
        stream_chunk_timeout=None,
        use_responses_api=False,
        max_retries=0,
        stream_usage=True,
    )
