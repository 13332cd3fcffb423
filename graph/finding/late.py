"""Late interaction: how nearly each token of a question is met by the tokens of a passage and of its units; pure.

Khattab, Zaharia: ColBERT (2020), over the tokens of the embedding that is there anyway; no model is trained for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Small = NDArray[np.int8]
"""Vectors of shape (n, dimensions) at 8 bits, each scaled to its own largest component."""


Signs = NDArray[np.uint8]
"""The signs of vectors as bits, of shape (n, dimensions / 8): 1 where a component is above 0."""


class TokenVectors(NamedTuple):
    """A passage's tokens: first those of its heading, then those of each unit; `counts` says how many.

    Of a token's vector, less the mean of all tokens, the signs are kept: of nDCG@10 by tokens alone this costs less
    than any other way to as few bytes (docs/decisions/022).
    """

    signs: Signs
    counts: list[int]


class Asked(NamedTuple):
    """A question as passages are compared with it: its vector, and those of its tokens less the mean of all tokens.

    All are of unit length. `telling` are the tokens of words that carry a meaning. Some embeddings have no tokens.
    """

    vector: Vectors
    tokens: Vectors
    telling: NDArray[np.bool_]


class Near(NamedTuple):
    """How near a question is to each unit of a passage, by cosines from -1 to 1.

    `similar`: as a whole. `met`: the mean over the question's tokens of the nearest token of the unit; `headed`: of the
    unit or of the passage's heading. `least`: of the telling token of the question that is met worst, heading included.
    """

    similar: list[float]
    met: list[float]
    headed: list[float]
    least: list[float]


def late(asked: Asked, passages: Sequence[TokenVectors]) -> list[float]:
    """For each passage the mean, over the question's tokens, of the cosine of its nearest token, -1 to 1.

    A passage without tokens gets the lowest of the others, or 0 where none has any.
    """
    met = [float(own.max(axis=0).mean()) if len(own) else None for own in _cosines(asked, passages)]
    lowest = min((value for value in met if value is not None), default=0.0)
    return [lowest if value is None else value for value in met]


def near(asked: Asked, units: Sequence[Small], tokens: Sequence[TokenVectors]) -> list[Near]:
    """For each passage how near its units are; a unit without tokens counts as the worst of all."""
    whole = _alike(asked.vector, units)
    found = [_units(own, held.counts, asked.telling) for own, held in zip(_cosines(asked, tokens), tokens, strict=True)]
    known = [part[~np.isnan(part).any(axis=1)] for part in found]
    worst = np.concatenate([np.ones((1, 3), np.float32), *known]).min(axis=0)
    filled = [np.where(np.isnan(part), worst, part) for part in found]
    return [Near(_plain(cosines), *map(_plain, part.T)) for cosines, part in zip(whole, filled, strict=True)]


def meant(vector: Vectors, units: Sequence[Small]) -> list[float]:
    """For each passage the mean cosine of its units to a vector of unit length; 0 where it has no unit."""
    return [float(own.mean()) if len(own) else 0.0 for own in _alike(vector, units)]


def _alike(vector: Vectors, units: Sequence[Small]) -> list[Vectors]:
    """Of each passage the cosines of its units to a vector of unit length."""
    return [unit(own.astype(np.float32)) @ vector for own in units]


def _units(cosines: Vectors, counts: Sequence[int], telling: NDArray[np.bool_]) -> Vectors:
    """`met`, `headed` and `least` of each unit, of shape (units, 3); not a number where a unit has no tokens."""
    head, *own = np.split(cosines, np.cumsum(counts)[:-1]) if counts else [cosines]
    above = head.max(axis=0, initial=-1.0)
    return np.array([_unit(each, above, telling) for each in own], np.float32).reshape(-1, 3)


def _unit(cosines: Vectors, above: Vectors, telling: NDArray[np.bool_]) -> tuple[float, float, float]:
    if not len(cosines):
        return (np.nan, np.nan, np.nan)
    met = cosines.max(axis=0)
    headed = np.maximum(met, above)
    return float(met.mean()), float(headed.mean()), float(headed[telling].min(initial=1.0))


def _cosines(asked: Asked, passages: Sequence[TokenVectors]) -> list[Vectors]:
    """Of each passage's tokens to the question's, of shape (tokens, question's tokens)."""
    sizes = [len(own.signs) for own in passages]
    if not sum(sizes) or not len(asked.tokens):
        return [np.empty((0, len(asked.tokens)), np.float32)] * len(passages)
    whole = directions(np.concatenate([own.signs for own in passages if len(own.signs)]))
    return np.split(whole @ asked.tokens.T, np.cumsum(sizes)[:-1])


def signs(vectors: Vectors) -> Signs:
    """The signs of each vector's components; their number is a multiple of 8."""
    return np.packbits(vectors > 0, axis=1)


def directions(kept: Signs) -> Vectors:
    """The vectors of unit length whose components have such signs and are all as large."""
    found = np.unpackbits(kept, axis=1).astype(np.float32)
    found *= 2.0
    found -= 1.0
    found /= np.float32(np.sqrt(found.shape[1] or 1))
    return found


def unit(vectors: Vectors) -> Vectors:
    """Each vector at unit length."""
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return found


def _plain(values: Vectors) -> list[float]:
    return [round(float(value), 5) for value in values]
