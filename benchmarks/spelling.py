"""What mending misspelt words by the index gives back of a search: recall@10 and nDCG@10 clean, typed, and mended.

Sets: squad_v2_dev (SQuAD 2.0 dev with its Wikipedia paragraphs; the searches are by its answerable questions) and the
questions of samples/handbook. One name of each question, or else one content word, gets one slip: two letters swapped,
one dropped, one doubled, or the key beside it, by a seed of the question's id. The embedding is the static
wordllama-256. Of squad_v2_dev the half that nothing was developed on is reported.

A clean question is counted as wrongly changed when a word was put into it that the passage it was written against does
not hold: real questions have real slips, and mending those is right. `strangers` are the questions of mintaka_dev,
whose names neither index holds for the most part: the share of them that is changed.
"""

import asyncio
import json
import random
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

from benchmarks.fitting import develops
from benchmarks.record import ROOT, Target, begin, print_table, read_judgements, read_records, record
from benchmarks.stores import build_or_reuse, run_index, store_of
from graph.backends import Scope
from graph.backends.local import SnapshotRetriever, open_retriever
from graph.finding.retrieval import best_by_document
from graph.question.mending import Mender
from graph.question.spelling import ROWS
from graph.release import Release
from graph.snapshot.store import locate
from graph.snapshot.tables import Reader
from graph.text.language import is_ordinary, language_of
from graph.text.surfaces import surfaces
from graph.text.words import terms

STATIC = Release(name="static", embedding="wordllama-256")
SET, STRANGERS = "squad_v2_dev", "mintaka_dev"
FILES = [f"{SET}/corpus.jsonl.gz", f"{SET}/queries.jsonl.gz", f"{SET}/qrels.tsv.gz", f"{STRANGERS}/queries.jsonl.gz"]
CUT = 10
WORD = re.compile(r"[A-Za-z]{5,}")


@dataclass(frozen=True)
class Asked:
    """A question, the documents that answer it, and those that it was written against."""

    id: str
    text: str
    relevant: frozenset[str]
    about: frozenset[str]


def main() -> None:
    data = begin(__doc__, FILES)
    results = asyncio.run(measure(data))
    rows = [(name, way, *s.values()) for name in (SET, "handbook") for way, s in results[name]["search"].items()]
    print_table("Search by questions as they are, with a slip, and mended", ("set", "question", "recall", "nDCG"), rows)
    wrong = results[SET]["wrongly_changed"]
    targets = [
        Target("share of clean questions wrongly changed", wrong, at_most=0.01),
        Target("share of the lost recall@10 that mending gives back", results[SET]["given_back"], at_least=0.5),
    ]
    record("spelling", results, targets)


async def measure(data: Path) -> dict[str, Any]:
    await asyncio.to_thread(build_or_reuse, SET, data / SET / "corpus.jsonl.gz", STATIC)
    strangers = [row["text"] for row in read_records(data / STRANGERS / "queries.jsonl.gz")]
    with tempfile.TemporaryDirectory() as place:
        await asyncio.to_thread(run_index, [ROOT / "samples" / "handbook"], Path(place), STATIC)
        return {
            SET: await report(store_of(SET, STATIC), squad(data / SET), strangers),
            "handbook": await report(Path(place), handbook(), strangers),
        }


def squad(folder: Path) -> list[Asked]:
    judged = read_judgements(folder / "qrels.tsv.gz")
    rows = [row for row in read_records(folder / "queries.jsonl.gz") if not develops(row["id"])]
    return [_asked(row, judged.get(row["id"], {}), [row["metadata"]["passage_id"]]) for row in rows]


def handbook() -> list[Asked]:
    lines = (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if not row["groups"] and not row["filters"]]
    return [_asked({**row, "text": row["question"]}, row["documents"], row["documents"]) for row in rows]


def _asked(row: dict[str, Any], relevant: Iterable[str], about: Iterable[str]) -> Asked:
    return Asked(row["id"], " ".join(row["text"].split()), frozenset(relevant), frozenset(about))


