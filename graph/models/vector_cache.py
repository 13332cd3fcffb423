"""Makes the vector of a text once: of a question searched and asked again, of a sentence compared and cited.

The key is the text as it stands: a change of case or space can change what an embedding makes of it.
"""

from collections.abc import Sequence

import numpy as np

from ..caching.cache import BoundedCache
from .embedding import Embedder, Marked, Marks, QuestionVectors, Vectors


class CachedEmbedder:
    """An embedder in front of another, with a cache for questions and one for other texts."""

    def __init__(self, embedder: Embedder, questions: BoundedCache, texts: BoundedCache) -> None:
        self._embedder, self._questions, self._texts = embedder, questions, texts
        self.name, self.dimensions, self.unrelated = embedder.name, embedder.dimensions, embedder.unrelated

    def embed(self, texts: Sequence[str]) -> Vectors:
        kept = {text: vector for text in texts if (vector := self._texts.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        for text, vector in zip(new, self._embedder.embed(new), strict=True):
            kept[text] = vector.copy()
            self._texts.put(text, kept[text])
        return np.stack([kept[text] for text in texts]) if texts else self._embedder.embed([])

    def embed_question(self, text: str) -> QuestionVectors:
        found: QuestionVectors | None = self._questions.get(text)
        if found is None:
            found = self._embedder.embed_question(text)
            self._questions.put(text, found)
        return found

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]:
        return self._embedder.embed_marked(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)
