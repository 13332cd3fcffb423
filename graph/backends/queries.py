"""Makes the vector of a text once: of a question searched, compared and asked again, of a sentence scored and cited.

The key is the text as it stands: a change of case or space can change what an embedding makes of it.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

from ..caching.cache import Shelf
from ..finding.late import Asked, Vectors
from .embedding import Embedder, Marked, Marks

Made = TypeVar("Made")


class _Kept:
    """An embedder in front of another, with a shelf."""

    def __init__(self, embedder: Embedder, shelf: Shelf) -> None:
        self._embedder, self._shelf = embedder, shelf
        self.name, self.dimensions, self.token_dimensions = (
            embedder.name,
            embedder.dimensions,
            embedder.token_dimensions,
        )

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]:
        return self._embedder.embed_marked(texts)

    def embed_asked(self, text: str) -> Asked:
        return self._embedder.embed_asked(text)

    def embed_heard(self, text: str, heard: str) -> Vectors:
        return self._embedder.embed_heard(text, heard)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    def _embed(self, texts: Sequence[str], kept: dict[str, Vectors]) -> dict[str, Vectors]:
        """The vectors of the texts, those that are not kept made now."""
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        return kept | (dict(zip(new, self._embedder.embed(new), strict=True)) if new else {})

    def _stacked(self, texts: Sequence[str], vectors: dict[str, Vectors]) -> Vectors:
        return np.stack([vectors[text] for text in texts]) if texts else self._embedder.embed([])


class KeptQuestions(_Kept):
    """Keeps what it made of texts that were asked."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        kept = {text: asked.vector for text in texts if (asked := self._shelf.get(text)) is not None}
        return self._stacked(texts, self._embed(texts, kept))

    def embed_asked(self, text: str) -> Asked:
        return self._once(text, lambda: self._embedder.embed_asked(text))

    def embed_heard(self, text: str, heard: str) -> Vectors:
        return self._once((text, heard), lambda: self._embedder.embed_heard(text, heard))

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        found: Made | None = self._shelf.get(key)
        if found is None:
            found = make()
            self._shelf.put(key, found)
        return found


class KeptVectors(_Kept):
    """Keeps the vector of every text that it embeds."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        kept = {text: vector for text in texts if (vector := self._shelf.get(text)) is not None}
        vectors = self._embed(texts, kept)
        for text in vectors.keys() - kept.keys():
            self._shelf.put(text, vectors[text].copy())
        return self._stacked(texts, vectors)
