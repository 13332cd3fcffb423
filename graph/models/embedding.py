"""What an embedding is: text to unit vectors, of wholes and of the units in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Small = NDArray[np.int8]
"""Vectors of shape (n, dimensions) at 8 bits, each scaled to its own largest component."""


UNRELATED = (
    "The invoice is due within thirty days.",
    "Penguins huddle together in winter.",
    "She plays the violin every Sunday.",
    "The bridge was closed for repairs.",
    "Add two eggs and stir until smooth.",
    "Chess is played on sixty-four squares.",
    "The server restarts after an update.",
    "Coal formed from ancient forests.",
)
"""Embedded when an embedding that we do not know is opened.

They tell its dimensions, and how alike texts are that have nothing in common.
"""


@dataclass(frozen=True)
class Marked:
    """A text to embed, and the stretches of it (character offsets) that get vectors of their own from the same run."""

    text: str
    spans: Sequence[tuple[int, int]]


class Marks(NamedTuple):
    """What one run of the model makes of a text: its vector, and those of its spans."""

    whole: Vectors
    spans: Small


class QuestionVectors(NamedTuple):
    """A question at unit length: as whole passages are compared with it, and as their units are."""

    whole: Vectors
    units: Vectors


class Embedder(Protocol):
    """Maps texts to float32 vectors of shape (n, dimensions) with unit length.

    `unrelated` is the mean cosine of texts that have nothing to do with one another: 0 for some embeddings, 0.5 for
    others. What is learned from cosines is learned from the share of the way from there to 1.
    """

    name: str
    dimensions: int
    unrelated: float

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def embed_question(self, text: str) -> QuestionVectors: ...

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]: ...

    def count_tokens(self, text: str) -> int: ...


def unit_of(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """A vector at unit length."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def above(cosines: Vectors, unrelated: float) -> Vectors:
    """Cosines as the share of the way from unrelated texts to the same text; at most 1, below 0 for opposites."""
    return (cosines - unrelated) / (1.0 - unrelated)


def mean_cosine(vectors: Vectors) -> float:
    """How alike vectors of unit length are to each other, from 0 to 0.9."""
    others = ~np.eye(len(vectors), dtype=bool)
    return min(0.9, max(0.0, round(float((vectors @ vectors.T)[others].mean()), 3)))
