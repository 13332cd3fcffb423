"""How far the verifier and a judge agree with people, and a judge with itself."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap, mannwhitneyu, spearmanr

from evals.judge.client import CachedJudge, gather
from evals.judge.config import CACHE, JudgeConfig, JudgeUsage
from evals.judge.labels import LabelledAnswer
from evals.metrics.catalog import METRICS, Unscored
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import scoring_vectors
from evals.scores import Score, scored

FAITHFULNESS = METRICS["faithfulness"]
RESAMPLES, FEWEST = 999, 3
Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float | None]


@dataclass(frozen=True)
class AgreementFigure:
    """A figure with the ends of its 95 % interval; None where it cannot be estimated."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class HumanAgreement:
    """`spearman` is with the people's median, `auroc` of telling what they call faithful.

    `repeats_spearman` and `repeats_same` are a judge's agreement with itself: the mean correlation of two repeats, and
    the share of answers on which all repeats gave the same.
    """

    answers: int
    unscored: int
    reasons: dict[str, int]
    spearman: AgreementFigure
    auroc: AgreementFigure
    repeats_spearman: float | None = None
    repeats_same: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def verified(labelled: Sequence[LabelledAnswer], threads: int, on_score: Callable[[], None]) -> list[Score]:
    """The verifier's groundedness of each answer, weighed over all their passages."""
    outcomes = [each.outcome for each in labelled]
    supported = SupportMetrics(scoring_vectors(threads), outcomes)
    found = []
    for each, outcome in zip(labelled, outcomes, strict=True):
        value = await supported.groundedness(each.sample, outcome)
        found.append(scored(each.line.id, METRICS["groundedness"], [] if value is None else [value]))
        on_score()
    return found


async def judged(
    labelled: Sequence[LabelledAnswer], config: JudgeConfig, on_score: Callable[[], None], cache: Path = CACHE
) -> tuple[list[Score], JudgeUsage]:
    """The judge's faithfulness of each answer, every repeat of it, and what that took."""
    # ragas takes seconds to import.
    from evals.judge.metrics import JudgedMetrics

    judge = CachedJudge(config, cache)
    metrics = JudgedMetrics(judge, scoring_vectors(config.settings.cores))

    async def one(each: LabelledAnswer) -> Score:
        try:
            values = await metrics.values(FAITHFULNESS.name, each.sample, each.outcome)
        except Unscored as error:
            return Score(sample=each.line.id, metric=FAITHFULNESS.name, reason=str(error))
        finally:
            on_score()
        return scored(each.line.id, FAITHFULNESS, values)

    try:
        found = await gather(one(each) for each in labelled)
    finally:
        judge.close()
    return found, judge.usage


def agreement(
    scores: Sequence[Score], medians: Sequence[float], clusters: Sequence[str], bound: float
) -> HumanAgreement:
    """Scores against the people's medians, of which those from `bound` on are faithful; all in one order."""
    there = [place for place, score in enumerate(scores) if score.values]
    values = np.array([scores[place].value for place in there], np.float64)
    rated, groups = np.array([medians[place] for place in there], np.float64), [clusters[place] for place in there]
    without = [score.reason for score in scores if not score.values]
    same, among = with_itself([scores[place].values for place in there])
    return HumanAgreement(
        answers=len(there),
        unscored=len(without),
        reasons=dict(Counter(without).most_common()),
        spearman=estimate(spearman, values, rated, groups),
        auroc=estimate(auroc, values, (rated >= bound).astype(np.float64), groups),
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


def estimate(statistic: Statistic, scores: Floats, truth: Floats, clusters: Sequence[str]) -> AgreementFigure:
    """A statistic with the percentile interval of drawing whole clusters again."""
    value = statistic(scores, truth)
    places = [np.flatnonzero(np.array(clusters) == name) for name in dict.fromkeys(clusters)]
    if value is None or len(places) < FEWEST:
        return AgreementFigure(value)

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
    return AgreementFigure(value, float(low), float(high))


def spearman(scores: Floats, truth: Floats) -> float | None:
    """Spearman's correlation; None where one side is constant."""
    if len(scores) < FEWEST or not np.ptp(scores) or not np.ptp(truth):
        return None
    return float(spearmanr(scores, truth).statistic)


def auroc(scores: Floats, truth: Floats) -> float | None:
    """The chance that what is true scores above what is not (Hanley and McNeil, 1982); None without both."""
    right = truth > 0
    if right.all() or not right.any():
        return None
    found = mannwhitneyu(scores[right], scores[~right], method="asymptotic").statistic
    return float(found / (right.sum() * (~right).sum()))
