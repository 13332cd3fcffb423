"""Chat models by the names that LangChain gives them, `provider:model`, and a stream in which all failures are ours.

Addresses and keys come from the environment as the provider's package reads them; WARRANT_MODEL_URL and
WARRANT_MODEL_KEY go before them for `openai:`. Retries are the ladder's, so every client's own are off.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import SecretStr, ValidationError

from ..errors import ExtraMissing, ReleaseInvalid, SettingsInvalid
from ..release import ROLES, Generation
from ..settings import Settings
from .failures import as_failure, told_safely
from .http import Bounds, http_client, transport
from .json_claims import RESPONSE_FORMAT

CONNECT_SECONDS = 10.0
LONGEST_EVENT, BYTES = 65_536, 1024
"""Bytes of one event of a stream, and what a stream may have for each token: an event of one token has some 300."""
SCHEMA = RESPONSE_FORMAT["json_schema"]["schema"]  # type: ignore[index]
STRUCTURED: Mapping[str, Mapping[str, Any]] = {
    # Under the name response_format, ChatOpenAI takes a way that fails on a reply which is not the schema.
    "openai": {"extra_body": {"response_format": RESPONSE_FORMAT}},
    "azure_openai": {"extra_body": {"response_format": RESPONSE_FORMAT}},
    "databricks": {"response_format": RESPONSE_FORMAT},
    "google_genai": {"response_mime_type": "application/json", "response_schema": SCHEMA},
    "ollama": {"format": SCHEMA},
}
"""What a provider's model is asked with to keep to the schema of claims; the others have the prompt alone."""
SAY_WHY = ("openai", "azure_openai", "anthropic", "bedrock_converse", "google_genai", "ollama")
"""Providers whose streams end with a finish reason, so that one without was cut off."""


