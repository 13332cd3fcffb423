"""Bounds of means over dependent samples, and how many samples a bound needs; pure.

A bound is Gaffke's (2005; Learned-Miller and Thomas, 2019): the clusters and one imagined cluster at the worst end of
the scale are weighted by a flat Dirichlet distribution, and the bound is a quantile of the weighted mean. For shares it
is the exact bound of Clopper and Pearson. It holds for few, tied and skewed values, which normal intervals do not.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import foldnorm, pearson3
from statsmodels.stats.proportion import proportion_confint

Floats = NDArray[np.float64]
Scale = tuple[float, float]
"""The least and the largest value that there can be."""
Decision = Callable[[Floats], NDArray[np.bool_]]
"""Of datasets by how often they have each cluster: whether each of them is settled."""
SEED = 20_260_101
POWER, DRAWS, FAR = 0.8, 500, 20
"""What "settles" means, datasets drawn to see whether it does, and times as many samples at which that is given up."""
BEYOND = 2.0
"""Where values have no end: the imagined cluster is this many times as far from the mean as the farthest one met."""


@dataclass(frozen=True)
class Levels:
    """The chance that the mean lies below the low end of an interval, and that it lies above the high end."""

    low: float
    high: float


@dataclass(frozen=True)
class Interval:
    """A mean with a one-sided bound on each side, and how many samples and clusters it was made from."""

    value: float
    low: float
    high: float
    samples: int
    clusters: int


@dataclass(frozen=True)
class Sums:
    """What the samples of each cluster sum to, and how many they are."""

    totals: Floats
    sizes: Floats

    @property
    def turned(self) -> "Sums":
        return Sums(-self.totals, self.sizes)


def summed(values: Sequence[float], clusters: Sequence[str]) -> Sums:
    """Values by cluster, in the order of the clusters' names."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    found = np.asarray(values, float)
    return Sums(np.bincount(place, found).astype(float), np.bincount(place).astype(float))


def interval(values: Sequence[float], clusters: Sequence[str], levels: Levels, scale: Scale | None) -> Interval:
    """A mean and its interval; `values` are not empty. One cluster bounds nothing but what the scale does."""
    sums, mean = summed(values, clusters), float(np.mean(values))
    low, high = (float(ends[0]) for ends in bounds(sums, np.ones((1, len(sums.sizes))), levels, scale))
    return Interval(mean, min(low, mean), max(high, mean), len(values), len(sums.sizes))


def bounds(sums: Sums, counts: Floats, levels: Levels, scale: Scale | None) -> tuple[Floats, Floats]:
    """The low and the high end for each row of `counts`: a dataset that has each cluster so many times."""
    turned = (-scale[1], -scale[0]) if scale else None
    return _lower(sums, counts, levels.low, scale), -_lower(sums.turned, counts, levels.high, turned)


def samples_to_settle(
    own: Sums, expected: Sums, bound: float, levels: Levels, scale: Scale | None, *, mean_is_known: bool = False
) -> int | None:
    """How many samples beside one's own settle on which side of the bound the mean lies, four times in five.

    `expected` is what they will be drawn from. Its mean is an estimate, unless it is known: the samples are those of a
    mean that is as far from the bound as the median of what it may be. By the estimate alone they would be far too many
    where it happens to lie near the bound. None: more than FAR times as many as there are would be needed.
    """
    both = np.concatenate([[own.totals, own.sizes], [expected.totals, expected.sizes]], axis=1)
    different, place = np.unique(both, axis=1, return_inverse=True)
    clusters, there = len(own.sizes), Sums(*different)
    at_hand, many = (
        np.bincount(each, minlength=len(there.sizes)).astype(float)
        for each in np.split(place.reshape(-1), [len(own.sizes)])
    )

    def settles(counts: Floats) -> NDArray[np.bool_]:
        low, high = bounds(there, at_hand + counts, levels, scale)
        return (low >= bound) | (high < bound)

    weights = many / many.sum() if mean_is_known else _moved_off(there, many, bound)
    needed = clusters_needed(weights, settles, FAR * clusters)
    return None if needed is None else round(needed * float(expected.sizes.mean()))


def _moved_off(sums: Sums, many: Floats, bound: float) -> Floats:
    """Weights of the clusters, tilted until the mean is as far from the bound as the median of what it may be."""
    left = sums.totals - bound * sums.sizes
    distance = float(many @ left) / float(many @ sums.sizes)
    error = math.sqrt(float(many @ (left - distance * sums.sizes) ** 2)) / float(many @ sums.sizes)
    even: Floats = many / many.sum()
    if not error:
        return even
    wanted = math.copysign(float(foldnorm.median(abs(distance) / error)) * error, distance)

    off = left - wanted * sums.sizes
    if not off[many > 0].min() < 0 < off[many > 0].max():
        return even  # No mixture of what was met has this mean.

    def tilted(by: float) -> Floats:
        powers = by * off / np.ptp(off)
        weights = many * np.exp(powers - powers.max())
        found: Floats = weights / weights.sum()
        return found

    return tilted(float(brentq(lambda by: float(tilted(by) @ off), -500, 500)))


def clusters_needed(weights: Floats, settles: Decision, most: int) -> int | None:
    """The fewest clusters, drawn by their weights, with which `settles` is true four times in five."""
    if power(weights, settles, most) < POWER:
        return None
    least, many = 2, 16
    while many < most and power(weights, settles, many) < POWER:
        least, many = many + 1, min(most, 2 * many)
    while least < many:
        middle = (least + many) // 2
        least, many = (least, middle) if power(weights, settles, middle) >= POWER else (middle + 1, many)
    return many


def power(weights: Floats, settles: Decision, many: int) -> float:
    """How often `settles` is true for datasets of so `many` clusters, drawn by their weights."""
    counts = np.random.default_rng(SEED).multinomial(many, weights, DRAWS)
    return float(np.mean(settles(counts.astype(float))))


def _lower(sums: Sums, counts: Floats, alpha: float, scale: Scale | None) -> Floats:
    many, samples = counts.sum(1), counts @ sums.sizes
    if scale and _is_share(sums, scale):
        reached = np.round((counts @ sums.totals - samples * scale[0]) / (scale[1] - scale[0]))
        share: Floats = proportion_confint(reached, samples, 2 * alpha, "beta")[0]
        return scale[0] + (scale[1] - scale[0]) * share
    size, total = samples / many, counts @ sums.totals
    worst = np.full(len(counts), scale[0]) if scale else _beyond(sums, counts, total / samples)
    middle = (total + size * worst) / (samples + size)
    left = (sums.totals - np.outer(middle, sums.sizes)) / size[:, None]
    second = (np.sum(counts * left**2, 1) + (worst - middle) ** 2) / (many + 1)
    third = (np.sum(counts * left**3, 1) + (worst - middle) ** 3) / (many + 1)
    spread = np.sqrt(second / (many + 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = 2 * third / ((many + 2) * (many + 3)) / spread**3
        found: Floats = np.where(spread > 0, pearson3.ppf(alpha, skew, middle, spread), middle)
    return np.maximum(found, scale[0]) if scale else np.asarray(np.where(many > 1, found, -inf))


def _is_share(sums: Sums, scale: Scale) -> bool:
    """Whether every value is at one end of the scale, and no sample depends on another."""
    return bool(np.all(sums.sizes == 1) and np.all(np.isin(sums.totals, scale)))


def _beyond(sums: Sums, counts: Floats, mean: Floats) -> Floats:
    lowest: Floats = np.where(counts > 0, sums.totals / sums.sizes, inf).min(1)
    return mean - BEYOND * (mean - lowest)
