"""Measure the gate by simulation: how often it passes and fails releases whose true difference is known.

A margin, or the distance of a floor from the champion's mean, is 5 points everywhere. A release loses nothing, 3 points
(which is allowed), 5 (the worst that is) or 10.

  right      0 or 1, against a floor
  tied       0, a half or 1, against a floor
  skewed     nearly always 1 and else anything, against a floor
  flips      0 or 1, of which 12 % change, against a margin
  graded     differences between 0 and 1 of half of the questions, against a margin
  clustered  flips in documents with one to four questions that move together (correlation 0.3)

The planner is given a run of 200 questions that a noisy model was asked three times; what it says is held against
releases of the same model on other questions. "More samples" is held against the truth in the same way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.special import ndtr

from benchmarks.record import Target, begin, print_table, record
from evals.dataset import Dataset, Sample
from evals.gate.criteria import Criterion, ScoredRelease
from evals.gate.decision import samples_needed
from evals.gate.plan import plan
from evals.gate.stats import Floats, Levels, Scale, Sums, bounds, interval
from evals.gate.thresholds import Kind, Threshold, Thresholds
from evals.runs import EvaluatedRelease
from evals.scores import Score

SIZES, LOSSES, MARGIN, ALPHA = (20, 60, 200, 600), (0.0, 0.03, 0.05, 0.1), 0.05, 0.05
DRAWS, ATOMS, AT_ONCE = 10_000, 200, 1_000
CLUSTERS = 100_000
"""They are drawn: so many that the mean of their population is the one that is wanted. Few of them differ."""
LEVELS = Levels(ALPHA, ALPHA / 2)
"""Those that the gate uses for a single criterion."""
SHARE, CHANGE = (0.0, 1.0), (-1.0, 1.0)
SCALES: Mapping[str, Scale] = {
    "right": SHARE,
    "tied": SHARE,
    "skewed": SHARE,
    "flips": CHANGE,
    "graded": CHANGE,
    "clustered": CHANGE,
}


@dataclass(frozen=True)
class Population:
    """The clusters that datasets are drawn from, how likely each of them is, and the bound that is asked."""

    sums: Sums
    weights: Floats
    scale: Scale
    bound: float

    @property
    def size(self) -> float:
        """Samples of a cluster."""
        return float(self.weights @ self.sums.sizes)


def main() -> None:
    begin(__doc__)
    cells = list(product(SCALES, SIZES))
    rows = [verdicts(kind, samples) for kind, samples in track(cells, description="Simulating verdicts")]
    columns = list(rows[0])
    print_table("Verdicts", columns, [[row[name] for name in columns] for row in rows])
    planned = [planning(repeats, seed) for repeats in (1, 3) for seed in track(range(12), description="Planning")]
    more = [row for kind in track(list(SCALES), description="More samples") for row in settling(kind)]
    print_table("More samples", list(more[0]), [list(row.values()) for row in more])
    record(
        "gating", {"draws": DRAWS, "verdicts": rows, "plans": planned, "more": more}, list(targets(rows, planned, more))
    )


def verdicts(kind: str, samples: int, draws: int = DRAWS) -> dict[str, Any]:
    """How often the gate passes and fails what is as good, allowed, at the bound and beyond it."""
    at = {loss: shares(population(kind, loss), samples, draws) for loss in LOSSES}
    return {
        "kind": kind,
        "n": samples,
        "at the bound: passed": at[0.05][0],
        "at the bound: failed": at[0.05][1],
        "3 points lost: failed": at[0.03][1],
        "as good: passed": at[0.0][0],
        "10 points lost: failed": at[0.1][1],
    }


def shares(of: Population, samples: int, draws: int = DRAWS) -> tuple[float, float]:
    """How often datasets of so many samples pass and fail."""
    found = [decided(of, drawn) for drawn in counts(of, samples, draws)]
    passed, failed = (round(float(np.mean(np.concatenate(each))), 4) for each in zip(*found, strict=True))
    return passed, failed


def decided(of: Population, drawn: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    low, high = bounds(of.sums, drawn, LEVELS, of.scale)
    return low >= of.bound, high < of.bound


def counts(of: Population, samples: int, draws: int) -> Iterator[Floats]:
    """How often each cluster is in each dataset."""
    chance = np.random.default_rng(samples)
    for _ in range(0, draws, AT_ONCE):
        yield chance.multinomial(round(samples / of.size), of.weights, min(draws, AT_ONCE)).astype(float)


def population(kind: str, loss: float) -> Population:
    """A kind of scores whose mean is the loss below that of a release which is as good."""
    even = (np.arange(ATOMS) + 0.5) / ATOMS
    sizes = np.ones(ATOMS)
    if kind == "right":
        totals = np.where(even < 0.9 - loss, 1.0, 0.0)
    elif kind == "tied":
        totals = np.where(even < (0.1 + loss) / 2, 0.0, np.where(even < 1.5 * (0.1 + loss), 0.5, 1.0))
    elif kind == "skewed":
        wrong = 2 * (0.1 + loss)
        totals = np.where(even < wrong, even / wrong, 1.0)
    elif kind == "graded":
        totals = np.where(even < 0.5, 0.8 * (even - 0.25), 0.0) - loss
    elif kind == "flips":
        totals = flips(even, loss)
    else:
        chance = np.random.default_rng(1)
        sizes = chance.choice([1.0, 2.0, 3.0, 4.0], CLUSTERS, p=[0.45, 0.25, 0.2, 0.1])
        shared, own = chance.standard_normal((CLUSTERS, 1)), chance.standard_normal((CLUSTERS, 4))
        each = flips(ndtr(np.sqrt(0.3) * shared + np.sqrt(0.7) * own), loss)
        totals = np.sum(each * (np.arange(4) < sizes[:, None]), axis=1)
    different, many = np.unique(np.stack([totals, sizes]), axis=1, return_counts=True)
    bound = float(totals.sum() / sizes.sum()) + loss - MARGIN
    return Population(Sums(*different), many / many.sum(), SCALES[kind], bound)


def flips(even: Floats, loss: float) -> Floats:
    """12 % change, as many for the worse as for the better but for the loss."""
    return np.where(even < (0.12 + loss) / 2, -1.0, np.where(even > 1 - (0.12 - loss) / 2, 1.0, 0.0))


def planning(repeats: int, seed: int, draws: int = 500) -> dict[str, float]:
    """What the planner says from a run of three repeats, and how often that many samples of the same model pass."""
    chance = np.random.default_rng(seed)
    run = chance.random((200, 3)) < right(200, chance)[:, None]
    samples = tuple(Sample(id=str(n), question="?", answerable=True) for n in range(len(run)))
    scores = {
        str(n): Score(sample=str(n), metric="answered", values=tuple(map(float, each))) for n, each in enumerate(run)
    }
    release = ScoredRelease(EvaluatedRelease(label="champion", release="", snapshot=""), {"answered": scores})
    thresholds = Thresholds(threshold=(Threshold(metric="answered", margin=MARGIN),))
    found = plan(thresholds, Dataset("simulated", samples), release, None, (repeats,)).needed[repeats]
    needed = found or 0
    rates = np.stack([right(needed, chance) for _ in range(draws)])
    sides = [chance.binomial(repeats, rates) / repeats for _ in range(2)]
    passed = [
        float(bounds(Sums(change, np.ones(needed)), np.ones((1, needed)), LEVELS, CHANGE)[0][0]) >= -MARGIN
        for change in sides[0] - sides[1]
    ]
    return {"repeats": repeats, "samples": needed, "power": round(float(np.mean(passed)), 4)}


def right(many: int, chance: np.random.Generator) -> Floats:
    """How likely each question is answered rightly: most are sure to be right or wrong, some go either way."""
    return np.clip(chance.beta(0.5, 0.2, many), 0, 1)


def settling(kind: str, runs: int = 40) -> Iterator[dict[str, Any]]:
    """What the gate says that it takes beside the samples at hand where it cannot tell, and how often that settles."""
    for samples, loss in product((60, 200), (0.0, 0.1)):
        of, champion, chance = population(kind, loss), population(kind, 0.0), np.random.default_rng(samples)
        said, true, power = [], [], []
        for _ in range(runs):
            criterion, places = drawn(of, champion, samples, chance)
            found = interval(criterion.values, criterion.clusters, LEVELS, criterion.scale)
            if found.low < criterion.bound <= found.high:
                more, _ = samples_needed(criterion, found, LEVELS)
                at_hand = np.bincount(places, minlength=len(of.weights)).astype(float)
                said.append(more or 20 * samples)
                power.append(settled(of, at_hand, said[-1]))
                true.append(truly_needed(of, at_hand))
        yield {
            "kind": kind,
            "n": samples,
            "lost": loss,
            "could not tell": len(said),
            "truly needed, median": float(np.median(true)) if said else None,
            "said, median": float(np.median(said)) if said else None,
            "power": round(float(np.mean(power)), 3) if power else None,
        }


def settled(of: Population, at_hand: Floats, more: int) -> float:
    """How often so many more samples of a population settle it."""
    found = [np.logical_or(*decided(of, at_hand + new)) for new in counts(of, more, AT_ONCE)]
    return float(np.mean(np.concatenate(found)))


def drawn(
    of: Population, champion: Population, samples: int, chance: np.random.Generator
) -> tuple[Criterion, NDArray[np.intp]]:
    """A dataset's criterion, and which clusters are in it; the champion matters for floors."""
    margin = of.scale == CHANGE
    threshold = Threshold(metric="token_f1", **{"margin" if margin else "floor": MARGIN if margin else of.bound})
    places = [chance.choice(len(each.weights), round(samples / of.size), p=each.weights) for each in (of, champion)]
    values = [
        [
            total / size
            for total, size in zip(each.sums.totals[place], each.sums.sizes[place], strict=True)
            for _ in range(round(size))
        ]
        for each, place in zip((of, champion), places, strict=True)
    ]
    clusters = [str(n) for n, place in enumerate(places[0]) for _ in range(round(of.sums.sizes[place]))]
    kind: Kind = "margin" if margin else "floor"
    return Criterion(threshold, kind, tuple(values[0]), tuple(clusters), tuple(values[1])), places[0]


