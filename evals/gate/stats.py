"""Statistics of means over dependent samples: intervals, tests and the sizes that they need; pure.

Samples of one cluster are drawn together. `values` and `clusters` are of one length; what is drawn from chance has a
fixed seed, so that the same scores give the same verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap, permutation_test
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

Floats = NDArray[np.float64]
SEED = 20_260_101
RESAMPLES = 9_999
POWER = 0.8
FAR = 20
PAIRS = 2
"""Pairs of imagined samples at both ends of the scale: with no change at all in n samples the bound is then 3.3 / n,
just beyond the exact 3 / n (the rule of three), where a plain bootstrap would be certain."""


@dataclass(frozen=True)
class Interval:
    """A mean with an interval each end of which is a one-sided bound at the level that was asked for.

    `error` is its standard error, imagined samples included; `samples` and `clusters` are how many it was made from.
    """

    value: float
    low: float
    high: float
    error: float
    samples: int
    clusters: int


@dataclass(frozen=True)
class ShareBounds:
    """A share, and a one-sided bound below and above it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Sums:
    """What the samples of each cluster sum to, and how many they are."""

    totals: Floats
    sizes: Floats


def summed(values: Sequence[float], clusters: Sequence[str]) -> Sums:
    """Values by cluster, in the order of the clusters' names."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    found = np.asarray(values, float)
    return Sums(np.bincount(place, found).astype(float), np.bincount(place).astype(float))


def interval(
    values: Sequence[float],
    clusters: Sequence[str],
    alpha: float,
    scale: tuple[float, float] | None,
    resamples: int = RESAMPLES,
) -> Interval:
    """A mean and its interval by the bootstrap over clusters (Davison and Hinkley, 1997), widened by imagined samples.

    `scale` is where the imagined samples lie, None for none: Agresti and Coull (1998) for a share, Bonett and Price
    (2012) for a difference of paired shares, here for every mean of bounded values. `values` are not empty.
    """
    sums, mean = summed(values, clusters), float(np.mean(values))
    widened = _with_imagined(sums, scale) if scale else sums
    low, high = _bounds(widened, alpha, resamples) if len(widened.totals) > 1 else (-inf, inf)
    return Interval(mean, min(low, mean), max(high, mean), standard_error(widened), len(values), len(sums.sizes))


def worse(differences: Sequence[float], clusters: Sequence[str], resamples: int = RESAMPLES) -> float:
    """The one-sided p-value of "these are not below 0": exact McNemar where all are -1, 0 or 1 and none depend.

    Otherwise the test of Fisher that turns the signs of whole clusters, of which McNemar's is the simplest case:
    exact up to 13 clusters that differ, by chance above.
    """
    totals = summed(differences, clusters).totals
    moved = totals[totals != 0]
    if not len(moved):
        return 1.0
    moved = np.append(moved, 0.0) if len(moved) == 1 else moved
    if len(totals) == len(differences) and bool(np.all(np.abs(moved) == 1)):
        return float(binomtest(int((moved < 0).sum()), len(moved), alternative="greater").pvalue)
    found = permutation_test(
        (moved, np.zeros_like(moved)),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        alternative="less",
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def below(values: Sequence[float], clusters: Sequence[str], bound: float, scale: tuple[float, float] | None) -> float:
    """The one-sided p-value of "their mean is not below the bound": exact for shares of samples that none depend.

    Otherwise Student's t of the mean over clusters, widened by imagined samples as the interval is.
    """
    sums = summed(values, clusters)
    if len(sums.totals) == len(values) and set(values) <= {0.0, 1.0} and 0 <= bound <= 1:
        return float(binomtest(int(sum(values)), len(values), bound, alternative="less").pvalue)
    widened = _with_imagined(sums, scale) if scale else sums
    mean = float(widened.totals.sum() / widened.sizes.sum())
    error = standard_error(widened)
    if not error:
        return 1.0 if mean >= bound or len(sums.totals) < 2 else 0.0
    return float(student.cdf((mean - bound) / error, len(widened.totals) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for how many there are (Holm, 1979)."""
    return [float(p) for p in multipletests(p_values, method="holm")[1]] if p_values else []


def smallest_effect(found: Interval, alpha: float) -> float:
    """The difference that would have been shown four times in five, given the spread that was met; inf: none."""
    if found.clusters < 2:
        return inf
    spread = found.error * sqrt(found.clusters)
    effect = float(TTestPower().solve_power(nobs=found.clusters, alpha=alpha, power=POWER, alternative="larger"))
    return effect * spread


def samples_to_settle(found: Interval, bound: float, alpha: float) -> int | None:
    """How many more samples of this kind would settle on which side of the bound the mean lies.

    Settled four times in five, if the mean stays where it is. None where that would be more than FAR times as many.
    """
    gap = abs(found.value - bound)
    if found.clusters < 2 or gap < found.error / FAR:
        return None
    effect = gap / (found.error * sqrt(found.clusters))
    needed = TTestPower().solve_power(effect_size=effect, alpha=alpha, power=POWER, alternative="larger")
    more = float(np.max(needed)) / found.clusters - 1
    return max(1, int(np.ceil(more * found.samples))) if more <= FAR else None


def share_bounds(wrong: Sequence[bool], clusters: Sequence[str], alpha: float) -> ShareBounds:
    """A share with its exact bounds (Clopper and Pearson, 1934), each at the level 1 - alpha.

    Samples of one cluster count for fewer where they are alike: as many as Kish's design effect leaves, as Korn and
    Graubard (1998) do for surveys. Nothing is known of no sample: 0 to 1.
    """
    if not wrong:
        return ShareBounds(0.0, 0.0, 1.0)
    share, many = sum(wrong) / len(wrong), effective_samples(wrong, clusters)
    low, high = proportion_confint(share * many, many, 2 * alpha, "beta")
    return ShareBounds(share, min(float(low), share), max(float(high), share))


def effective_samples(wrong: Sequence[bool], clusters: Sequence[str]) -> float:
    """The effective sample size: never more than there are, as many where none differ.

    A single cluster is one.
    """
    share, many = sum(wrong) / len(wrong), len(wrong)
    if len(set(clusters)) == 1:
        return 1.0
    error = standard_error(summed([float(each) for each in wrong], clusters))
    alone = share * (1 - share) / max(1, many - 1)
    return many * min(1.0, alone / error**2) if alone and error else float(many)


def standard_error(sums: Sums) -> float:
    """The standard error of a mean whose clusters are drawn together (the ratio estimator of Cochran, 1977)."""
    many = len(sums.totals)
    if many < 2:
        return 0.0
    left = sums.totals - np.sum(sums.totals) / np.sum(sums.sizes) * sums.sizes
    return float(np.sqrt(many / (many - 1) * np.sum(left**2)) / np.sum(sums.sizes))


def _with_imagined(sums: Sums, scale: tuple[float, float]) -> Sums:
    ends = np.repeat(np.asarray(scale, float), PAIRS)
    return Sums(np.concatenate([sums.totals, ends]), np.concatenate([sums.sizes, np.ones(len(ends))]))


def _bounds(sums: Sums, alpha: float, resamples: int) -> tuple[float, float]:
    found = bootstrap(
        (sums.totals, sums.sizes),
        lambda totals, sizes, axis: np.sum(totals, axis=axis) / np.sum(sizes, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=1_000,
        confidence_level=1 - 2 * alpha,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)
