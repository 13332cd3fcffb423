"""Any endpoint that speaks OpenAI's chat completions, its failures told apart by what can be done about them."""

from collections.abc import AsyncIterator

import httpx
import openai
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from graph.backends import Brief
from graph.backends.writers import ChatWriter
from graph.errors import ModelFailed
from graph.release import Generation
from graph.settings import Settings
from graph.state import Usage

TOO_LONG = ("context_length_exceeded", "context length", "context size", "context window", "too many tokens")
FORBIDDEN = ("content_filter", "content policy", "content management policy", "safety")


class OpenAIWriter(ChatWriter):
    """A chat writer that maps the client's errors to a ModelFailed with its reason."""

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        try:
            async for piece in super().write(brief, usage):
                yield piece
        except (openai.OpenAIError, httpx.HTTPError, ValueError, TypeError, KeyError) as error:
            raise as_failure(self.name, error) from error


def as_failure(name: str, error: Exception) -> ModelFailed:
    """What a client's error means for the ladder."""
    detail = f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    low = detail.lower()
    if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
        return ModelFailed("timeout", detail, transient=True)
    if isinstance(error, openai.BadRequestError) and any(sign in low for sign in TOO_LONG):
        return ModelFailed("context_window", detail)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return ModelFailed("content_policy", detail)
    if isinstance(error, openai.APIStatusError):
        if error.status_code < 500 and any(sign in low for sign in FORBIDDEN):
            return ModelFailed("content_policy", detail)
        return ModelFailed("error", detail, transient=error.status_code in (408, 409, 429) or error.status_code >= 500)
    # What is left is the connection, or a body that is not what was promised.
    return ModelFailed("error", detail, transient=True)


def openai_model(model: str, settings: Settings, generation: Generation) -> BaseChatModel:
    """A client for the endpoint that the settings name; retries are the ladder's, not the client's."""
    key = settings.model_key or SecretStr("none")
    return chat_model(model, settings.model_url, key, generation)


def chat_model(model: str, url: str, key: SecretStr, generation: Generation) -> BaseChatModel:
    """A client for a model at a URL."""
    return ChatOpenAI(
        model=model,
        base_url=url,
        api_key=key,
        temperature=generation.temperature,
        max_completion_tokens=generation.max_tokens,
        timeout=generation.timeout,
        max_retries=0,
        stream_usage=True,
    )
