"""Caches the vectors of questions and other texts.

The key is the exact text: case and white space can change its vector.
"""

from collections.abc import Sequence

import numpy as np

from ..caching.cache import BoundedCache
from .embedding import Embedder, QuestionVectors, TextVectors, TextWithSpans, Vectors


class CachedEmbedder:
    """Wraps an embedder with a cache for questions and one for other texts."""

    def __init__(self, embedder: Embedder, questions: BoundedCache, texts: BoundedCache) -> None:
        self._embedder, self._questions, self._texts = embedder, questions, texts
        self.name, self.dimensions, self.unrelated = embedder.name, embedder.dimensions, embedder.unrelated

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = {text: vector for text in texts if (vector := self._texts.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        for text, vector in zip(new, self._embedder.embed(new), strict=True):
            vectors[text] = vector.copy()
            self._texts.put(text, vectors[text])
        return np.stack([vectors[text] for text in texts]) if texts else self._embedder.embed([])

    def embed_question(self, text: str) -> QuestionVectors:
        vector: QuestionVectors | None = self._questions.get(text)
        if vector is None:
            vector = self._embedder.embed_question(text)
            self._questions.put(text, vector)
        return vector

    def embed_with_spans(self, texts: Sequence[TextWithSpans]) -> list[TextVectors]:
        return self._embedder.embed_with_spans(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)
