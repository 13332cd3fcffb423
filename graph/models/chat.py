"""Chat models by their LangChain names, `provider:model`; every failure of a stream becomes a ModelFailed.

The provider's package reads addresses and keys from the environment; for `openai:` WARRANT_CHAT_URL and
WARRANT_CHAT_KEY take precedence. The fallback ladder retries, so the clients' own retries are off.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr, ValidationError

from ..errors import ExtraMissing, ReleaseInvalid, SettingsInvalid
from ..invalid import problem
from ..release import ROLES, Generation
from ..settings import Settings
from .failures import message_excerpt, to_model_failure
from .http import ByteLimits, PerLoop, http_client, transport
from .json_claims import RESPONSE_FORMAT

CONNECT_SECONDS = 10.0
MAX_EVENT_BYTES, BYTES_PER_TOKEN = 65_536, 1024
"""The most bytes of one event, and of a stream for each token; an event with one token has about 300."""
SCHEMA = RESPONSE_FORMAT["json_schema"]["schema"]  # type: ignore[index]
STRUCTURED_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    # With the argument response_format, ChatOpenAI raises for a reply that does not match the schema.
    "openai": {"extra_body": {"response_format": RESPONSE_FORMAT}},
    "azure_openai": {"extra_body": {"response_format": RESPONSE_FORMAT}},
    "databricks": {"response_format": RESPONSE_FORMAT},
    "google_genai": {"response_mime_type": "application/json", "response_schema": SCHEMA},
    "ollama": {"format": SCHEMA},
}
"""The options that make a provider's model follow the schema of claims; other providers have only the prompt."""
FINISH_REASON_PROVIDERS = (
    "openai",
    "azure_openai",
    "anthropic",
    "bedrock_converse",
    "databricks",
    "google_genai",
    "ollama",
)
"""Providers whose streams end with a finish reason; a stream without one was cut off."""