def truly_needed(of: Population, at_hand: Floats) -> int:
    """The fewest samples more that settle on which side of the bound the population lies, four times in five."""
    least, most = 2, 20_000
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if settled(of, at_hand, middle) >= 0.8 else (middle + 1, most)
    return most


def targets(
    rows: list[dict[str, Any]], planned: list[dict[str, float]], more: list[dict[str, Any]]
) -> Iterator[Target]:
    """The worst kind by number of samples; the planner's mean power, and that of more samples against a margin."""
    for what in ("at the bound: passed", "at the bound: failed", "3 points lost: failed"):
        for n in SIZES:
            worst = max(row[what] for row in rows if row["n"] == n)
            yield Target(f"n = {n}, {what}, worst of {len(SCALES)} kinds", worst, at_most=0.05)
    powers = {
        f"planned for 80 %, asked {k} times: passed": [p["power"] for p in planned if p["repeats"] == k] for k in (1, 3)
    }
    for lost, what in ((0.0, "as good"), (0.1, "10 points lost")):
        powers[f"more samples, {what}: settled"] = [
            row["power"] for row in more if row["lost"] == lost and row["n"] == 60 and row["power"]
        ]
    for what, found in powers.items():
        yield Target(what, round(float(np.mean(found)), 3), at_least=0.75, at_most=0.85)


if __name__ == "__main__":
    main()
