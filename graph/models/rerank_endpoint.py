"""Endpoints with Cohere's /rerank API, which Jina, vLLM, llama.cpp and others share, or that of TEI.

Request: {model, query, documents, top_n}; TEI (Text Embeddings Inference) takes `texts`, `raw_scores` and `truncate`
instead, so its form has to be configured. Reply: {results: [{index, relevance_score}]}, or a list of {index, score}, in
any order.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import httpx
from pydantic import AliasChoices, BaseModel, Field, SecretStr, TypeAdapter

from .failures import to_model_failure
from .http import http_client

MAX_BATCH = {"cohere": 1000, "tei": 32}
"""The most texts in one call: Cohere's limit, and TEI's default."""


class _Result(BaseModel):
    """One result; Cohere and Jina use `relevance_score`, TEI uses `score`."""

    index: int = Field(ge=0)
    score: float = Field(validation_alias=AliasChoices("relevance_score", "score"), allow_inf_nan=False)


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
        size = MAX_BATCH[self._form]
        batches = [list(texts[start : start + size]) for start in range(0, len(texts), size)]
        try:
            async with asyncio.timeout(self._timeout):
                return [score for batch in batches for score in await self._score(question, batch)]
        except Exception as error:
            raise to_model_failure(self.name, error) from error

    async def _score(self, question: str, texts: list[str]) -> list[float]:
        reply = (await self._client.post(self._url, json=self._request(question, texts))).raise_for_status().json()
        results = _RESULTS.validate_python(reply.get("results") if isinstance(reply, dict) else reply)
        scores = {each.index: each.score for each in results}
        if len(results) != len(texts) or sorted(scores) != [*range(len(texts))]:
            raise ValueError(f"{len(texts)} texts were sent, and the results have scores for {sorted(scores)[:10]}")
        return [scores[index] for index in range(len(texts))]

    def _request(self, question: str, texts: list[str]) -> dict[str, Any]:
        if self._form == "tei":
            return {"query": question, "texts": texts, "raw_scores": False, "truncate": True}
        return {"model": self._model, "query": question, "documents": texts, "top_n": len(texts)}
