"""How many of the sample questions are answered rightly, by kind, on the embedded default.

Set: samples/handbook and samples/questions.jsonl of this repository, written for it; the data folder is not used.
Right is an answer that cites at least one of a question's reference quotes, complete is one that cites all of them; a
question that the documents cannot answer is right when it is declined.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, begin, print_table, read_records, record
from benchmarks.stores import run_index
from evals.metrics.keyless import unmarked
from graph.agent import open_agent
from graph.release import Release
from graph.settings import Settings
from graph.state import Answer
from graph.sync import Graph

SAMPLES = ROOT / "samples"

Figures = dict[str, dict[str, int]]


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        run_index([SAMPLES / "handbook"], Path(place), Release())
        results = asyncio.run(ask_all(Path(place)))
    columns = ("asked", "right", "complete", "declined")
    rows = [(kind, *(found[column] for column in columns)) for kind, found in results.items()]
    print_table("The sample questions", ("kind", *columns), rows)
    record("handbook", results)


async def ask_all(store: Path) -> Figures:
    """Ask every question and count by kind."""
    counts: dict[str, Counter[str]] = {}
    for kind, found in await ask((await open_agent(Settings(index=store), Release())).graph):
        counts.setdefault(kind, Counter()).update(found)
    total = sum(counts.values(), Counter[str]())
    names = ("asked", "right", "complete", "declined")
    return {kind: {name: found[name] for name in names} for kind, found in {**counts, "all": total}.items()}


async def ask(graph: Graph) -> list[tuple[str, dict[str, int]]]:
    """The kind of each question, and what its answer adds to the counts."""
    found = []
    for question in read_records(SAMPLES / "questions.jsonl"):
        asked = {key: question[key] for key in ("question", "filters", "groups")}
        found.append((question["kind"], judged(question, (await graph.ainvoke(asked))["answer"])))
    return found


def judged(question: dict[str, Any], answer: Answer) -> dict[str, int]:
    """What one answer adds to the counts."""
    cited = unmarked(" ".join(citation["quote"] for citation in answer["citations"]))
    held = [unmarked(quote) in cited for quote in question["quotes"]]
    declined = answer["status"] == "declined"
    right, complete = (any(held), all(held)) if held else (declined, declined)
    return {"asked": 1, "right": right, "complete": complete, "declined": declined}


if __name__ == "__main__":
    main()
