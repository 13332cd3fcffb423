"""What becomes of the tokens that a model has seen: vectors of spans, and whose tokens they are; pure."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .embedding import Small, Vectors

Places = NDArray[np.int64]
"""Whole numbers about tokens, of shape (tokens,)."""
Item = TypeVar("Item")


def inner(values: Sequence[Item], size: int) -> list[Item]:
    """What belongs to the tokens between the two that mark the ends, of those that the model has seen."""
    return list(values[1 : size - 1])


def owners_of(found: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Places:
    """The number of the span that each token stands in, -1 for none; tokens of no width stand in none."""
    places = np.array(found, np.int64).reshape(-1, 2)
    owners = np.full(len(places), -1, np.int64)
    for number, (start, end) in enumerate(spans):
        owners[(places[:, 0] >= start) & (places[:, 1] <= end) & (places[:, 1] > places[:, 0])] = number
    return owners


def span_vectors(tokens: Vectors, owners: Places, whole: Vectors, spans: int) -> Small:
    """The mean token of each span at 8 bits; the whole text's where a span has none."""
    means = np.empty((spans, len(whole)), np.float32)
    for row in range(spans):
        inside = tokens[owners == row]
        means[row] = inside.mean(axis=0) if len(inside) else whole
    return small(means)


def small(vectors: NDArray[np.float32]) -> Small:
    """At 8 bits, each vector scaled to its own largest component."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-12)
    found: Small = np.rint(vectors * (127 / largest)).astype(np.int8)
    return found
