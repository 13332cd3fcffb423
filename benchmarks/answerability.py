"""Questions with and without an answer in the documents, and what the confidence looks at for each.

Sets: squad_v2_dev, whose unanswerable questions were written against a paragraph so that it seems to answer them;
mtrag, turns of conversations; hotpotqa_100. `X without`: the answerable questions of a set, and the same ones again
when the documents that answer them are taken away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graph.finding.confidence import signs
from rich.progress import track

from benchmarks.pools import Pool, pools, whole, without_gold

SETS = {
    "squad_v2_dev": "SQuAD 2.0 by GitHub chrischute/squad, CC BY-SA 4.0",
    "mtrag": "GitHub IBM/mt-rag-benchmark, Apache 2.0",
    "hotpotqa_100": "HotpotQA by GitHub OSU-NLP-Group/HippoRAG, CC BY-SA 4.0",
}
WITHOUT = " without"
CLEAR = ("", "answerable", "bridge", "comparison")
"""Types of questions that the set's documents answer in full."""


@dataclass(frozen=True)
class Sample:
    """A question of a set under its id, its type in the set, whether it can be answered, and its signs."""

    set: str
    id: str
    develops: bool
    type: str
    answerable: bool
    signs: dict[str, float]


def samples(data: Path) -> list[Sample]:
    """Every sample of every set; a question for which nothing is found is none: there is nothing to be sure of."""
    return [sample for name in SETS for sample in _of_set(data, name)]


def _of_set(data: Path, name: str) -> Iterator[Sample]:
    for pool in track(list(pools(data, name, whole)), f"Looking at {name}"):
        if pool.evidence:
            sample = _sample(name, pool, answerable=pool.asked.type != "unanswerable")
            yield sample
            if pool.asked.gold and sample.type in CLEAR:
                yield replace(sample, set=name + WITHOUT)
    for pool in track(list(pools(data, name, without_gold)), f"Looking at {name + WITHOUT}"):
        if pool.evidence and pool.asked.type in CLEAR:
            yield _sample(name + WITHOUT, pool, answerable=False)


def _sample(name: str, pool: Pool, *, answerable: bool) -> Sample:
    turn = bool(pool.asked.record.get("history"))
    found = signs(pool.question, pool.passages, pool.evidence, pool.weigh, turn=turn)
    return Sample(name, pool.asked.id, pool.asked.develops, pool.asked.type, answerable, found)


def of(chosen: Sequence[Sample], name: str, types: Sequence[str] = ("answerable", "unanswerable")) -> list[Sample]:
    """The samples of one set; those of a set with types that are clearly one or the other."""
    typed = name.removesuffix(WITHOUT) in ("squad_v2_dev", "mtrag")
    return [each for each in chosen if each.set == name and (not typed or each.type in types)]