async def report(store: Path, questions: Sequence[Asked], strangers: Sequence[str] = ()) -> dict[str, Any]:
    """The figures of one set; what no document answers is used for the clean questions only."""
    retriever, _ = await open_retriever(store, STATIC, 1)
    slips = [(asked, slip(asked)) for asked in questions if asked.relevant]
    typed = {asked.id: text for asked, text in slips if text}
    judged = [asked for asked in questions if asked.id in typed]
    ways = {
        "clean": {asked.id: asked.text for asked in judged},
        "clean, mended": {asked.id: (await mend(retriever, asked.text))[0] for asked in judged},
        "with a slip": typed,
        "with a slip, mended": {key: (await mend(retriever, text))[0] for key, text in typed.items()},
    }
    search = {way: await scores(retriever, judged, texts) for way, texts in ways.items()}
    lost = search["clean"]["recall10"] - search["with a slip"]["recall10"]
    found = search["with a slip, mended"]["recall10"] - search["with a slip"]["recall10"]
    right = [terms(ways["with a slip, mended"][a.id]) == terms(ways["clean, mended"][a.id]) for a in judged]
    texts = await texts_of(store)
    changes = [(asked, (await mend(retriever, asked.text))[1]) for asked in questions]
    return {
        "questions": len(judged),
        "search": search,
        "given_back": round(found / lost, 4) if lost > 0 else 1.0,
        "mended_to_what_was_meant": share(right),
        "clean_questions": len(questions),
        "changed": share(bool(mended) for _, mended in changes),
        "strangers_changed": share([bool((await mend(retriever, text))[1]) for text in strangers]),
        "wrongly_changed": share(is_wrong(mended, asked, texts) for asked, mended in changes),
    }


async def mend(retriever: SnapshotRetriever, text: str) -> tuple[str, dict[str, str]]:
    return await Mender(retriever.lexicon).mend(text, language_of(text))


def is_wrong(mended: dict[str, str], asked: Asked, texts: dict[str, str]) -> bool:
    """Whether a word was put in that is in none of the texts that the question was written against."""
    held = {word for name in asked.about for word in surfaces(texts.get(name, ""))}
    return any(not surfaces(used) <= held for used in mended.values())


async def texts_of(store: Path) -> dict[str, str]:
    reader = await Reader.open(locate(store), approximate=False)
    return {row.document: f"{row.title} {row.text}" async for row in reader.documents()}


def slip(asked: Asked) -> str | None:
    """The question with one slip in a name, or else in a content word; None when it has no word to slip in."""
    chance = random.Random(asked.id)
    words = list(WORD.finditer(asked.text))
    names = [word for word in words if word.group()[0].isupper() and word.start() > 0]
    content = [word for word in words if is_ordinary(word.group().lower(), "en") and terms(word.group())]
    if not (pool := names or content):
        return None
    chosen = chance.choice(pool)
    return asked.text[: chosen.start()] + slipped(chosen.group(), chance) + asked.text[chosen.end() :]


def slipped(word: str, chance: random.Random) -> str:
    """A word with one slip somewhere that changes it."""
    place = chance.randrange(len(word) - 1)
    letter, after = word[place], word[place + 1]
    ways = [letter + letter + after, after, beside(letter, chance) + after]
    ways += [after + letter] if after != letter else []
    return word[:place] + chance.choice(ways) + word[place + 2 :]


def beside(letter: str, chance: random.Random) -> str:
    row = next(row for row in ROWS if letter.lower() in row)
    place = row.index(letter.lower())
    found = chance.choice([row[near] for near in (place - 1, place + 1) if 0 <= near < len(row)])
    return found.upper() if letter.isupper() else found


async def scores(retriever: SnapshotRetriever, judged: Sequence[Asked], texts: dict[str, str]) -> dict[str, float]:
    """Mean recall and nDCG at 10 documents by their best passage; every relevant document counts the same."""
    recalls, gains = [], []
    for asked in judged:
        found = await retriever.search(texts[asked.id], Scope({}, [], STATIC.retrieval.pool))
        ranked = [passage["document"] for passage in best_by_document(found)][:CUT]
        best = sum(1 / log2(rank + 1) for rank in range(1, min(CUT, len(asked.relevant)) + 1))
        gain = sum(1 / log2(rank + 1) for rank, name in enumerate(ranked, 1) if name in asked.relevant)
        recalls.append(len(asked.relevant & {*ranked}) / len(asked.relevant))
        gains.append(gain / best)
    return {"recall10": mean(recalls), "ndcg10": mean(gains)}


def share(marks: Iterable[bool]) -> float:
    return mean([float(mark) for mark in marks])


def mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


if __name__ == "__main__":
    main()
