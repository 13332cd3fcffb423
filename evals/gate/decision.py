"""The gate: from the scores of two runs to a Verdict (docs/decisions/019).

A release passes when every criterion is shown to be met, each at the level alpha: what is asked is that all of them
hold, so that the chance of passing a release that misses one is alpha, however many there are (the intersection-union
test of Berger, 1982). It fails when one is shown to be missed, corrected by Holm for how many could have been. Anything
else it cannot tell.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from evals.dataset import Dataset
from evals.errors import RunInvalid
from evals.gate.criteria import Criterion, ScoredRelease, criteria
from evals.gate.measures import measures
from evals.gate.stats import RESAMPLES, Interval, below, holm, interval, samples_to_settle, smallest_effect, worse
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import KEYLESS, CriterionResult, Says, Verdict
from evals.judge.scores import JudgedScores
from evals.runs import EvalRun
from evals.scores import score_run
from graph.prices import Prices


@dataclass(frozen=True)
class RunJudge:
    """Who judges, as the Verdict names it, and the function that judges a run."""

    label: str
    judge: Callable[[EvalRun], Awaitable[JudgedScores]]


async def compare_runs(
    run: EvalRun,
    champion: EvalRun | None,
    thresholds: Thresholds,
    prices: Prices,
    threads: int,
    judge: RunJudge | None = None,
) -> Verdict:
    """The Verdict on what a run asked, against what the champion's did, both judged alike; raises RunInvalid."""
    if champion and champion.info.dataset_digest != run.info.dataset_digest:
        raise RunInvalid(
            f"The runs are not on the same questions: {run.path} is on {run.info.dataset} "
            f"({run.info.dataset_digest[:12]}), {champion.path} on {champion.info.dataset} "
            f"({champion.info.dataset_digest[:12]}). Run the champion on this dataset too."
        )
    sides = [await _scored(each, prices, threads, judge) for each in (run, champion) if each]
    verdict = decide(thresholds, run.dataset, sides[0], sides[1] if champion else None)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return verdict.model_copy(update={"made": made, "judge": judge.label if judge else KEYLESS})


async def _scored(run: EvalRun, prices: Prices, threads: int, judge: RunJudge | None) -> ScoredRelease:
    scores = await score_run(run, prices, threads)
    return ScoredRelease.of_run(run.info, (*scores, *(await judge.judge(run)).scores) if judge else scores)


def decide(thresholds: Thresholds, dataset: Dataset, release: ScoredRelease, champion: ScoredRelease | None) -> Verdict:
    """The Verdict on a release; without a champion its margins are not asked, and its floors have to do."""
    findings = judge_criteria(thresholds, dataset, release, champion)
    says, why = overall(findings, champion)
    return Verdict(
        says=says,
        why=why,
        release=release.release,
        champion=champion.release if champion else None,
        dataset=dataset.digest,
        dataset_name=dataset.name,
        samples=len(dataset.samples),
        thresholds=thresholds.digest,
        two_persons=thresholds.two_persons,
        alpha=thresholds.alpha,
        findings=findings,
        measures=tuple(measures(dataset, release, champion)),
    )


def judge_criteria(
    thresholds: Thresholds,
    dataset: Dataset,
    release: ScoredRelease,
    champion: ScoredRelease | None,
    resamples: int = RESAMPLES,
) -> tuple[CriterionResult, ...]:
    """What became of each criterion."""
    asked, alpha = list(criteria(thresholds, dataset, release, champion)), thresholds.alpha
    found = [
        interval(each.values, each.clusters, alpha, each.scale, resamples) if each.values else None for each in asked
    ]
    missed = [_chance(each, resamples) for each in asked]
    corrected = holm(missed)
    return tuple(
        _finding(each, spread, (p, p_holm), alpha, len(asked))
        for each, spread, p, p_holm in zip(asked, found, missed, corrected, strict=True)
    )


def overall(findings: Sequence[CriterionResult], champion: ScoredRelease | None) -> tuple[Says, tuple[str, ...]]:
    """All criteria in one word, and the reasons."""
    by = {says: [each for each in findings if each.says == says] for says in ("fail", "cannot tell", "pass")}
    notes = () if champion else ("There is no champion: the release was held to its floors alone.",)
    if not findings:
        return "cannot tell", ("No threshold has a floor or a ceiling, and there is no champion to compare with.",)
    if by["fail"] or by["cannot tell"]:
        says: Says = "fail" if by["fail"] else "cannot tell"
        return says, (*(f"{each.name}: {each.why}" for each in (*by["fail"], *by["cannot tell"])), *notes)
    return "pass", (f"All {len(findings)} criteria are met.", *notes)


def _chance(criterion: Criterion, resamples: int) -> float:
    """The p-value of "it is met"."""
    if not criterion.values:
        return 1.0
    if criterion.kind == "margin":
        return worse(criterion.values, criterion.clusters, resamples)
    return below(criterion.values, criterion.clusters, criterion.bound, criterion.scale)


def _finding(
    criterion: Criterion, found: Interval | None, p: tuple[float, float], alpha: float, asked: int
) -> CriterionResult:
    start = CriterionResult(
        metric=criterion.metric.name,
        slice=criterion.threshold.slice,
        kind=criterion.kind,
        bound=criterion.asked,
        says="cannot tell",
        why=criterion.problem,
    )
    if found is None:
        return start
    low, high = sorted((criterion.metric.sign * found.low, criterion.metric.sign * found.high))
    says = _says(criterion, found, p[1], alpha)
    level = alpha if found.value >= criterion.bound else alpha / asked
    open_ = says == "cannot tell" and not criterion.problem
    more = samples_to_settle(found, criterion.bound, level) if open_ else None
    changes = {
        "samples": found.samples,
        "clusters": found.clusters,
        "value": criterion.metric.sign * found.value,
        "low": _finite(low),
        "high": _finite(high),
        "p": p[0],
        "p_holm": p[1],
        "smallest": _finite(smallest_effect(found, alpha)),
        "noise": criterion.noise or None,
        "more": more,
        "says": says,
    }
    return start.model_copy(update={**changes, "why": _why(criterion, found, says, more)})


def _finite(value: float) -> float | None:
    return value if abs(value) < inf else None


def _says(criterion: Criterion, found: Interval, p_holm: float, alpha: float) -> Says:
    """Met, missed or neither; what has a problem is never met."""
    if found.low >= criterion.bound:
        return "cannot tell" if criterion.problem else "pass"
    return "fail" if p_holm <= alpha else "cannot tell"


def _why(criterion: Criterion, found: Interval, says: Says, more: int | None) -> str:
    """A sentence for a person."""
    limit, value, margin = criterion.asked, criterion.metric.sign * found.value, criterion.kind == "margin"
    comparison = f"{value:+.3g}, margin {limit:g}" if margin else f"{value:.3g}, {criterion.kind} {limit:g}"
    if criterion.problem:
        return f"{comparison}; {criterion.problem}"
    if says == "pass":
        return f"{comparison}: met"
    if says == "fail":
        return f"{comparison}: worse than the champion" if margin else f"{comparison}: missed"
    settled = (
        f"about {more} more samples of this kind would settle it" if more else "too near to settle with more samples"
    )
    return f"{comparison}: within what chance does; {settled}"
