"""Compares two versions on live questions: rates and latencies with 95 % intervals, and their differences.

Shares have Wilson's interval, differences of shares Newcombe's (statsmodels); medians and 95th percentiles of latency,
and their differences, have bootstrap intervals (scipy). Questions are taken as independent of each other, which those
of one conversation are not quite: intervals are then a little too narrow.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.errors import ExtraMissing
from server.observability.answer_store import open_answer_store

STATUSES = ("answered", "partial", "declined")
PRIMARY_RUNGS = ("primary", "hedge")
RESAMPLES = 2000
MIN_QUESTIONS = 8
"""Questions below which a latency has no interval."""
ROWS = """
SELECT q.status, q.ms, q.rung, f.rating FROM questions q LEFT JOIN feedback f USING (request_id)
WHERE q.version = ? AND q.at >= ?
"""
SHADOWED = """
SELECT q.status, q.ms, q.rung, NULL AS rating, q.answered, s.status AS shadow_status, s.ms AS shadow_ms,
  s.rung AS shadow_rung, s.answered AS shadow_answered
FROM shadows s JOIN questions q USING (request_id) WHERE q.version = ? AND s.version = ? AND s.at >= ?
"""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OutcomeEstimate:
    """A value with its 95 % interval; None where there is too little data."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class OutcomeComparison:
    """A metric of two versions, and the second's minus the first's; `unit` is % or ms."""

    metric: str
    unit: str
    first: OutcomeEstimate
    second: OutcomeEstimate
    difference: OutcomeEstimate


@dataclass(frozen=True)
class Outcomes:
    """The questions that one version answered; latencies in milliseconds."""

    version: str
    statuses: list[str]
    rungs: list[str]
    ratings: list[str]
    latencies: Floats

    def share(self, of: str) -> tuple[int, int]:
        """How many of how many; ratings count among the rated, rungs among the answered."""
        match of:
            case "declined" | "partial":
                return self.statuses.count(of), len(self.statuses)
            case "failed":
                return sum(status not in STATUSES for status in self.statuses), len(self.statuses)
            case "fell back":
                return sum(rung not in PRIMARY_RUNGS for rung in self.rungs), len(self.rungs)
            case _:
                return self.ratings.count("down"), len(self.ratings)


SHARES = ("declined", "partial", "failed", "fell back", "thumbs down")


def read_outcomes(state: Path, version: str, since: float) -> Outcomes:
    """The questions that a version was asked since a time in seconds since the epoch."""
    with closing(open_answer_store(state)) as connection:
        rows: list[sqlite3.Row] = connection.execute(ROWS, (version, since)).fetchall()
    return _outcomes(version, rows)


def _outcomes(version: str, rows: Sequence[sqlite3.Row], prefix: str = "") -> Outcomes:
    statuses, rungs = ([row[prefix + name] for row in rows] for name in ("status", "rung"))
    return Outcomes(
        version,
        statuses,
        [rung for rung, status in zip(rungs, statuses, strict=True) if rung and status != "declined"],
        [row["rating"] for row in rows if row["rating"]] if not prefix else [],
        np.array([row[prefix + "ms"] for row in rows if row[prefix + "ms"] is not None], np.float64),
    )


@dataclass(frozen=True)
class ShadowPairs:
    """The same questions answered live by one version and in its shadow by another; `alike`: with the same text."""

    live: Outcomes
    shadow: Outcomes
    alike: OutcomeEstimate


def read_pairs(
    state: Path, version: str, candidate: str, since: float, read: Callable[[str], str] = str
) -> ShadowPairs:
    """The questions that a candidate answered in the shadow of a version, since a time in seconds since the epoch.

    `read` decrypts a stored text.
    """
    with closing(open_answer_store(state)) as connection:
        rows: list[sqlite3.Row] = connection.execute(SHADOWED, (version, candidate, since)).fetchall()
    texts = [
        (json.loads(read(row["answered"])), json.loads(read(row["shadow_answered"]))) for row in rows if _both(row)
    ]
    alike = sum(one["text"] == other["text"] for one, other in texts)
    return ShadowPairs(_outcomes(version, rows), _outcomes(candidate, rows, "shadow_"), _wilson(alike, len(texts)))


def _both(row: sqlite3.Row) -> bool:
    return row["answered"] is not None and row["shadow_answered"] is not None


def compare(first: Outcomes, second: Outcomes) -> list[OutcomeComparison]:
    """Each metric of both and their difference; raises ExtraMissing without statsmodels."""
    shares = [_share(name, first, second) for name in SHARES]
    middle = _latency("median latency", np.median, first, second)
    return [*shares, middle, _latency("95th percentile", _p95, first, second)]


def _share(name: str, first: Outcomes, second: Outcomes) -> OutcomeComparison:
    one, other = first.share(name), second.share(name)
    return OutcomeComparison(name, "%", _wilson(*one), _wilson(*other), _newcombe(one, other))


def _wilson(count: int, of: int) -> OutcomeEstimate:
    if not of:
        return OutcomeEstimate(None)
    low, high = _statsmodels().proportion_confint(count, of, method="wilson")
    return OutcomeEstimate(100 * count / of, 100 * float(low), 100 * float(high))


def _newcombe(one: tuple[int, int], other: tuple[int, int]) -> OutcomeEstimate:
    if not one[1] or not other[1]:
        return OutcomeEstimate(None)
    low, high = _statsmodels().confint_proportions_2indep(*other, *one, method="newcomb", compare="diff")
    return OutcomeEstimate(100 * (other[0] / other[1] - one[0] / one[1]), 100 * float(low), 100 * float(high))


def _latency(name: str, of: Callable[..., Floats], first: Outcomes, second: Outcomes) -> OutcomeComparison:
    one, other = first.latencies, second.latencies

    def apart(a: Floats, b: Floats, axis: int = -1) -> Floats:
        return np.asarray(of(b, axis=axis) - of(a, axis=axis))

    return OutcomeComparison(name, "ms", _resampled(of, one), _resampled(of, other), _resampled(apart, one, other))


def _resampled(of: Callable[..., Floats], *samples: Floats) -> OutcomeEstimate:
    """A statistic of one or more samples with its percentile interval."""
    from scipy.stats import bootstrap

    if not all(map(len, samples)):
        return OutcomeEstimate(None)
    value = float(of(*samples, axis=-1))
    if min(map(len, samples)) < MIN_QUESTIONS:
        return OutcomeEstimate(value)
    found = bootstrap(
        samples, of, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0), vectorized=True
    ).confidence_interval
    return OutcomeEstimate(value, float(found.low), float(found.high))


def _p95(values: Sequence[float], axis: int = -1) -> Floats:
    return np.asarray(np.percentile(values, 95, axis=axis))


def _statsmodels() -> Any:
    try:
        from statsmodels.stats import proportion
    except ModuleNotFoundError as error:
        raise ExtraMissing("Intervals need statsmodels; pip install 'warrant-rag[evals]'.") from error
    return proportion
