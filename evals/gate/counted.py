"""What every release is held to: nobody is shown or given what they may not read, and few samples fail.

Each run keeps what its Snapshot lets whom read in access.json. Two things say what a caller may read, neither of them
made by the release under evaluation: the Snapshot of the champion, and the `withheld` documents of the samples. The
Snapshot of the release is believed only where there is no other. A document may be renamed, and its text pasted into
another one. Both are seen by the runs of WINDOW words that two texts have in common.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from hashlib import blake2b
from pathlib import Path

from evals.dataset import DigestedFile, Sample, plain_words
from evals.documents import read_documents
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import CriterionResult, Says
from evals.runs import EvalRun, SampleOutcome
from graph.registry.package import snapshot_of

ACCESS = "access.json"
WINDOW, DISTINCT, BYTES = 8, 5, 6
"""Words of a window; how many of them differ, so that rows of zeros are none; and the length of its hash."""
GIVEN = "text that was restricted can be read by others in"
LOST = "restricted documents are gone with their text; name those in `opened` that were taken away on purpose"
EXAMPLES, CHANGES = 5, 50
"""What a reason names at most, and documents whose groups changed."""
Groups = Mapping[str, Sequence[str]]
"""The groups that may read a document, by document; none: everybody may."""


class SnapshotAccess(DigestedFile):
    """The groups of each document of a Snapshot, and the hashes of its windows."""

    groups: dict[str, tuple[str, ...]]
    windows: dict[str, tuple[str, ...]]


def access_of(groups: Groups, texts: Mapping[str, str]) -> SnapshotAccess:
    """What is kept of some documents."""
    told = {name: tuple(sorted(readers)) for name, readers in groups.items()}
    return SnapshotAccess(groups=told, windows={name: windows(text) for name, text in texts.items()})


def windows(text: str) -> tuple[str, ...]:
    """The hashes of all runs of WINDOW words, each once; of a shorter text that of all its words."""
    words = plain_words(text)
    runs = [words[at : at + WINDOW] for at in range(max(1, len(words) - WINDOW + 1))]
    told = {" ".join(run) for run in runs if len(set(run)) >= min(DISTINCT, len(words)) > 0}
    return tuple(sorted(blake2b(run.encode(), digest_size=BYTES).hexdigest() for run in told))


def keep_access(run: EvalRun, package: Path) -> None:
    """Write down what the Snapshot of a package lets whom read, unless it is there; raises PackageBroken."""
    if kept_access(run) is None:
        documents = asyncio.run(read_documents(snapshot_of(package))).values()
        groups, texts = {each.name: each.groups for each in documents}, {each.name: each.text for each in documents}
        access_of(groups, texts).write(run.path / ACCESS)


def kept_access(run: EvalRun) -> SnapshotAccess | None:
    """What a run wrote down; None where it did not, or where that was altered."""
    return SnapshotAccess.read(run.path / ACCESS)


def withheld_from(
    caller: Sequence[str], groups: Groups, samples: Sequence[Sample] = (), opened: Sequence[str] = ()
) -> set[str]:
    """The documents that a caller with some groups may not read; who has fewer groups may read no more.

    `groups` are those of a Snapshot, but for the documents in `opened`; `samples` withhold others.
    """
    own = set(caller)
    named = {name for sample in samples if own <= set(sample.groups) for name in sample.withheld}
    closed = {name for name, readers in groups.items() if readers and own.isdisjoint(readers)}
    return named | (closed - set(opened))


def opened_texts(
    before: SnapshotAccess, after: SnapshotAccess, samples: Sequence[Sample], opened: Sequence[str]
) -> Iterator[str]:
    """The documents that let a caller read text which stood only in documents that were withheld from them.

    Those in `opened` may: the document that was restricted is named there, or the one that has its text now.
    """
    named = {group for side in (before, after) for groups in side.groups.values() for group in groups}
    callers = {sample.groups for sample in samples} | {(), *((group,) for group in named)}
    withheld = {caller: withheld_from(caller, before.groups, samples, opened) for caller in callers}
    homes = _homes(before, set[str]().union(*withheld.values()))
    for name in sorted(after.groups.keys() - set(opened)):
        readers = [caller for caller in callers if not after.groups[name] or set(caller) & set(after.groups[name])]
        shared = {homes[window] for window in after.windows.get(name, ()) if window in homes}
        if old := next((places for places in shared if any(places <= withheld[each] for each in readers)), None):
            yield name if name in old else f"{name} (of {min(old)})"


def vanished(before: SnapshotAccess, after: SnapshotAccess) -> list[str]:
    """The restricted documents that are not there any more, nor most of their text under another name."""
    there = set[str]().union(*after.windows.values())
    gone = [name for name, groups in before.groups.items() if groups and name not in after.groups]
    texts = {name: before.windows.get(name, ()) for name in gone}
    return sorted(name for name, own in texts.items() if 2 * len(there.intersection(own)) <= len(own))


def _homes(access: SnapshotAccess, closed: Iterable[str]) -> dict[str, frozenset[str]]:
    """All documents that have a window, for each window of a document in `closed`."""
    found: dict[str, set[str]] = {window: set() for name in closed for window in access.windows.get(name, ())}
    for name, there in access.windows.items():
        for window in found.keys() & there:
            found[window].add(name)
    return {window: frozenset(names) for window, names in found.items()}


def count_leaks(run: EvalRun, champion: EvalRun | None, opened: Sequence[str]) -> CriterionResult:
    """Whether an answer shows what its caller may not read, by the champion's rules and the dataset's."""
    reference = champion or run
    result = CriterionResult(metric="leaked", kind="ceiling", bound=0.0, says="cannot tell", why="")
    before, after, samples = kept_access(reference), kept_access(run), run.dataset.samples
    if before is None or after is None:
        missing = reference if before is None else run
        why = f"the run of {missing.info.label} does not say who may read what; `warrant eval run` it once more"
        return result.model_copy(update={"why": why, "samples": len(samples)})
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
    counted = {"says": says, "why": "; ".join(told), "samples": len(samples), "value": many / len(samples)}
    return result.model_copy(update=counted)


def count_failures(run: EvalRun, ceiling: float) -> CriterionResult:
    """Whether more samples failed than may; those that may still leave the other criteria without a score."""
    failed = [outcome for outcome in run.all_outcomes if outcome.trouble]
    many = len(run.dataset.samples) * run.info.repeats
    says: Says = "fail" if len(failed) > ceiling * many else "cannot tell" if failed else "pass"
    why = f"{len(failed)} of {many} samples failed{_examples([(str(each.trouble), each.sample) for each in failed])}"
    again = "; ask them again with --again" if says == "cannot tell" else ""
    return CriterionResult(
        metric="failed",
        kind="ceiling",
        bound=ceiling,
        says=says,
        why=why + again,
        samples=many,
        value=len(failed) / many,
    )


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