@dataclass
class Chat:
    """A chat model; `make` gives the client, one for each event loop where the client cannot change loops."""

    name: str
    make: Callable[[], BaseChatModel]
    structured: Mapping[str, Any] = field(default_factory=dict)
    says_why: bool = False
    """Whether a stream that was not cut off ends with a finish reason."""
    _made: WeakKeyDictionary[asyncio.AbstractEventLoop, "_Made"] = field(default_factory=WeakKeyDictionary)

    async def stream(
        self, messages: Sequence[BaseMessage], *, structured: bool = False
    ) -> AsyncGenerator[AIMessageChunk, None]:
        """The reply as it comes; raises ModelFailed for whatever goes wrong, as clients raise anything."""
        options = self.structured if structured else {}
        async with aclosing(chunks_of(self.name, await self._client(), messages, **options)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _client(self) -> BaseChatModel:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            kept = _kept(self.make())
            self._made[loop] = _Made(await anext(kept), kept)
        return self._made[loop].client


class _Made(NamedTuple):
    client: BaseChatModel
    kept: AsyncGenerator[BaseChatModel, None]


async def _kept(client: BaseChatModel) -> AsyncGenerator[BaseChatModel, None]:
    """A client for as long as the loop lives: a loop that ends closes the generators that it began, and so this."""
    try:
        yield client
    finally:
        for name in ("_async_client", "async_client"):
            if close := getattr(vars(client).get(name), "close", None):
                await close()


async def chunks_of(
    name: str, model: BaseChatModel, messages: Sequence[BaseMessage], **options: Any
) -> AsyncGenerator[AIMessageChunk, None]:
    """A model's stream; raises ModelFailed."""
    try:
        async with aclosing(model.astream(list(messages), **options)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                yield chunk
    except Exception as error:
        raise as_failure(name, error) from error


def open_chat(name: str, settings: Settings, generation: Generation) -> Chat:
    """The model of a name; raises ExtraMissing, ReleaseInvalid or SettingsInvalid now and not at the first question."""
    provider, _, model = name.partition(":")
    make = partial(_make, provider, model, settings, generation)
    first = _refusing(name, make)
    kept = (lambda: first) if provider in ("openai", "azure_openai", "ollama") else make
    return Chat(name, kept, STRUCTURED.get(provider, {}), provider in SAY_WHY)


def _refusing(name: str, make: Callable[[], BaseChatModel]) -> BaseChatModel:
    """A client; what keeps it from being made, told with what to do."""
    try:
        made = make()
    except ImportError as error:
        raise ExtraMissing(f"{name} cannot be asked: {error}") from error
    except Exception as error:
        # Every package has errors of its own for a key or an address that is not set.
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        if "nsupported provider" in said:
            known = said.rpartition("providers are: ")[2]
            raise ReleaseInvalid(f"{name} names no provider of chat models that LangChain has: {known}.") from error
        raise SettingsInvalid(f"{name} cannot be asked: {told_safely(said)}") from error
    if type(made).__module__.startswith("langchain_community"):
        # LangChain takes its older client where the provider's own package is not there; it knows other options.
        raise ExtraMissing(f"{name} needs the package langchain-ollama; pip install langchain-ollama.")
    return made


def _make(provider: str, model: str, settings: Settings, generation: Generation) -> BaseChatModel:
    if provider == "openai" and (settings.model_url or settings.model_key):
        return chat_model(model, settings.model_url, settings.model_key or SecretStr("none"), generation)
    if provider == "openai":
        return chat_model(model, None, None, generation)
    if provider == "databricks":
        return _databricks(model, _options(provider, generation))
    from langchain.chat_models import init_chat_model

    made: BaseChatModel = init_chat_model(model, model_provider=provider, **_options(provider, generation))
    if provider == "anthropic":
        # Its package keeps one HTTP client for all, which does not outlive the event loop that it began in.
        import anthropic

        client: Any = made
        own = client._async_client.with_options(http_client=anthropic.DefaultAsyncHttpxClient())
        vars(made)["_async_client"] = own
    return made


def _options(provider: str, generation: Generation) -> dict[str, Any]:
    """What is ours to decide, under the names that the provider's package has for it."""
    seconds = _longest(generation)
    warm = {} if generation.temperature is None else {"temperature": generation.temperature}
    common = {**warm, "max_tokens": generation.max_tokens, "timeout": seconds, "max_retries": 0}
    match provider:
        case "azure_openai":
            return {**common, "http_async_client": _http(generation), "stream_usage": True}
        case "bedrock_converse":
            return {**common, "timeout": ceil(seconds)}
        case "google_genai":
            # Its 0 stands for the default, which is more than one attempt.
            return {**common, "max_retries": 1}
        case "ollama":
            window = max(generation.terms(role).context_window for role in ROLES)
            return {
                **warm,
                "num_predict": generation.max_tokens,
                # Ollama cuts off what is beyond a few thousand tokens without a word unless it is told.
                "num_ctx": window,
                "client_kwargs": {"timeout": seconds},
                "async_client_kwargs": {"transport": transport(_bounds(generation))},
            }
        case _:
            return common


def _databricks(model: str, options: dict[str, Any]) -> BaseChatModel:
    try:
        from databricks_langchain import ChatDatabricks
    except ImportError as error:
        raise ImportError("it needs databricks-langchain; pip install 'warrant-rag[databricks]'.") from error
    made: BaseChatModel = ChatDatabricks(model=model, **options)
    return made


def chat_model(model: str, url: str | None, key: SecretStr | None, generation: Generation) -> BaseChatModel:
    """A client for a model at an OpenAI-compatible URL; without one, OPENAI_BASE_URL and OPENAI_API_KEY hold.

    How long a call may take is for the graph to say, by role and deadline.
    """
    given = {name: value for name, value in (("base_url", url), ("api_key", key)) if value is not None}
    return _Chat(
        model=model,
        **given,
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
        made = super()._convert_chunk_to_generation_chunk(chunk, *rest)
        choices = chunk.get("choices") or [{}]
        refusal = (choices[0].get("delta") or {}).get("refusal")
        if made and refusal:
            made.message.additional_kwargs["refusal"] = refusal
        return made


def _longest(generation: Generation) -> float:
    return max(generation.terms(role).timeout for role in ROLES)


def _timeout(generation: Generation) -> httpx.Timeout:
    longest = _longest(generation)
    return httpx.Timeout(longest, connect=min(longest, CONNECT_SECONDS))


def _bounds(generation: Generation) -> Bounds:
    return Bounds(LONGEST_EVENT + BYTES * generation.max_tokens, LONGEST_EVENT)


def _http(generation: Generation) -> httpx.AsyncClient:
    return http_client(_timeout(generation), bounds=_bounds(generation))
