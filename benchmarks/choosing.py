"""Fits logistic weights that choose one of several: the softmax over the alternatives of each case, then calibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.fitting import fit
from graph.learned import Logistic

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """The features of each alternative as arrays by name, and whether each is right (0 or 1, one at least)."""

    values: Mapping[str, Floats]
    right: Floats


def fit_choice(name: str, every: Sequence[Case], penalty: float = 3.0, *, of_best: bool = False) -> Logistic:
    """Conditional logit with an L2 penalty; then scale and intercept so that the logistic of a score is a probability.

    Of any alternative, or with `of_best` of the best one of each case; cases without a right one count only for that.
    McFadden: Conditional logit analysis of qualitative choice behavior (1974).
    """
    cases = [case for case in every if case.right.sum() > 0]
    names = list(cases[0].values)
    tables = [np.stack([case.values[feature] for feature in names], axis=1) for case in cases]
    table = np.concatenate(tables)
    low, high = np.percentile(table, 0.5, axis=0), np.percentile(table, 99.5, axis=0)
    table = np.clip(table, low, high)
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9)
    starts = np.cumsum([0, *(len(each) for each in tables[:-1])])
    slopes = _minimum((table - mean) / scale, [case.right for case in cases], starts, penalty) / scale
    level = _level(slopes, (low, high), every if of_best else cases, of_best)
    bounds = [dict(zip(names, map(_short, ends), strict=True)) for ends in (low, high)]
    weights = dict(zip(names, map(_short, slopes * level.weights["odds"]), strict=True))
    return Logistic(name, _short(level.bias), weights, *bounds)


def _level(slopes: Floats, bounds: tuple[Floats, Floats], cases: Sequence[Case], of_best: bool) -> Logistic:
    """Odds to probabilities."""
    odds, right = [], []
    for case in cases:
        table = np.clip(np.stack(list(case.values.values()), axis=1), *bounds)
        own = table @ slopes
        kept = [int(np.argmax(own))] if of_best else list(range(len(own)))
        odds += [{"odds": float(own[n])} for n in kept]
        right += [float(case.right[n]) for n in kept]
    return fit("level", odds, right, penalty=0.0)


def _minimum(table: Floats, right: Sequence[Floats], starts: NDArray[np.int_], penalty: float) -> Floats:
    wanted = np.concatenate([each / each.sum() for each in right])
    case = np.repeat(np.arange(len(right)), [len(each) for each in right])

    def loss(point: Floats) -> tuple[float, Floats]:
        odds = table @ point
        odds = odds - np.maximum.reduceat(odds, starts)[case]
        total = np.log(np.add.reduceat(np.exp(odds), starts))[case]
        chance = np.exp(odds - total)
        lost = -float(wanted @ (odds - total)) + penalty / 2 * float(point @ point)
        return lost, np.asarray(table.T @ (chance - wanted) + penalty * point)

    return np.asarray(minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B").x)


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def chosen(model: Logistic, case: Case) -> int:
    """The number of the alternative that the model thinks most of."""
    parts = (w * np.clip(case.values[name], model.low[name], model.high[name]) for name, w in model.weights.items())
    return int(np.argmax(sum(parts)))
