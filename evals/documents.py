"""The documents of a Snapshot: what a dataset names of them, and which of them a caller may read.

Each run keeps the groups of its Snapshot's documents in access.json. Two things say what a caller may read, neither of
them made by the release under evaluation: the Snapshot of the champion, and the `withheld` documents of the samples.
The Snapshot of the release is believed only where there is no other.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from evals.dataset import DRAFT, Sample, check_lines, read_lines
from evals.metrics.keyless import unmarked
from evals.runs import EvalRun, SampleOutcome
from graph.files import write_whole
from graph.index.store import lease
from graph.index.tables import Reader
from graph.registry.package import snapshot_of

ACCESS = "access.json"
Groups = Mapping[str, Sequence[str]]
"""The groups that may read a document, by document; none: everybody may."""


@dataclass(frozen=True)
class SourceDocument:
    """A document of a Snapshot with its passages, where they were read; a copy of another document has none.

    `groups` is the first of its access groups, if it has any.
    """

    name: str
    text: str
    groups: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()


async def read_documents(index: Path, *, passages: bool = False) -> dict[str, SourceDocument]:
    """The documents of a Snapshot by name, and their passages where these are wanted; raises SnapshotError."""
    texts: dict[str, list[str]] = {}
    with lease(index) as held:
        reader = await Reader.open(held.directory, approximate=False)
        if passages:
            async for batch in reader.passages():
                for row in batch.rows:
                    texts.setdefault(row["document"], []).append(row["text"])
        return {
            row.document: SourceDocument(
                row.document,
                row.text,
                tuple(row.groups[:1]),
                tuple(texts.get(row.document, ())),
            )
            async for row in reader.documents()
        }


def check_dataset(path: Path, documents: Mapping[str, SourceDocument]) -> int:
    """How many samples a file has; raises DatasetInvalid with every line that names what no document has."""
    lines, read = read_lines(path), {name: unmarked(document.text) for name, document in documents.items()}
    check_lines(path, [(number, problem) for number, sample in lines for problem in _missing(sample, read)])
    return len(lines)


def _missing(sample: Sample, documents: Mapping[str, str]) -> Iterator[str]:
    known = [name for name in sample.documents if name in documents]
    yield from (f"there is no document {name!r}" for name in sample.documents if name not in documents)
    for quote in sample.quotes if len(known) == len(sample.documents) else ():
        if not any(unmarked(quote) in documents[name] for name in known):
            yield f"the quote {quote[:60]!r} is in none of {', '.join(sample.documents)}"


def keep_access(run: EvalRun, package: Path) -> None:
    """Write down the groups of a package's documents, once; raises PackageBroken."""
    path = run.path / ACCESS
    if not path.exists():
        write_whole(path, json.dumps(asyncio.run(groups_of(snapshot_of(package))), ensure_ascii=False) + "\n")


def kept_access(run: EvalRun) -> Groups | None:
    """The groups of the documents that a run asked; None for a run that did not write them down."""
    path = run.path / ACCESS
    return json.loads(path.read_text("utf-8")) if path.exists() else None


async def groups_of(snapshot: Path) -> dict[str, list[str]]:
    """The groups of every document of a Snapshot, copies among them."""
    reader = await Reader.open(snapshot, approximate=False)
    return {row.document: sorted(row.groups) async for row in reader.documents(text=False)}


@dataclass(frozen=True)
class AccessRules:
    """What callers may read: `groups` of a Snapshot, but for the documents in `opened`; and what `samples` withhold."""

    groups: Groups
    samples: Sequence[Sample] = ()
    opened: Sequence[str] = ()

    def withheld(self, caller: Sequence[str]) -> set[str]:
        """The documents that a caller with some groups may not read; who has fewer groups may read no more."""
        own = set(caller)
        told = {name for sample in self.samples if own <= set(sample.groups) for name in sample.withheld}
        closed = {name for name, groups in self.groups.items() if groups and own.isdisjoint(groups)}
        return told | (closed - set(self.opened))


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


async def probes(index: Path) -> list[Sample]:
    """A sample for each restricted document, that asks for it with every group but its own; raises SnapshotError."""
    with lease(index) as held:
        reader = await Reader.open(held.directory, approximate=False)
        rows = [row async for row in reader.documents(text=False) if row.groups]
    everyone = {group for row in rows for group in row.groups}
    return [
        Sample(
            id=f"access-{row.document.replace('/', '-')}"[:200],
            question=f"What does {row.title or row.document} say?",
            groups=tuple(sorted(everyone - set(row.groups))),
            answerable=False,
            withheld=(row.document,),
            tags=(DRAFT, "access"),
            cluster=row.document,
            note="draft: check that a caller with these groups may not read the document.",
        )
        for row in rows
    ]
