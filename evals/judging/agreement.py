"""How far scores agree with people, and a judge with itself; pure."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap, rankdata

from evals.scores import Score

RESAMPLES, FEWEST = 999, 3
Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float | None]


@dataclass(frozen=True)
class Figure:
    """A figure with the ends of its 95 % interval; None where it cannot be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Agreement:
    """`spearman` is with the people's median, `auroc` of telling what they call faithful.

    `repeats_spearman` and `repeats_same` are a judge's agreement with itself: the mean correlation of two repeats, and
    the share of answers on which all repeats gave the same.
    """

    answers: int
    unscored: int
    reasons: dict[str, int]
    spearman: Figure
    auroc: Figure
    repeats_spearman: float | None = None
    repeats_same: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def agreement(scores: Sequence[Score], medians: Sequence[float], clusters: Sequence[str], bound: float) -> Agreement:
    """Scores against the people's medians, of which those from `bound` on are faithful; all in one order."""
    there = [place for place, score in enumerate(scores) if score.values]
    values = np.array([scores[place].value for place in there], np.float64)
    rated, groups = np.array([medians[place] for place in there], np.float64), [clusters[place] for place in there]
    without = [score.reason for score in scores if not score.values]
    same, among = with_itself([scores[place].values for place in there])
    return Agreement(
        answers=len(there),
        unscored=len(without),
        reasons=dict(Counter(without).most_common()),
        spearman=figure(spearman, values, rated, groups),
        auroc=figure(auroc, values, (rated >= bound).astype(np.float64), groups),
        repeats_spearman=among,
        repeats_same=same,
    )


def with_itself(values: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    """The share of answers with the same value in every repeat, and the mean Spearman of two repeats."""
    if not values or len(values[0]) < 2:
        return None, None
    table = np.array(values, np.float64)
    pairs = [spearman(table[:, one], table[:, other]) for one, other in combinations(range(table.shape[1]), 2)]
    found = [pair for pair in pairs if pair is not None]
    same = float(np.mean(np.ptp(table, axis=1) == 0))
    return same, float(np.mean(found)) if found else None


def figure(statistic: Statistic, scores: Floats, truth: Floats, clusters: Sequence[str]) -> Figure:
    """A statistic with the percentile interval of drawing whole clusters again."""
    value = statistic(scores, truth)
    places = [np.flatnonzero(np.array(clusters) == name) for name in dict.fromkeys(clusters)]
    if value is None or len(places) < FEWEST:
        return Figure(value)

    def drawn(chosen: NDArray[np.intp]) -> float:
        index = np.concatenate([places[place] for place in chosen])
        found = statistic(scores[index], truth[index])
        return np.nan if found is None else found

    with warnings.catch_warnings():
        # A draw in which everything is alike has no correlation; it is left out below.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        units = (np.arange(len(places)),)
        made = bootstrap(units, drawn, n_resamples=RESAMPLES, vectorized=False, method="percentile", rng=0)
    low, high = np.nanpercentile(made.bootstrap_distribution, [2.5, 97.5])
    return Figure(value, float(low), float(high))


def spearman(scores: Floats, truth: Floats) -> float | None:
    """Spearman's correlation: Pearson's of the ranks; None where one side is constant."""
    if len(scores) < FEWEST or not np.ptp(scores) or not np.ptp(truth):
        return None
    return float(np.corrcoef(rankdata(scores), rankdata(truth))[0, 1])


def auroc(scores: Floats, truth: Floats) -> float | None:
    """The chance that what is true scores above what is not (Hanley and McNeil, 1982); None without both."""
    right = truth > 0
    if right.all() or not right.any():
        return None
    ranks, count = rankdata(scores), int(right.sum())
    return float((ranks[right].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))
