"""Measure the gate by simulation: how often it passes a release that is worse, and one that is as good.

Each dataset is made of documents with one to four questions, whose scores depend on each other (correlation 0.3 of what
differs). A pass/fail metric changes on 6, 12 or 24 % of the questions, as releases with small, middling and large
changes do; a metric between 0 and 1 changes on half of them. The drop is the true difference of the means.

  one     one pass/fail metric with a margin
  graded  one metric between 0 and 1 with a margin
  six     six metrics, three of each kind, that drop together
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.special import ndtr

from benchmarks.record import Target, begin, cores, print_table, record
from evals.dataset import Dataset, Sample
from evals.gate.criteria import ScoredRelease
from evals.gate.decision import judge_criteria, overall
from evals.gate.thresholds import Threshold, Thresholds
from evals.gate.verdict import EvaluatedRelease
from evals.scores import Score

SIZES = (50, 100, 200, 500)
REPEATS, RESAMPLES = 250, 999
"""How often each trial is drawn, and the resamples of each verdict: a tenth of the gate's own, which is as honest."""
BINARY = ("answered", "exact_match", "routed_rightly")
GRADED = ("token_f1", "groundedness", "citation_recall")
SUITES: Mapping[str, tuple[str, ...]] = {"one": BINARY[:1], "graded": GRADED[:1], "six": BINARY + GRADED}
DEPENDENCE = 0.3
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """What is simulated: `changed` is the share of questions on which a pass/fail metric differs."""

    suite: str
    samples: int
    changed: float
    drop: float
    margin: float


def main() -> None:
    begin(__doc__)
    trials = list(plan())
    with ProcessPoolExecutor(cores()) as pool:
        found = list(track(pool.map(shares, trials), total=len(trials), description="Simulating"))
    rows = [{**trial.__dict__, **share} for trial, share in zip(trials, found, strict=True)]
    columns = list(rows[0])
    print_table("Verdicts", columns, [[row[name] for name in columns] for row in rows])
    record("gating", {"repeats": REPEATS, "resamples": RESAMPLES, "trials": rows}, targets(rows))


def plan() -> Iterator[Trial]:
    """No difference against a margin of 0 and of 5 points, a drop of the margin, and drops beyond it."""
    for suite, samples in product(SUITES, SIZES):
        for changed in (0.06, 0.12, 0.24) if suite == "one" else (0.12,):
            for drop, margin in ((0.0, 0.0), (0.0, 0.05), (0.05, 0.05), (0.05, 0.02)):
                yield Trial(suite, samples, changed, drop, margin)


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """By number of samples, over all suites and shares of changed questions, against what the gate is to reach."""

    def share(of: str, **where: object) -> float:
        found = [row[of] for row in rows if all(row[name] == value for name, value in where.items())]
        return round(float(sum(found)) / len(found), 4)

    wrong = [
        target
        for n in SIZES
        for target in (
            Target(
                f"n = {n}, no difference, margin 0: passed",
                share("passed", samples=n, drop=0.0, margin=0.0),
                at_most=0.05,
            ),
            Target(
                f"n = {n}, worse by the whole margin: passed",
                share("passed", samples=n, drop=0.05, margin=0.05),
                at_most=0.05,
            ),
            Target(f"n = {n}, no difference: failed", share("failed", samples=n, drop=0.0, margin=0.05), at_most=0.05),
        )
    ]
    drop = {"drop": 0.05, "margin": 0.02, "samples": 200}
    shown = share("failed", **drop, suite="one", changed=0.06)
    return [
        *wrong,
        Target("n = 200, 5 points worse: not passed", round(1 - share("passed", **drop), 4), at_least=0.8),
        Target("n = 200, 5 points worse, 6 % of a pass/fail metric changed: failed", shown, at_least=0.8),
        Target("n = 200, 5 points worse, graded metric: failed", share("failed", **drop, suite="graded"), at_least=0.8),
        Target("n = 200, 5 points worse, six metrics: failed", share("failed", **drop, suite="six"), at_least=0.8),
    ]


def shares(trial: Trial) -> dict[str, float]:
    """How often each verdict was given."""
    chance = np.random.default_rng([round(1000 * part) for part in (trial.samples, trial.changed, trial.drop)])
    counted = Counter(verdict(trial, chance) for _ in range(REPEATS))
    names = {"passed": "pass", "failed": "fail", "could not tell": "cannot tell"}
    return {told: counted[says] / REPEATS for told, says in names.items()}


def verdict(trial: Trial, chance: np.random.Generator) -> str:
    """What the gate says of one dataset that was drawn."""
    place = documents(trial.samples, chance)
    samples = tuple(
        Sample(id=str(n), question="?", answerable=True, cluster=str(document)) for n, document in enumerate(place)
    )
    pairs = {
        name: passed(trial, place, chance) if name in BINARY else graded(trial, place, chance)
        for name in SUITES[trial.suite]
    }
    thresholds = Thresholds(threshold=tuple(Threshold(metric=name, margin=trial.margin) for name in pairs))
    sides = [
        ScoredRelease(
            EvaluatedRelease(label=label, release=label, snapshot=""),
            {
                name: {str(n): Score(sample=str(n), metric=name, values=(value,)) for n, value in enumerate(pair[side])}
                for name, pair in pairs.items()
            },
        )
        for side, label in enumerate(("release", "champion"))
    ]
    findings = judge_criteria(thresholds, Dataset("simulated", samples), sides[0], sides[1], RESAMPLES)
    return overall(findings, sides[1])[0]


def documents(samples: int, chance: np.random.Generator) -> NDArray[np.intp]:
    """The document of each question: one to four questions each, two on average."""
    sizes = chance.choice([1, 2, 3, 4], samples, p=[0.45, 0.25, 0.2, 0.1])
    return np.repeat(np.arange(samples), sizes)[:samples]


def dependent(place: NDArray[np.intp], chance: np.random.Generator) -> Floats:
    """Uniform draws that are alike within a document."""
    shared, own = chance.standard_normal(len(place))[place], chance.standard_normal(len(place))
    return np.asarray(ndtr(np.sqrt(DEPENDENCE) * shared + np.sqrt(1 - DEPENDENCE) * own))


def passed(trial: Trial, place: NDArray[np.intp], chance: np.random.Generator) -> tuple[Floats, Floats]:
    """A pass/fail metric of release and champion, which is right on three quarters of what does not change."""
    draw = dependent(place, chance)
    lost, won = (trial.changed + trial.drop) / 2, (trial.changed - trial.drop) / 2
    same = (chance.random(len(place)) < 0.75).astype(float)
    release = np.where(draw < lost, 0.0, np.where(draw > 1 - won, 1.0, same))
    champion = np.where(draw < lost, 1.0, np.where(draw > 1 - won, 0.0, same))
    return release, champion


def graded(trial: Trial, place: NDArray[np.intp], chance: np.random.Generator) -> tuple[Floats, Floats]:
    """A metric between 0 and 1: half of the questions score the same, the others move by a spread of 0.2."""
    champion = chance.uniform(0.35, 0.65, len(place))
    noise = np.sqrt(12) * 0.2 * (dependent(place, chance) - 0.5)
    moved = chance.random(len(place)) < 0.5
    return champion + np.where(moved, noise - 2 * trial.drop, 0.0), champion


if __name__ == "__main__":
    main()
