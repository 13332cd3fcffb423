"""Makes the vector of a question once: it is asked for when searching, when comparing, and when it is asked again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graph.backends.embedders import Embedder, Marked, Small, Vectors
from graph.cache import Shelf


class KeptQueries:
    """An embedder that keeps the vectors of texts embedded alone, as questions are.

    The key is the text as it stands: a change of case or space can change what an embedding makes of it.
    """

    def __init__(self, embedder: Embedder, shelf: Shelf) -> None:
        self._embedder, self._shelf = embedder, shelf
        self.name, self.dimensions = embedder.name, embedder.dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        kept = {text: vector for text in texts if (vector := self._shelf.get(text)) is not None}
        new = [text for text in texts if text not in kept]
        vectors = kept | dict(zip(new, self._embedder.embed(new), strict=True))
        if len(texts) == len(new) == 1:
            self._shelf.put(texts[0], vectors[texts[0]])
        return np.stack([vectors[text] for text in texts]) if texts else self._embedder.embed([])

    def embed_marked(self, texts: Sequence[Marked]) -> list[tuple[NDArray[np.float32], Small]]:
        return self._embedder.embed_marked(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)
