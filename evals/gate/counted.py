"""What every release is held to: no answer shows what its caller may not read, and few samples fail."""

from collections.abc import Iterable, Sequence

from evals.documents import AccessRules, changes, kept_access, leaks
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import CriterionResult, Says
from evals.runs import EvalRun

EXAMPLES, CHANGES = 5, 50
"""What a reason names at most, and documents whose groups changed."""


def count_leaks(run: EvalRun, champion: EvalRun | None, opened: Sequence[str]) -> CriterionResult:
    """Whether an answer shows what its caller may not read, by the champion's rules and the dataset's."""
    reference = champion or run
    groups, samples = kept_access(reference), run.dataset.samples
    if groups is None:
        why = f"the run of {reference.info.label} does not say who may read what; `warrant eval run` it once more"
        return _result("leaked", 0.0, "cannot tell", why, len(samples))
    rules, repeats = AccessRules(groups, samples, opened), run.repeats
    withheld = {caller: rules.withheld(caller) for caller in {sample.groups for sample in samples}}
    found = [
        (what, sample.id)
        for outcomes in repeats
        for sample in samples
        if (outcome := outcomes.get(sample.id))
        for what in leaks(outcome, withheld[sample.groups])
    ]
    many = len({name for _, name in found})
    why = f"{many} of {len(samples)} answers show what their caller may not read{_examples(found)}"
    return _result("leaked", 0.0, "fail" if found else "pass", why, len(samples), many)


def count_failures(run: EvalRun, ceiling: float) -> CriterionResult:
    """Whether more samples failed than may; those that may still leave the other criteria without a score."""
    failed = [outcome for outcome in run.all_outcomes if outcome.trouble]
    many = len(run.dataset.samples) * run.info.repeats
    says: Says = "fail" if len(failed) > ceiling * many else "cannot tell" if failed else "pass"
    why = f"{len(failed)} of {many} samples failed{_examples([(str(each.trouble), each.sample) for each in failed])}"
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


def _examples(found: Iterable[tuple[str, str]]) -> str:
    """What happened to samples, the most frequent first, each with its first sample."""
    samples: dict[str, list[str]] = {}
    for what, sample in found:
        samples.setdefault(what, []).append(sample)
    told = [
        f"{what} ({names[0]}{f' and {len(names) - 1} more' if names[1:] else ''})"
        for what, names in sorted(samples.items(), key=lambda each: -len(each[1]))
    ]
    more = f"; and {len(told) - EXAMPLES} more" if len(told) > EXAMPLES else ""
    return f": {'; '.join(told[:EXAMPLES])}{more}" if told else ""


def _result(
    metric: str, ceiling: float, says: Says, why: str, samples: int, many: int | None = None
) -> CriterionResult:
    value = many / samples if many is not None else None
    return CriterionResult(
        metric=metric, kind="ceiling", bound=ceiling, says=says, why=why, samples=samples, value=value
    )
