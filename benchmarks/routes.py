"""The questions that the router is taught and judged on, with what retrieval finds for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.fitting import develops
from benchmarks.record import cores, read_records
from benchmarks.stores import build_or_reuse, store_of
from graph.backends import Scope
from graph.backends.local import open_retriever
from graph.finding.rerank import keep_best
from graph.release import Release
from graph.state import Passage

MINTAKA, HOTPOT, SQUAD = "mintaka_dev", "hotpotqa_100", "squad_v2_dev"
FILES = [f"{name}/queries.jsonl.gz" for name in (MINTAKA, HOTPOT, SQUAD)] + [
    f"{name}/corpus.jsonl.gz" for name in (HOTPOT, SQUAD)
]
SQUAD_ASKED = 700
"""Of SQuAD's questions, as many of each half as chance gives."""
LEFT_OPEN = "yesno"
"""Mintaka's type that its authors call neither simple nor complex."""
PUBLIC = Scope(filters={}, groups=[], pool=Release().retrieval.pool)


@dataclass(frozen=True)
class Asked:
    """A question, whether it is complex by the judgement of its set, and the passages kept for it."""

    id: str
    question: str
    complex: bool
    type: str
    passages: tuple[Passage, ...] = ()

    @property
    def develops(self) -> bool:
        return develops(self.id)


def pairs(folder: Path) -> dict[str, list[Asked]]:
    """`mintaka` by itself, and `hotpot` with the questions of SQuAD as its simple ones."""
    mintaka = [
        Asked(each["id"], each["text"], each["type"] != "generic", each["type"])
        for each in read_records(folder / MINTAKA / "queries.jsonl.gz")
        if each["type"] != LEFT_OPEN
    ]
    hotpot = [_asked(each, is_complex=True) for each in read_records(folder / HOTPOT / "queries.jsonl.gz")]
    squad = [_asked(each, is_complex=False) for each in some_of(folder / SQUAD / "queries.jsonl.gz", SQUAD_ASKED)]
    return {"mintaka": mintaka, "hotpot": [*found_in(folder, HOTPOT, hotpot), *found_in(folder, SQUAD, squad)]}


def _asked(fields: dict[str, Any], *, is_complex: bool) -> Asked:
    return Asked(fields["id"], fields["text"], is_complex, fields["type"])


def some_of(path: Path, most: int) -> list[dict[str, Any]]:
    """As many records of a set as chance gives, the same ones every time."""
    return sorted(read_records(path), key=lambda each: sha256(each["id"].encode()).hexdigest()[8:])[:most]


def halves(sets: dict[str, list[Asked]]) -> tuple[dict[str, list[Asked]], dict[str, list[Asked]]]:
    """The questions to develop on, and those to report on."""
    developing = {name: [each for each in pair if each.develops] for name, pair in sets.items()}
    reporting = {name: [each for each in pair if not each.develops] for name, pair in sets.items()}
    return developing, reporting


def found_in(folder: Path, name: str, asked: Sequence[Asked]) -> list[Asked]:
    """The questions with the passages that the default release keeps for them."""
    store = ready_store(folder, name)
    return asyncio.run(_search(store, asked))


def ready_store(folder: Path, name: str) -> Path:
    """Where the store of a set is, built when it is missing."""
    build_or_reuse(name, folder / name / "corpus.jsonl.gz", Release())
    return store_of(name, Release())


async def _search(store: Path, asked: Sequence[Asked]) -> list[Asked]:
    release = Release()
    retriever, _ = await open_retriever(store, release, cores())
    answered = []
    for each in asked:
        found = await retriever.search(each.question, PUBLIC)
        kept = keep_best(found[: release.retrieval.keep], release.reranking)
        answered.append(replace(each, passages=tuple(kept)))
    return answered
