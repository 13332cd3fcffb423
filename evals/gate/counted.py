"""What every release is held to: no answer shows what its caller may not read, and few samples fail."""

from collections.abc import Sequence

from evals.access import AccessRules, changes, kept_access, leaks
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import CriterionResult, Says
from evals.runs import EvalRun

EXAMPLES, CHANGES = 3, 50
"""Samples that a reason names, and documents whose groups changed."""


def count_leaks(run: EvalRun, champion: EvalRun | None, opened: Sequence[str]) -> CriterionResult:
    """Whether an answer shows what its caller may not read, by the champion's rules and the dataset's."""
    reference = champion or run
    groups, samples = kept_access(reference), run.dataset.samples
    if groups is None:
        why = f"{reference.path} does not say who may read what; ask {reference.info.label} again in another directory"
        return _result("leaked", 0.0, "cannot tell", why, len(samples))
    rules, repeats = AccessRules(groups, samples, opened), run.repeats
    withheld = {caller: rules.withheld(caller) for caller in {sample.groups for sample in samples}}
    found = {
        sample.id: first
        for outcomes in repeats
        for sample in samples
        if (outcome := outcomes.get(sample.id)) and (first := next(leaks(outcome, withheld[sample.groups]), None))
    }
    why = f"{len(found)} of {len(samples)} answers show what their caller may not read"
    told = _examples([f"{name} {what}" for name, what in found.items()])
    return _result("leaked", 0.0, "fail" if found else "pass", f"{why}{told}", len(samples), len(found))


def count_failures(run: EvalRun, ceiling: float) -> CriterionResult:
    """Whether more samples failed than may; those that may still leave the other criteria without a score."""
    failed = [outcome for outcome in run.all_outcomes if outcome.trouble]
    many = len(run.dataset.samples) * run.info.repeats
    says: Says = "fail" if len(failed) > ceiling * many else "cannot tell" if failed else "pass"
    why = f"{len(failed)} of {many} samples failed{_examples([f'{each.sample}: {each.trouble}' for each in failed])}"
    again = "; ask them again with --again" if says == "cannot tell" else ""
    return _result("failed", ceiling, says, why + again, many, len(failed))


def count(run: EvalRun, champion: EvalRun | None, thresholds: Thresholds) -> tuple[CriterionResult, ...]:
    """What every release is held to."""
    return count_leaks(run, champion, thresholds.opened), count_failures(run, thresholds.failed)


def notes(run: EvalRun, champion: EvalRun | None, opened: Sequence[str]) -> tuple[str, ...]:
    """The documents whose groups are not those of the champion's Snapshot."""
    before, after = (kept_access(each) if each else None for each in (champion, run))
    found = list(changes(before, after)) if before is not None and after is not None else []
    more = f"; and {len(found) - CHANGES} more" if len(found) > CHANGES else ""
    told = [f"The groups of {len(found)} documents changed: {'; '.join(found[:CHANGES])}{more}."] if found else []
    return (*told, *([f"The thresholds open {', '.join(opened)}."] if opened else []))


def _examples(told: Sequence[str]) -> str:
    more = f"; and {len(told) - EXAMPLES} more" if len(told) > EXAMPLES else ""
    return f": {'; '.join(told[:EXAMPLES])}{more}" if told else ""


def _result(
    metric: str, ceiling: float, says: Says, why: str, samples: int, many: int | None = None
) -> CriterionResult:
    value = many / samples if many is not None else None
    return CriterionResult(
        metric=metric, kind="ceiling", bound=ceiling, says=says, why=why, samples=samples, value=value
    )
