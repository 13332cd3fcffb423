"""The documents of a Snapshot, and what a dataset names of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.dataset import Sample, check_lines, read_lines
from evals.metrics.keyless import unmarked
from graph.index.store import lease
from graph.index.tables import Reader


@dataclass(frozen=True)
class SourceDocument:
    """A document of a Snapshot with its passages, where they were read; a copy of another document has none."""

    name: str
    text: str
    title: str = ""
    groups: tuple[str, ...] = ()
    """Those that may read it; none: everybody may."""
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
        rows = [row async for row in reader.documents()]
    return {
        row.document: SourceDocument(
            row.document, row.text, row.title or "", tuple(row.groups), tuple(texts.get(row.document, ()))
        )
        for row in rows
    }


def check_dataset(path: Path, documents: Mapping[str, SourceDocument]) -> int:
    """How many samples a file has; raises DatasetInvalid with every line that names what no document has."""
    lines, read = read_lines(path), {name: unmarked(document.text) for name, document in documents.items()}
    check_lines(path, [(number, problem) for number, sample in lines for problem in _missing(sample, read)])
    return len(lines)


def _missing(sample: Sample, documents: Mapping[str, str]) -> Iterator[str]:
    known = [name for name in sample.documents if name in documents]
    yield from (
        f"there is no document {name!r}{_hint(name, documents)}" for name in sample.documents if name not in documents
    )
    for quote in sample.quotes if len(known) == len(sample.documents) else ():
        if not any(unmarked(quote) in documents[name] for name in known):
            yield f"the quote {quote[:60]!r} is in none of {', '.join(sample.documents)}"


def _hint(name: str, documents: Mapping[str, str]) -> str:
    """A document whose name has other folders in front, if there is one."""
    pairs = ((each, sorted((f"/{each}", f"/{name}"), key=len)) for each in documents)
    near = next((each for each, (short, long) in pairs if long.endswith(short)), "")
    return f"; is it {near!r}?" if near else ""