@dataclass
class Chat:
    """A chat model; `create_client` is called once for each event loop."""

    name: str
    create_client: Callable[[], BaseChatModel]
    structured: Mapping[str, Any] = field(default_factory=dict)
    reports_finish_reason: bool = False
    """Whether every complete stream ends with a finish reason."""

    def __post_init__(self) -> None:
        self._clients = PerLoop(lambda: _client_for_loop(self.create_client()))

    async def stream(
        self, messages: Sequence[BaseMessage], *, structured: bool = False
    ) -> AsyncGenerator[AIMessageChunk, None]:
        """Stream the reply; raises ModelFailed for any error of the client."""
        options = self.structured if structured else {}
        async with aclosing(stream_chunks(self.name, await self._clients.client(), messages, **options)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _client_for_loop(client: BaseChatModel) -> AsyncGenerator[BaseChatModel, None]:
    """Keep a client open until the event loop ends and closes its generators."""
    try:
        yield client
    finally:
        for name in ("_async_client", "async_client"):
            if close := getattr(vars(client).get(name), "close", None):
                await close()


async def stream_chunks(
    name: str, model: BaseChatModel, messages: Sequence[BaseMessage], **options: Any
) -> AsyncGenerator[AIMessageChunk, None]:
    """Stream a model's reply; raises ModelFailed."""
    try:
        async with aclosing(model.astream(list(messages), **options)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk
    except Exception as error:
        raise to_model_failure(name, error) from error


def open_chat(name: str, settings: Settings, generation: Generation) -> Chat:
    """Open a model by name; raises ExtraMissing, ReleaseInvalid or SettingsInvalid."""
    provider, _, model = name.partition(":")
    create_client = partial(_create_client, provider, model, settings, generation)
    first = _create_checked(name, create_client)
    lifetime = (lambda: first) if provider in ("openai", "azure_openai", "ollama") else create_client
    return Chat(name, lifetime, STRUCTURED_OPTIONS.get(provider, {}), provider in FINISH_REASON_PROVIDERS)


def _create_checked(name: str, create_client: Callable[[], BaseChatModel]) -> BaseChatModel:
    """Create a client; an error says what to do."""
    try:
        client = create_client()
    except ImportError as error:
        raise ExtraMissing(f"{name} cannot be asked: {error}") from error
    except Exception as error:
        # Each package has its own errors for a missing key or address.
        message = problem(error.errors()[0]) if isinstance(error, ValidationError) else str(error)
        if "nsupported provider" in message:
            known = message.rpartition("providers are: ")[2]
            raise ReleaseInvalid(f"{name} names no provider of chat models that LangChain has: {known}.") from error
        raise SettingsInvalid(f"{name} cannot be asked: {message_excerpt(message)}") from error
    if type(client).__module__.startswith("langchain_community"):
        # Without the provider's package LangChain uses its older client, which has other options.
        raise ExtraMissing(f"{name} needs the package langchain-ollama; pip install langchain-ollama.")
    return client


def _create_client(provider: str, model: str, settings: Settings, generation: Generation) -> BaseChatModel:
    if provider == "openai" and (settings.chat_url or settings.chat_key):
        return chat_model(model, settings.chat_url, settings.chat_key or SecretStr("none"), generation)
    if provider == "openai":
        return chat_model(model, None, None, generation)
    if provider == "databricks":
        from .databricks import open_chat_model

        return open_chat_model(model, _options(provider, generation))
    from langchain.chat_models import init_chat_model

    client: BaseChatModel = init_chat_model(model, model_provider=provider, **_options(provider, generation))
    if provider == "anthropic":
        # Its package shares one HTTP client, which does not outlive its event loop.
        import anthropic

        untyped: Any = client
        own_client = untyped._async_client.with_options(http_client=anthropic.DefaultAsyncHttpxClient())
        vars(client)["_async_client"] = own_client
    return client


def _options(provider: str, generation: Generation) -> dict[str, Any]:
    """The generation settings under the provider's own names."""
    seconds = _longest_timeout(generation)
    temperature = {} if generation.temperature is None else {"temperature": generation.temperature}
    common = {**temperature, "max_tokens": generation.max_tokens, "timeout": seconds, "max_retries": 0}
    match provider:
        case "azure_openai":
            return {**common, "http_async_client": _http(generation), "stream_usage": True}
        case "bedrock_converse":
            return {**common, "timeout": ceil(seconds)}
        case "google_genai":
            # 0 means the default, which is more than one attempt.
            return {**common, "max_retries": 1}
        case "ollama":
            context_window = max(generation.terms(role).context_window for role in ROLES)
            return {
                **temperature,
                "num_predict": generation.max_tokens,
                # By default Ollama silently truncates prompts beyond a few thousand tokens.
                "num_ctx": context_window,
                "client_kwargs": {"timeout": seconds},
                "async_client_kwargs": {"transport": transport(_byte_limits(generation))},
            }
        case _:
            return common


def chat_model(model: str, url: str | None, key: SecretStr | None, generation: Generation) -> BaseChatModel:
    """A client for an OpenAI-compatible URL; without one, OPENAI_BASE_URL and OPENAI_API_KEY are used.

    The graph sets the timeout of a call by role and deadline.
    """
    connection = {name: value for name, value in (("base_url", url), ("api_key", key)) if value is not None}
    return _Chat(
        model=model,
        **connection,
        temperature=generation.temperature,
        max_completion_tokens=generation.max_tokens,
        timeout=_timeout(generation),
        http_async_client=_http(generation),
        stream_chunk_timeout=None,
        use_responses_api=False,
        max_retries=0,
        stream_usage=True,
    )


class _Chat(ChatOpenAI):
    """Keeps the refusal of a streamed reply, which LangChain drops."""

    def _convert_chunk_to_generation_chunk(self, chunk: dict[str, Any], *rest: Any) -> ChatGenerationChunk | None:
        client = super()._convert_chunk_to_generation_chunk(chunk, *rest)
        choices = chunk.get("choices") or [{}]
        refusal = (choices[0].get("delta") or {}).get("refusal")
        if client and refusal:
            client.message.additional_kwargs["refusal"] = refusal
        return client


def _longest_timeout(generation: Generation) -> float:
    return max(generation.terms(role).timeout for role in ROLES)


def _timeout(generation: Generation) -> httpx.Timeout:
    longest = _longest_timeout(generation)
    return httpx.Timeout(longest, connect=min(longest, CONNECT_SECONDS))


def _byte_limits(generation: Generation) -> ByteLimits:
    return ByteLimits(MAX_EVENT_BYTES + BYTES_PER_TOKEN * generation.max_tokens, MAX_EVENT_BYTES)


def _http(generation: Generation) -> httpx.AsyncClient:
    return http_client(_timeout(generation), limits=_byte_limits(generation))
