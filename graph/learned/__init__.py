"""Small learned models: weights and trees in JSON files beside this one, read without running anything; pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

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

    def probability(self, values: Mapping[str, float]) -> float:
        """0 to 1."""
        return logistic(self.score(values))


Tree = float | tuple[int, float, Any, Any]
"""What a leaf adds, or the number of a feature, a bound, and the trees for up to it and for above it."""


@dataclass(frozen=True)
class Boosted:
    """Gradient-boosted trees over named features (Friedman, 2001); their sum is the log-odds."""

    name: str
    bias: float
    features: Sequence[str]
    trees: Sequence[Tree]

    def score(self, values: Mapping[str, float]) -> float:
        """The log-odds; every feature of the model must be given, others are not looked at."""
        row = [values[name] for name in self.features]
        return self.bias + sum(_leaf(tree, row) for tree in self.trees)

    def probability(self, values: Mapping[str, float]) -> float:
        """0 to 1."""
        return logistic(self.score(values))


def _leaf(tree: Tree, row: Sequence[float]) -> float:
    while not isinstance(tree, int | float):
        feature, bound, low, high = tree
        tree = low if row[feature] <= bound else high
    return tree


Model = Logistic | Boosted


@dataclass(frozen=True)
class Mean:
    """Models of different kinds that err differently: the log-odds are the mean of theirs."""

    models: Sequence[Model]

    def score(self, values: Mapping[str, float]) -> float:
        """The log-odds; every feature of each model must be given, others are not looked at."""
        return sum(model.score(values) for model in self.models) / len(self.models)


def logistic(score: float) -> float:
    """1 / (1 + exp(-score)), without overflow."""
    return 1 / (1 + exp(-score)) if score >= 0 else exp(score) / (1 + exp(score))


@cache
def load(name: str) -> Model:
    """The model of a file beside this one."""
    fields = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    if "trees" in fields:
        return Boosted(name, fields["bias"], fields["features"], fields["trees"])
    return Logistic(name, fields["bias"], fields["weights"], fields["low"], fields["high"])
