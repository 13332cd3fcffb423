"""The gate: from the scores of two runs to a Verdict (docs/decisions/019).

A release passes when the whole interval of every criterion lies on the right side of its bound: what is asked is that
all of them hold, so that the chance of passing a release that misses one is alpha, however many there are (the
intersection-union test of Berger, 1982). It fails when the whole interval of one lies on the wrong side, corrected for
how many look missed. Anything else it cannot tell.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import fmean

import numpy as np

from evals.dataset import Dataset
from evals.gate.counted import count, notes
from evals.gate.criteria import ALL_FAILED, Criterion, ScoredRelease, criteria, in_unit, measures
from evals.gate.stats import FAR, Interval, Levels, Sums, interval, samples_to_settle, summed
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import KEYLESS, CriterionResult, Says, Verdict
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun, check_same_questions
from evals.scores import Score


def compare_runs(
    run: EvalRun,
    champion: EvalRun | None,
    thresholds: Thresholds,
    scores: Callable[[EvalRun], Iterable[Score]],
    judge: str = KEYLESS,
) -> Verdict:
    """The Verdict on what a run asked, against what the champion's did; raises RunInvalid.

    `scores` gives those of a run, and `judge` is who judged for them.
    """
    runs = [each for each in (run, champion) if each]
    check_same_questions([(each.path, each.info) for each in runs])
    sides = [ScoredRelease.of_run(each.info, scores(each)) for each in runs]
    counted = count(run, champion, thresholds)
    verdict = decide(thresholds, run.dataset, sides[0], sides[1] if champion else None, counted)
    return verdict.model_copy(
        update={
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "judge": judge,
            "why": (*verdict.why, *notes(run, champion, thresholds.opened)),
        }
    )


def decide(
    thresholds: Thresholds,
    dataset: Dataset,
    release: ScoredRelease,
    champion: ScoredRelease | None,
    counted: Sequence[CriterionResult] = (),
) -> Verdict:
    """The Verdict on a release; without a champion its margins are not asked, and its floors have to do.

    `counted` are the results of what every release is held to; they come first.
    """
    asked = list(criteria(thresholds, dataset, release, champion))
    levels = levels_for(asked, thresholds.alpha)
    findings = (*counted, *(_finding(each, levels) for each in asked))
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
        alpha=levels.low,
        alpha_missed=levels.high,
        findings=findings,
        measures=tuple(measures(dataset, release, champion, levels)),
    )


def levels_for(asked: Sequence[Criterion], alpha: float) -> Levels:
    """The levels of all intervals: alpha to be met; to be missed, it is corrected for how many criteria look missed.

    Only those whose mean lies beyond their bound can be, which the 2 pays for: Bonferroni's correction conditional on
    p < 1/2 (Ellis, Pecanka and Goeman, 2020).
    """
    look_missed = sum(fmean(each.values) < each.bound for each in asked if each.values)
    return Levels(alpha, alpha / (2 * max(1, look_missed)))


def overall(findings: Sequence[CriterionResult], champion: object | None) -> tuple[Says, tuple[str, ...]]:
    """All criteria in one word, and the reasons."""
    by = {says: [each for each in findings if each.says == says] for says in ("fail", "cannot tell", "pass")}
    alone = () if champion else ("There is no champion: the release was held to its floors alone.",)
    if not by["fail"] and all(METRICS[each.metric].counted for each in findings):
        return "cannot tell", ("No threshold has a floor or a ceiling, and there is no champion to compare with.",)
    if by["fail"] or by["cannot tell"]:
        says: Says = "fail" if by["fail"] else "cannot tell"
        failed = any(each.metric == "failed" and each.says != "pass" for each in findings)
        unclear = sorted(by["cannot tell"], key=lambda each: each.better - each.worse)
        told = (each for each in (*by["fail"], *unclear) if not (failed and each.why.endswith(ALL_FAILED)))
        return says, (*(f"{each.name}: {each.why}" for each in told), *alone)
    return "pass", (f"All {len(findings)} criteria are met.", *alone)


def _finding(criterion: Criterion, levels: Levels) -> CriterionResult:
    start = CriterionResult(
        metric=criterion.metric.name,
        slice=criterion.threshold.slice,
        kind=criterion.kind,
        bound=criterion.asked,
        says="cannot tell",
        why=criterion.problem,
    )
    if not criterion.values:
        return start
    found = interval(criterion.values, criterion.clusters, levels, criterion.scale)
    says, mean = _says(criterion, found), in_unit(criterion.metric, found)
    settled = says != "cannot tell" or bool(criterion.problem)
    more, settling = (None, "") if settled else samples_needed(criterion, found, levels)
    changes = {
        "samples": found.samples,
        "clusters": found.clusters,
        **mean.model_dump(),
        "more": more,
        "says": says,
        **dict(zip(("worse", "better"), criterion.moved, strict=True)),
    }
    result = start.model_copy(update=changes)
    return result.model_copy(update={"why": _why(result, criterion.problem, settling)})


def _says(criterion: Criterion, found: Interval) -> Says:
    """Met, missed or neither; what has a problem is never met."""
    if found.high < criterion.bound:
        return "fail"
    return "pass" if found.low >= criterion.bound and not criterion.problem else "cannot tell"


def samples_needed(criterion: Criterion, found: Interval, levels: Levels) -> tuple[int | None, str]:
    """How many more samples would settle it, and in words: of a release as good as the champion, if it may be that."""
    clusters, bound, margin = criterion.clusters, criterion.bound, criterion.kind == "margin"
    own, condition = summed(criterion.values, clusters), "if the mean stays where it is"
    expected = own
    may_be_as_good = found.high >= 0 if margin else criterion.champion and fmean(criterion.champion) >= bound
    if found.value >= bound and may_be_as_good:
        condition = "if it is as good as the champion"
        alike = Sums(np.concatenate([own.totals, -own.totals]), np.tile(own.sizes, 2))
        expected = alike if margin else summed(criterion.champion, clusters)
    known = margin and expected is not own
    more = samples_to_settle(own, expected, bound, levels, criterion.scale, mean_is_known=known)
    many = f"more than {FAR} times as many samples" if more is None else f"about {more:,} more samples"
    return more, f"{many} would settle it, {condition}"


def _why(result: CriterionResult, problem: str, settling: str) -> str:
    """What became of a criterion, for a person."""
    if result.says == "pass":
        return f"{result.found}, shown to be {result.required}"
    if result.says == "fail":
        return f"{result.found}, shown to miss what is asked: {result.required}{f'; {problem}' if problem else ''}"
    moved = f"worse on {result.worse}, better on {result.better} samples; "
    why = problem or f"{moved if result.worse + result.better else ''}{settling}"
    asked = "which is worse, but perhaps still" if result.is_worse else "not shown to be"
    return f"{result.found}, {asked} {result.required}: {why}"
