"""What every release is held to: nobody is shown or given what they may not read, and few samples fail.

Each run keeps what its Snapshot lets whom read in access.json (evals/gate/access.py). Two things say what a caller may
read, neither of them made by the release under evaluation: the Snapshot of the champion, and the `withheld` documents
of the samples. The Snapshot of the release is believed only where there is no other.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from evals.gate.access import Groups, kept_access, opened_texts, vanished, withheld_from
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import CriterionResult, Says
from evals.runs import EvalRun, SampleOutcome

GIVEN = "text that was restricted can be read by others in"
LOST = "restricted documents are gone with their text; name those in `opened` that were taken away on purpose"
EXAMPLES, CHANGES = 5, 50
"""What a reason names at most, and documents whose groups changed."""


def count_leaks(run: EvalRun, champion: EvalRun | None, opened: Sequence[str]) -> CriterionResult:
    """Whether an answer shows what its caller may not read, by the champion's rules and the dataset's."""
    reference = champion or run
    before, after, samples = kept_access(reference), kept_access(run), run.dataset.samples
    if before is None or after is None:
        missing = reference if before is None else run
        why = f"the run of {missing.info.label} does not say who may read what; `warrant eval run` it once more"
        return _result("leaked", 0.0, "cannot tell", why, len(samples))
    callers, repeats = {sample.groups for sample in samples}, run.repeats
    withheld = {caller: withheld_from(caller, before.groups, samples, opened) for caller in callers}
    found = [
        (what, sample.id)
        for outcomes in repeats
        for sample in samples
        if (outcome := outcomes.get(sample.id))
        for what in leaks(outcome, withheld[sample.groups])
    ]
    many = len({name for _, name in found})
    why = f"{many} of {len(samples)} answers show what their caller may not read{_examples(found)}"
    given = list(opened_texts(before, after, samples, opened))
    lost = [name for name in vanished(before, after) if name not in opened]
    says: Says = "fail" if found or given else "cannot tell" if lost else "pass"
    told = (why, *(f"{what}: {_first(names)}" for what, names in ((GIVEN, given), (LOST, lost)) if names))
    return _result("leaked", 0.0, says, "; ".join(told), len(samples), many)


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
    found = list(changes(before.groups, after.groups)) if before and after else []
    told = [f"The groups of {len(found)} documents changed: {_first(found, CHANGES)}."] if found else []
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
    return f": {_first(told)}" if told else ""


def _first(names: Sequence[str], most: int = EXAMPLES) -> str:
    """The first of some names, and how many more there are."""
    return "; ".join(names[:most]) + (f"; and {len(names) - most} more" if len(names) > most else "")


def _result(
    metric: str, ceiling: float, says: Says, why: str, samples: int, many: int | None = None
) -> CriterionResult:
    value = many / samples if many is not None else None
    return CriterionResult(
        metric=metric, kind="ceiling", bound=ceiling, says=says, why=why, samples=samples, value=value
    )


def leaks(outcome: SampleOutcome, withheld: Set[str]) -> Iterator[str]:
    """What an answer shows of documents that its caller may not read, and where; each once."""
    answer = outcome.answer or {}
    places = {"cites": answer.get("citations"), "compares": answer.get("conflicts"), "retrieves": outcome.passages}
    shown = [(verb, str(each.get("document"))) for verb, given in places.items() for each in given or ()]
    shown += [("names", name) for place in answer.get("nearest") or () for name in _documents(place)]
    yield from (f"{verb} {name}" for verb, name in dict.fromkeys(shown) if name in withheld)


def _documents(place: str) -> Iterator[str]:
    """What the document of a place may be, which is named with its page and its section."""
    yield place
    yield from (place[: found.start()] for found in re.finditer(r", page \d| \(", place))


def changes(before: Groups, after: Groups) -> Iterator[str]:
    """The documents whose groups are other ones than before, with both."""
    for name in sorted(before.keys() | after.keys()):
        old, new = (sides.get(name) for sides in (before, after))
        if (old or new) and old != new:
            yield f"{name}: {_words(old)} -> {_words(new)}"


def _words(groups: Sequence[str] | None) -> str:
    return "not there" if groups is None else ", ".join(groups) or "everybody"
