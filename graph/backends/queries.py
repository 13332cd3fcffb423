"""Makes the vector of a text once: of a question searched, compared and asked again, of a sentence scored and cited."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..caching.cache import Shelf
from .embedders import Embedder, Marked, Small, Vectors


class KeptVectors:
    """An embedder that keeps the vectors of texts, or only those of texts embedded `alone`, as questions are.

    The key is the text as it stands: a change of case or space can change what an embedding makes of it.
    """

    def __init__(self, embedder: Embedder, shelf: Shelf, *, alone: bool = False) -> None:
        self._embedder, self._shelf, self._alone = embedder, shelf, alone
        self.name, self.dimensions = embedder.name, embedder.dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        kept = {text: vector for text in texts if (vector := self._shelf.get(text)) is not None}
        new = [text for text in texts if text not in kept]
        vectors = kept | (dict(zip(new, self._embedder.embed(new), strict=True)) if new else {})
        for text in new if len(texts) == 1 or not self._alone else []:
            self._shelf.put(text, vectors[text].copy())
        return np.stack([vectors[text] for text in texts]) if texts else self._embedder.embed([])

    def embed_marked(self, texts: Sequence[Marked]) -> list[tuple[NDArray[np.float32], Small]]:
        return self._embedder.embed_marked(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)
