"""What something gains: a figure with and without it, the interval of the difference, and what it costs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import timed
from benchmarks.switches import Switch, switched
from benchmarks.train_confidence import WITHOUT

SEED, SAMPLES = 7, 2000
CLOCKED = 60
"""Questions that are timed."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Measured:
    """A figure of a set: a value for each question; with `labels` it is the AUROC of the values, by question `ids`."""

    values: Sequence[float]
    ids: Sequence[str] = ()
    labels: Sequence[bool] = ()


Figures = dict[str, Measured]
Row = dict[str, Any]


def compare(switch: Switch, on: Figures, off: Figures, ms: float | None = None) -> Row:
    """What a switch gains; `ms` where it was timed by itself.

    Figures that follow a comma are of the same set, and so is a set without the documents that answer.
    """
    sets = {name: gain(on[name], off[name]) for name in off}
    ours = {name: name.split(",")[0].removesuffix(WITHOUT) for name in sets}
    row = {"room": switch.room, "without": switch.name, "lines": switch.lines, "ms": ms if ms is None else round(ms, 3)}
    row["gains_on"] = len({ours[name] for name, each in sets.items() if each["low"] > 0})
    row["loses_on"] = len({ours[name] for name, each in sets.items() if each["high"] < 0})
    return {**row, "sets": sets}


def flat(row: Row) -> list[tuple[Any, ...]]:
    """A row for each set."""
    ms = "-" if row["ms"] is None else row["ms"]
    return [(row["without"], row["lines"], ms, name, *found.values()) for name, found in row["sets"].items()]


def gain(on: Measured, off: Measured) -> dict[str, float]:
    """The figure with and without, and the interval of the difference by a paired bootstrap over the questions."""
    _, owners = np.unique(np.array(on.ids or range(len(on.values))), return_inverse=True)
    count = int(owners.max()) + 1
    draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), SAMPLES)[:, owners]
    weights = np.vstack([np.ones(len(owners)), draws])
    with_it, without = statistic(on, weights), statistic(off, weights)
    low, high = np.percentile((with_it - without)[1:], (2.5, 97.5))
    named = {"with": with_it[0], "without": without[0], "gain": with_it[0] - without[0], "low": low, "high": high}
    return {"questions": count, **{name: round(float(value), 4) for name, value in named.items()}}


def statistic(found: Measured, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted mean of the values, or their weighted AUROC, for each row of weights."""
    values = np.asarray(found.values, np.float64)
    if not found.labels:
        return np.asarray(weights @ values / weights.sum(axis=1))
    label = np.asarray(found.labels)
    good, bad = values[label][:, None], values[~label]
    won = (good > bad) + 0.5 * (good == bad)
    ours, others = weights[:, label], weights[:, ~label]
    return np.asarray(((ours @ won) * others).sum(axis=1) / (ours.sum(axis=1) * others.sum(axis=1)))


def extra_ms(switch: Switch, run: Callable[[Item], Any], items: Iterable[Item]) -> float:
    """The median milliseconds that something takes more than without what is taken away."""
    spent = []
    for item in items:
        run(item)
        with_it = timed(run, item).seconds
        with switched(switch.patches):
            run(item)
            spent.append(with_it - timed(run, item).seconds)
    return median(spent) * 1000
