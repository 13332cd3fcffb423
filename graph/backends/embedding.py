"""What an embedding is: text to unit vectors, of wholes, of stretches and of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..finding.late import Asked, Small, TokenVectors, Vectors


@dataclass(frozen=True)
class Marked:
    """A text to embed, and the stretches of it (character offsets) that get vectors of their own from the same run."""

    text: str
    spans: Sequence[tuple[int, int]]


class Marks(NamedTuple):
    """What one run of the model makes of a text: its vector, those of its spans, and those of its tokens.

    First of the tokens come those that stand in no span.
    """

    whole: Vectors
    spans: Small
    tokens: TokenVectors


class Embedder(Protocol):
    """Maps texts to float32 vectors of shape (n, dimensions) with unit length.

    Vectors of tokens have `token_dimensions`: 0 where an embedding makes none.
    """

    name: str
    dimensions: int
    token_dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def embed_asked(self, text: str) -> Asked: ...

    def embed_heard(self, text: str, heard: str) -> Vectors: ...

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]: ...

    def count_tokens(self, text: str) -> int: ...


def unit_of(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """A vector at unit length."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
