"""Embeddings from endpoints, named `provider:model` as in `langchain.embeddings.init_embeddings`."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from ..errors import ExtraMissing, ModelFailed, RetrievalUnavailable, SettingsInvalid
from ..settings import Settings, load_settings
from .embedding import (
    UNRELATED,
    QuestionVectors,
    TextVectors,
    TextWithSpans,
    Vectors,
    mean_cosine,
    normalise_vector,
    to_int8,
)
from .failures import message_excerpt, to_model_failure
from .prompt import llama_2

Result = TypeVar("Result")
BATCH_SIZE, CONCURRENT_CALLS = 32, 4
"""Texts in one call (the strictest servers allow 32), and concurrent calls."""
TIMEOUT_SECONDS = 20.0
RETRY_PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each retry during indexing; a question is retried once, immediately."""


class EndpointEmbedder:
    """An embedding at an endpoint; every text and every span is embedded separately.

    Raises RetrievalUnavailable when the endpoint fails.
    """

    def __init__(self, name: str, client: Embeddings, pauses: Sequence[float] = RETRY_PAUSES) -> None:
        self.name, self._client, self._pauses = name, client, pauses
        self._pool = ThreadPoolExecutor(CONCURRENT_CALLS, thread_name_prefix="embed")
        probe = self._retry(lambda: self._batch(UNRELATED, None), pauses)
        self.dimensions: int = probe.shape[1]
        self.unrelated = mean_cosine(probe)

    def embed(self, texts: Sequence[str]) -> Vectors:
        batches = [list(texts[start : start + BATCH_SIZE]) for start in range(0, len(texts), BATCH_SIZE)]
        # In the caller's context, which says on whose behalf; each thread of a pool needs a copy of its own.
        calls = [partial(self._batch, batch, self.dimensions) for batch in batches]
        sent = [self._pool.submit(copy_context().run, self._retry, call) for call in calls]
        vectors = [each.result() for each in sent]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def embed_question(self, text: str) -> QuestionVectors:
        vector = self._retry(lambda: self._checked([self._client.embed_query(text or " ")], 1, self.dimensions), (0.0,))
        return QuestionVectors(vector[0], vector[0])

    def embed_with_spans(self, texts: Sequence[TextWithSpans]) -> list[TextVectors]:
        """The vectors of each text and of its spans; equal texts are sent once."""
        parts = [[each.text, *(each.text[start:end] for start, end in each.spans)] for each in texts]
        distinct = list(dict.fromkeys(part for own in parts for part in own))
        vectors = dict(zip(distinct, self.embed(distinct), strict=True))
        spans = [np.stack([vectors[part] for part in own]) for own in parts]
        return [TextVectors(own[0], to_int8(own[1:])) for own in spans]

    def count_tokens(self, text: str) -> int:
        return llama_2()(text)

    def _batch(self, texts: Sequence[str], dimensions: int | None) -> Vectors:
        # Many endpoints reject an empty text.
        return self._checked(self._client.embed_documents([text or " " for text in texts]), len(texts), dimensions)

    def _checked(self, reply: Any, count: int, dimensions: int | None) -> Vectors:
        """The reply as unit vectors; raises ValueError for an invalid reply."""
        vectors = np.asarray(reply, np.float32)
        width = dimensions or (vectors.shape[1] if vectors.ndim == 2 else 0)
        if vectors.shape != (count, width) or not width or not np.isfinite(vectors).all():
            raise ValueError(f"{count} texts were sent, and vectors of shape {vectors.shape} came back")
        return np.stack([normalise_vector(vector) for vector in vectors])

    def _retry(self, call: Callable[[], Result], pauses: Sequence[float] | None = None) -> Result:
        pauses = self._pauses if pauses is None else pauses
        for pause in (*pauses, None):
            try:
                return call()
            except Exception as error:
                failure = to_model_failure(self.name, error)
                if pause is None or not failure.transient:
                    raise _unavailable(failure) from error
                time.sleep(max(pause, min(failure.retry_after or 0.0, 60.0)) if pause else 0.0)
        raise AssertionError("the last try returns or raises")


def _unavailable(failure: ModelFailed) -> RetrievalUnavailable:
    return RetrievalUnavailable(f"The embedding does not answer: {failure.detail}")


def open_embedder(name: str) -> EndpointEmbedder:
    """Open an embedding by name; raises ExtraMissing, SettingsInvalid or RetrievalUnavailable."""
    try:
        client = _client(name, load_settings())
    except ImportError as error:
        raise ExtraMissing(f"{name} cannot embed: {error}") from error
    except Exception as error:
        # Each package has its own errors for a missing key or address.
        raise SettingsInvalid(f"{name} cannot embed: {message_excerpt(str(error))}") from error
    return EndpointEmbedder(name, client)


def _client(name: str, settings: Settings) -> Embeddings:
    provider, _, model = name.partition(":")
    if provider == "databricks":
        from .databricks import open_embeddings

        return open_embeddings(model, TIMEOUT_SECONDS)
    from langchain.embeddings import init_embeddings

    vectors: Embeddings = init_embeddings(model, provider=provider, **_options(provider, settings))
    return vectors


def _options(provider: str, settings: Settings) -> dict[str, Any]:
    """The client's options under the provider's own names."""
    match provider:
        case "openai":
            url, key = settings.embedding_url or settings.chat_url, settings.embedding_key or settings.chat_key
            key = key if key or not url else SecretStr("none")
            connection = {name: value for name, value in (("base_url", url), ("api_key", key)) if value is not None}
            # Otherwise texts are sent as token ids that only OpenAI's own models understand.
            return {**connection, "check_embedding_ctx_length": False, "max_retries": 0, "timeout": TIMEOUT_SECONDS}
        case "azure_openai":
            return {"check_embedding_ctx_length": False, "max_retries": 0, "timeout": TIMEOUT_SECONDS}
        case "ollama":
            return {"client_kwargs": {"timeout": TIMEOUT_SECONDS}}
        case _:
            return {}
