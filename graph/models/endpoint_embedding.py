"""Embeddings by endpoint, named `provider:model` as `langchain.embeddings.init_embeddings` takes them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from langchain_core.embeddings import Embeddings
from pydantic import SecretStr

from ..errors import ExtraMissing, ModelFailed, RetrievalUnavailable, SettingsInvalid
from ..settings import Settings, load_settings
from .embedding import UNRELATED, Marked, Marks, QuestionVectors, Vectors, mean_cosine, unit_of
from .failures import as_failure, told_safely
from .prompt import llama_2
from .span_vectors import small

Made = TypeVar("Made")
BATCH, AT_ONCE = 32, 4
"""Texts of one call, as few as the strictest servers take, and calls at a time."""
SECONDS = 20.0
PAUSES = (1.0, 3.0, 9.0)
"""Seconds before each retry while documents are indexed; a question is tried twice, at once."""


class EndpointEmbedder:
    """An embedding at an endpoint; every text and every unit of it is embedded by itself.

    Raises RetrievalUnavailable when the endpoint does not answer as it should.
    """

    def __init__(self, name: str, client: Embeddings, pauses: Sequence[float] = PAUSES) -> None:
        self.name, self._client, self._pauses = name, client, pauses
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="embed")
        probe = self._tried(lambda: self._batch(UNRELATED, None), pauses)
        self.dimensions: int = probe.shape[1]
        self.unrelated = mean_cosine(probe)

    def embed(self, texts: Sequence[str]) -> Vectors:
        batches = [list(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        found = list(self._pool.map(lambda batch: self._tried(lambda: self._batch(batch, self.dimensions)), batches))
        return np.concatenate(found) if found else np.empty((0, self.dimensions), np.float32)

    def embed_question(self, text: str) -> QuestionVectors:
        vector = self._tried(lambda: self._checked([self._client.embed_query(text or " ")], 1, self.dimensions), (0.0,))
        return QuestionVectors(vector[0], vector[0])

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]:
        """The vectors of each text and of its spans, equal ones made once."""
        parts = [[each.text, *(each.text[start:end] for start, end in each.spans)] for each in texts]
        distinct = list(dict.fromkeys(part for own in parts for part in own))
        vectors = dict(zip(distinct, self.embed(distinct), strict=True))
        spans = [np.stack([vectors[part] for part in own]) for own in parts]
        return [Marks(own[0], small(own[1:])) for own in spans]

    def count_tokens(self, text: str) -> int:
        return llama_2()(text)

    def _batch(self, texts: Sequence[str], dimensions: int | None) -> Vectors:
        # Many endpoints refuse an empty text.
        return self._checked(self._client.embed_documents([text or " " for text in texts]), len(texts), dimensions)

    def _checked(self, reply: Any, count: int, dimensions: int | None) -> Vectors:
        """What an endpoint sent as vectors of unit length; raises ValueError for anything else."""
        vectors = np.asarray(reply, np.float32)
        width = dimensions or (vectors.shape[1] if vectors.ndim == 2 else 0)
        if vectors.shape != (count, width) or not width or not np.isfinite(vectors).all():
            raise ValueError(f"{count} texts were sent, and vectors of shape {vectors.shape} came back")
        return np.stack([unit_of(vector) for vector in vectors])

    def _tried(self, call: Callable[[], Made], pauses: Sequence[float] | None = None) -> Made:
        pauses = self._pauses if pauses is None else pauses
        for pause in (*pauses, None):
            try:
                return call()
            except Exception as error:
                failure = as_failure(self.name, error)
                if pause is None or not failure.transient:
                    raise _unavailable(failure) from error
                time.sleep(max(pause, min(failure.retry_after or 0.0, 60.0)) if pause else 0.0)
        raise AssertionError("the last try returns or raises")


def _unavailable(failure: ModelFailed) -> RetrievalUnavailable:
    return RetrievalUnavailable(f"The embedding does not answer: {failure.detail}")


def open_embedder(name: str) -> EndpointEmbedder:
    """The embedding of a name; raises ExtraMissing, SettingsInvalid or RetrievalUnavailable."""
    try:
        client = _client(name, load_settings())
    except ImportError as error:
        raise ExtraMissing(f"{name} cannot embed: {error}") from error
    except Exception as error:
        # Every package has errors of its own for a key or an address that is not set.
        raise SettingsInvalid(f"{name} cannot embed: {told_safely(str(error))}") from error
    return EndpointEmbedder(name, client)


def _client(name: str, settings: Settings) -> Embeddings:
    provider, _, model = name.partition(":")
    if provider == "databricks":
        from databricks_langchain import DatabricksEmbeddings

        made: Embeddings = DatabricksEmbeddings(endpoint=model)
        return made
    from langchain.embeddings import init_embeddings

    found: Embeddings = init_embeddings(model, provider=provider, **_options(provider, settings))
    return found


def _options(provider: str, settings: Settings) -> dict[str, Any]:
    """What is ours to decide, under the names that the provider's package has for it."""
    match provider:
        case "openai":
            url, key = settings.embedding_url or settings.model_url, settings.embedding_key or settings.model_key
            key = key if key or not url else SecretStr("none")
            given = {name: value for name, value in (("base_url", url), ("api_key", key)) if value is not None}
            # Otherwise texts are sent as numbers that OpenAI's own models alone understand.
            return {**given, "check_embedding_ctx_length": False, "max_retries": 0, "timeout": SECONDS}
        case "azure_openai":
            return {"check_embedding_ctx_length": False, "max_retries": 0, "timeout": SECONDS}
        case "ollama":
            return {"client_kwargs": {"timeout": SECONDS}}
        case _:
            return {}
