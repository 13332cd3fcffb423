"""Who may read what in a Snapshot, by document and by text, as a run keeps it in access.json.

A document may be renamed, and its text pasted into another one. Both are seen by the runs of WINDOW words that two
texts have in common.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from evals.dataset import DigestedFile, Sample, plain_words
from evals.documents import read_documents
from evals.runs import EvalRun
from graph.registry.package import snapshot_of

ACCESS = "access.json"
WINDOW, DISTINCT, LETTERS = 8, 5, 12
"""Words of a window; how many of them differ, so that rows of zeros are none; and hexadecimal digits of its hash."""
Groups = Mapping[str, Sequence[str]]
"""The groups that may read a document, by document; none: everybody may."""


class SnapshotAccess(DigestedFile):
    """The groups of each document of a Snapshot, and the hashes of its windows, one after the other."""

    groups: dict[str, tuple[str, ...]]
    texts: dict[str, str]

    @cached_property
    def windows(self) -> dict[str, set[str]]:
        """The windows of each document."""
        return {
            name: {text[at : at + LETTERS] for at in range(0, len(text), LETTERS)} for name, text in self.texts.items()
        }


def access_of(groups: Groups, texts: Mapping[str, str]) -> SnapshotAccess:
    """What is kept of some documents."""
    told = {name: tuple(sorted(readers)) for name, readers in groups.items()}
    return SnapshotAccess(groups=told, texts={name: "".join(windows(text)) for name, text in texts.items()})


def windows(text: str) -> list[str]:
    """The hashes of all runs of WINDOW words, each once; of a shorter text that of all its words."""
    words = plain_words(text)
    runs = [words[at : at + WINDOW] for at in range(max(1, len(words) - WINDOW + 1))]
    told = {" ".join(run) for run in runs if len(set(run)) >= min(DISTINCT, len(words)) > 0}
    return sorted(blake2b(run.encode(), digest_size=LETTERS // 2).hexdigest() for run in told)


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
    texts = {name: before.windows.get(name, set()) for name in gone}
    return sorted(name for name, own in texts.items() if 2 * len(own & there) <= len(own))


def _homes(access: SnapshotAccess, closed: Iterable[str]) -> dict[str, frozenset[str]]:
    """All documents that have a window, for each window of a document in `closed`."""
    found: dict[str, set[str]] = {window: set() for name in closed for window in access.windows.get(name, ())}
    for name, there in access.windows.items():
        for window in there & found.keys():
            found[window].add(name)
    return {window: frozenset(names) for window, names in found.items()}
