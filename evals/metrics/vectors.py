"""Texts as unit vectors, each embedded once."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.models.packaged_embeddings import load_embedder

EMBEDDING = "minilm-l6-v2-int8"
Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
"""Texts to unit vectors, one row each."""


class Vectors:
    """A table of vectors that grows with what is asked of it; compares texts as graph.backend.Similarity does."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self.known: dict[str, Floats] = {}

    def learn(self, texts: Sequence[str]) -> None:
        """Embed many texts at once."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known |= dict(zip(new, self._embed(new), strict=True))

    def of(self, texts: Sequence[str]) -> Floats:
        """The vectors of texts, one row each; there must be one text at least."""
        self.learn(texts)
        return np.stack([self.known[text] for text in texts])

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine similarity of a text to each of the others, from -1 to 1."""
        found: Any = self.of([text])[0] @ self.of(others).T if others else np.empty(0)
        return [float(each) for each in found]


@lru_cache(maxsize=1)
def scoring_vectors(threads: int) -> Vectors:
    """The vectors that scores are made with: runs that are compared have most of their passages in common."""
    return Vectors(load_embedder(EMBEDDING, threads).embed)
