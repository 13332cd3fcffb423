"""Endpoints with Cohere's /rerank API, which Jina, vLLM, llama.cpp and others share, or that of TEI.

Request: {model, query, documents, top_n}; TEI (Text Embeddings Inference) takes `texts`, `raw_scores` and `truncate`
instead, so its form has to be configured. Reply: {results: [{index, relevance_score}]}, or a list of {index, score}, in
any order.
"""

import asyncio
from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal

import httpx
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from ..errors import ModelFailed
from .failures import retry_after_seconds
from .http import http_client

MAX_BATCH = {"cohere": 1000, "tei": 32}
"""The most texts in one call: Cohere's limit, and TEI's default."""
TRANSIENT_STATUSES = (408, 409, 425, 429)


class _Result(BaseModel):
    """One result; Cohere and Jina use `relevance_score`, TEI uses `score`."""

    index: int = Field(ge=0)
    relevance_score: float | None = None
    score: float | None = None

    @property
    def value(self) -> float | None:
        return self.relevance_score if self.relevance_score is not None else self.score


_RESULTS = TypeAdapter(list[_Result])


class EndpointReranker:
    """Calls `URL/rerank`; `timeout` is in seconds for all batches together."""

    def __init__(
        self,
        model: str,
        url: str,
        key: SecretStr | None = None,
        *,
        timeout: float = 10.0,
        form: Literal["cohere", "tei"] = "cohere",
    ) -> None:
        self.name, self._form = f"{model} at {url}", form
        self._model, self._url, self._timeout = model, f"{url.rstrip('/')}/rerank", timeout
        headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        self._client = http_client(httpx.Timeout(timeout), headers)

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, higher is better, in the texts' order and on the model's own scale.

        Raises ModelFailed when there is no score for each text.
        """
        if not texts:
            return []
        try:
            async with asyncio.timeout(self._timeout):
                return [score for batch in self._batches(texts) for score in await self._score(question, batch)]
        except (TimeoutError, httpx.TimeoutException) as error:
            detail = f"{self.name} did not answer in {self._timeout:g} s."
            raise ModelFailed("timeout", detail, transient=True) from error

    def _batches(self, texts: Sequence[str]) -> list[list[str]]:
        size = MAX_BATCH[self._form]
        return [list(texts[start : start + size]) for start in range(0, len(texts), size)]

    async def _score(self, question: str, texts: list[str]) -> list[float]:
        return self._in_order(await self._post(self._request(question, texts)), len(texts))

    def _request(self, question: str, texts: list[str]) -> dict[str, Any]:
        if self._form == "tei":
            return {"query": question, "texts": texts, "raw_scores": False, "truncate": True}
        return {"model": self._model, "query": question, "documents": texts, "top_n": len(texts)}

    async def _post(self, request: dict[str, Any]) -> Any:
        try:
            reply = await self._client.post(self._url, json=request)
        except httpx.TimeoutException:
            raise
        except httpx.HTTPError as error:
            raise self._failure(f"{type(error).__name__}: {error}") from error
        if not reply.is_success:
            raise self._status_failure(reply)
        try:
            return reply.json()
        except ValueError as error:
            raise self._failure(f"its reply is not JSON: {reply.text[:100]!r}") from error

    def _in_order(self, reply: Any, count: int) -> list[float]:
        results = reply.get("results") if isinstance(reply, dict) else reply
        try:
            ranked = _RESULTS.validate_python(results)
        except ValidationError as error:
            raise self._failure(f"its reply has no list of results: {str(reply)[:100]}") from error
        by_index = {each.index: each.value for each in ranked}
        values = [by_index.get(index) for index in range(count)]
        scores = [value for value in values if value is not None and isfinite(value)]
        if len(scores) != count or len(ranked) != count:
            raise self._failure(f"{count} texts were sent, and {len(scores)} of {len(ranked)} results have a score")
        return scores

    def _status_failure(self, reply: httpx.Response) -> ModelFailed:
        detail = f"{reply.status_code} {' '.join(reply.text.split())[:200]}"
        if reply.status_code == 413:
            return ModelFailed("context_window", f"{self.name}: {detail}")
        transient = reply.status_code in TRANSIENT_STATUSES or reply.status_code >= 500
        return self._failure(
            detail, transient=transient, retry_after=retry_after_seconds(reply.headers) if transient else None
        )

    def _failure(self, detail: str, *, transient: bool = True, retry_after: float | None = None) -> ModelFailed:
        return ModelFailed("error", f"{self.name}: {detail}", transient=transient, retry_after=retry_after)
