"""Pools token vectors to span vectors; pure."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .embedding import Int8Vectors, Vectors

TokenNumbers = NDArray[np.int64]
"""Integers of shape (tokens,)."""
Item = TypeVar("Item")


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
