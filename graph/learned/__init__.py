"""Small learned models: weights in JSON files beside this one, read without running anything; pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Logistic:
    """A logistic regression over named features; a feature beyond `low` and `high` counts as that bound.

    Beside its weights a file says what it was trained on, under which licences, when and by which command.
    """

    name: str
    bias: float
    weights: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]

    def score(self, values: Mapping[str, float]) -> float:
        """The log-odds; every feature of the model must be given, others are not looked at."""
        return self.bias + sum(
            weight * min(max(values[name], self.low[name]), self.high[name]) for name, weight in self.weights.items()
        )

    def scores(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """The log-odds of many at once."""
        names = list(self.weights)
        table = np.array([[row[name] for name in names] for row in rows], np.float64).reshape(len(rows), len(names))
        low, high, slopes = (np.array([by[name] for name in names]) for by in (self.low, self.high, self.weights))
        found: list[float] = (np.clip(table, low, high) @ slopes + self.bias).tolist()
        return found

    def probability(self, values: Mapping[str, float]) -> float:
        """0 to 1."""
        return logistic(self.score(values))


def logistic(score: float) -> float:
    """1 / (1 + exp(-score)), without overflow."""
    return 1 / (1 + exp(-score)) if score >= 0 else exp(score) / (1 + exp(score))


@cache
def load(name: str) -> Logistic:
    """The model of a file beside this one."""
    fields = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return Logistic(name, fields["bias"], fields["weights"], fields["low"], fields["high"])
