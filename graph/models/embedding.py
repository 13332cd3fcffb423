"""The Embedder protocol and its types: unit vectors of texts, and how those of the spans in them are pooled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Int8Vectors = NDArray[np.int8]
"""8-bit vectors of shape (n, dimensions), each scaled to its largest component."""
TokenNumbers = NDArray[np.int64]
"""Integers of shape (tokens,)."""
Item = TypeVar("Item")


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
"""Unrelated texts, embedded to measure the dimensions and the base similarity of an unknown embedding."""


@dataclass(frozen=True)
class TextWithSpans:
    """A text to embed, and the character offsets of spans that get vectors of their own."""

    text: str
    spans: Sequence[tuple[int, int]]


class TextVectors(NamedTuple):
    """The vector of a text and the vectors of its spans."""

    whole: Vectors
    spans: Int8Vectors


class QuestionVectors(NamedTuple):
    """The unit vectors of a question for comparison with whole passages, and with their units."""

    whole: Vectors
    units: Vectors


class Embedder(Protocol):
    """Maps texts to float32 vectors of shape (n, dimensions) with unit length.

    `unrelated` is the mean cosine of unrelated texts: 0 for some embeddings, 0.5 for others. Learned models use
    cosines rescaled from there to 1.
    """

    name: str
    dimensions: int
    unrelated: float

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def embed_question(self, text: str) -> QuestionVectors: ...

    def embed_with_spans(self, texts: Sequence[TextWithSpans]) -> list[TextVectors]: ...

    def count_tokens(self, text: str) -> int: ...


def normalise_vector(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """A vector at unit length."""
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def products(vectors: Vectors, vector: Vectors) -> Vectors:
    """The product of each row with a vector; BLAS would wake a thread for each core, and wait for all of them."""
    found: Vectors = np.einsum("ij,j->i", vectors, vector)
    return found


def relative_cosines(cosines: Vectors, unrelated: float) -> Vectors:
    """Rescale cosines so that unrelated texts have 0 and equal texts 1."""
    return (cosines - unrelated) / (1.0 - unrelated)


def mean_cosine(vectors: Vectors) -> float:
    """The mean cosine between different vectors, limited to 0 to 0.9."""
    others = ~np.eye(len(vectors), dtype=bool)
    return min(0.9, max(0.0, round(float((vectors @ vectors.T)[others].mean()), 3)))


def without_special_tokens(values: Sequence[Item], size: int) -> list[Item]:
    """The values of the first `size` tokens without the special tokens at both ends."""
    return list(values[1 : size - 1])


def span_of_tokens(offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> TokenNumbers:
    """The number of the span that contains each token, -1 for none and for tokens without width."""
    token_offsets = np.array(offsets, np.int64).reshape(-1, 2)
    span_numbers = np.full(len(token_offsets), -1, np.int64)
    for number, (start, end) in enumerate(spans):
        span_numbers[
            (token_offsets[:, 0] >= start) & (token_offsets[:, 1] <= end) & (token_offsets[:, 1] > token_offsets[:, 0])
        ] = number
    return span_numbers


def span_vectors(tokens: Vectors, span_numbers: TokenNumbers, whole: Vectors, spans: int) -> Int8Vectors:
    """The mean of each span's tokens as 8-bit vectors; the whole text's vector for a span without tokens."""
    means = np.empty((spans, len(whole)), np.float32)
    for row in range(spans):
        span_tokens = tokens[span_numbers == row]
        means[row] = span_tokens.mean(axis=0) if len(span_tokens) else whole
    return to_int8(means)


def to_int8(vectors: NDArray[np.float32]) -> Int8Vectors:
    """8-bit vectors, each scaled to its largest component."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-12)
    scaled: Int8Vectors = np.rint(vectors * (127 / largest)).astype(np.int8)
    return scaled
