"""What the training commands share: the half of a set to develop on, a logistic fit, and the file of weights."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.record import now, print_line
from graph.learned import HERE, Logistic

Features = Sequence[Mapping[str, float]]


def develops(key: str) -> bool:
    """Whether a sample is of the half to develop on, by a hash of its id; the other half is reported on."""
    return sha256(key.encode()).digest()[0] % 2 == 0


def within(key: str, share: float) -> bool:
    """Whether a sample is of a share of them, by a hash of its id."""
    return sha256(key.encode()).digest()[1] < 256 * share


def fit(
    name: str, rows: Features, labels: Sequence[float], penalty: float = 1.0, weights: Sequence[float] | None = None
) -> Logistic:
    """Logistic regression with an L2 penalty on standardised features, clipped to their 0.5 and 99.5 percentiles.

    `labels` are 0 to 1; `weights` say how much each row counts (default 1); the intercept is not penalised.
    """
    names = list(rows[0])
    table = np.array([[row[feature] for feature in names] for row in rows], np.float64)
    low, high = np.percentile(table, 0.5, axis=0), np.percentile(table, 99.5, axis=0)
    table = np.clip(table, low, high)
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9)
    wanted = np.asarray(labels, np.float64)
    counts = np.ones_like(wanted) if weights is None else np.asarray(weights, np.float64)
    found = _minimum((table - mean) / scale, wanted, counts, penalty)
    slopes = found[:-1] / scale
    bounds = [dict(zip(names, map(_short, ends), strict=True)) for ends in (low, high)]
    named = dict(zip(names, map(_short, slopes), strict=True))
    return Logistic(name, _short(found[-1] - slopes @ mean), named, *bounds)


def _minimum(
    table: NDArray[np.float64], wanted: NDArray[np.float64], counts: NDArray[np.float64], penalty: float
) -> NDArray[np.float64]:
    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = table @ point[:-1] + point[-1]
        wrong = counts * (1 / (1 + np.exp(-np.clip(odds, -40, 40))) - wanted)
        total = np.sum(counts * (np.logaddexp(0, odds) - wanted * odds)) + penalty / 2 * point[:-1] @ point[:-1]
        return float(total), np.append(table.T @ wrong + penalty * point[:-1], wrong.sum())

    return np.asarray(minimize(loss, np.zeros(table.shape[1] + 1), jac=True, method="L-BFGS-B").x)


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def write(model: Logistic, trained_on: Mapping[str, str], command: str, about: Mapping[str, Any] | None = None) -> None:
    """Write a model's file; `trained_on` gives each set with its source and licence."""
    fields = {
        "trained_on": dict(trained_on),
        "command": command,
        "date": now(),
        "about": dict(about or {}),
        "bias": model.bias,
        "weights": dict(model.weights),
        "low": dict(model.low),
        "high": dict(model.high),
    }
    path = HERE / f"{model.name}.json"
    path.write_text(json.dumps(fields, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print_line(f"Written to graph/learned/{path.name}, {path.stat().st_size} bytes")
