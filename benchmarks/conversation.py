"""How much better the passages for a turn of a conversation are found when it is folded into a stand-alone question.

Set: mtrag, the turns with judged passages that come after others (IBM MTRAG and MTRAG-UN; the pool holds only passages
that some turn needs, so searching it is easier than the published task). Each turn is asked of the graph on the default
release up to the rerank step: with its history, and as the last turn alone. Recall and nDCG are of what was found;
`kept` is the share of the needed passages among those that the answer may use. Beside them: `with the question before`,
the user's last question put before the turn; `rewrite`, the benchmark's own rewriting by a language model, for the
turns that have one; and `elsewhere`, turns that begin a conversation or can stand alone, asked after a conversation of
another collection, which should find as much as without it. Developed on one half of the turns, reported on the other.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.fitting import develops
from benchmarks.halfway import state_after
from benchmarks.record import RESULTS, Target, begin, print_table, read_judgements, read_records, record
from benchmarks.stores import build_or_reuse, store_of
from graph.builder import build_graph
from graph.index.local import SnapshotRetriever, open_local
from graph.release import Release
from graph.retrieval.fusion import best_by_document
from graph.settings import Settings
from graph.state import Passage, Question, Turn
from graph.steps.conversation import needs_context

NAME = "mtrag"
FILES = [f"{NAME}/{file}" for file in ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz")]
MOST = 10
SEED, SAMPLES = 7, 10_000

Figures = dict[str, Any]
Ranked = dict[str, dict[str, "Ranking"]]


@dataclass(frozen=True)
class Turned:
    """A user's turn, how it is asked, and the passages that it needs."""

    id: str
    text: str
    history: list[Turn]
    needed: frozenset[str]
    collection: str
    rewrite: str | None

    @property
    def half(self) -> str:
        return "develop" if develops(self.id) else "report"


@dataclass(frozen=True)
class Ranking:
    """The ten best documents that were found, and those that the answer may use."""

    found: list[str]
    kept: list[str]


def main() -> None:
    folder = begin(__doc__, FILES)
    build_or_reuse(NAME, folder / FILES[0], Release())
    turns = read_turns(folder)
    ranked = asyncio.run(measure(ways(turns)))
    results = {half: summary(turns, ranked, half) for half in ("develop", "report")}
    rows = [(half, way, *each.values()) for half, found in results.items() for way, each in found["ways"].items()]
    print_table("Turns of a conversation", ("half", "asked", "turns", f"recall@{MOST}", f"nDCG@{MOST}", "kept"), rows)
    draw(results["report"]["ways"], RESULTS / "conversation.png")
    told = results["report"]
    targets = [
        Target("recall@10 of the folded turn over that of the last turn alone", told["ratio"], at_least=1.1),
        Target("recall@10 after a conversation about something else over that alone", told["elsewhere"], at_least=0.98),
        Target("kept of the folded turn over what is kept of the last turn alone", told["kept"], at_least=1.05),
        Target("kept after a conversation about something else over that alone", told["kept_elsewhere"], at_least=0.98),
    ]
    record("conversation", results, targets)


def read_turns(folder: Path) -> list[Turned]:
    """The turns that some passage is judged relevant to."""
    needed = read_judgements(folder / FILES[2])
    turns = (each for each in read_records(folder / FILES[1]) if each["id"] in needed)
    return [
        Turned(
            each["id"],
            each["text"],
            each["history"],
            frozenset(needed[each["id"]]),
            each["metadata"]["collection"],
            each["metadata"].get("standalone_rewrite"),
        )
        for each in turns
    ]


def ways(turns: Sequence[Turned]) -> dict[str, dict[str, Question]]:
    """What is asked, by the way of asking and the turn."""
    later = [turn for turn in turns if turn.history]
    apart = [turn for turn in turns if not turn.history or not needs_context(turn.text)]
    rewritten = [turn for turn in later if turn.rewrite]
    return {
        "last turn": {turn.id: Question(question=turn.text) for turn in later},
        "with the question before": {turn.id: Question(question=f"{before(turn)} {turn.text}") for turn in later},
        "folded": {turn.id: Question(question=turn.text, history=turn.history) for turn in later},
        "rewritten, last turn": {turn.id: Question(question=turn.text) for turn in rewritten},
        "rewritten, folded": {turn.id: Question(question=turn.text, history=turn.history) for turn in rewritten},
        "rewritten by a model": {turn.id: Question(question=turn.rewrite or "") for turn in rewritten},
        "elsewhere, alone": {turn.id: Question(question=turn.text) for turn in apart},
        "elsewhere, folded": {
            turn.id: Question(question=turn.text, history=turn.history) for turn in moved(apart, later)
        },
    }


def before(turn: Turned) -> str:
    """The user's last question before a turn."""
    return " ".join([said["content"] for said in turn.history if said["role"] == "user"][-1].split())


def moved(apart: Sequence[Turned], later: Sequence[Turned]) -> list[Turned]:
    """The turns as if they came after a conversation about something else."""
    draw_one = random.Random(SEED)
    others = {name: [turn for turn in later if turn.collection != name] for name in {turn.collection for turn in apart}}
    return [replace(turn, history=draw_one.choice(others[turn.collection]).history) for turn in apart]


async def measure(asked: dict[str, dict[str, Question]]) -> Ranked:
    """What was found and kept, by the way of asking and the turn."""
    backend = await open_local(Settings(index=store_of(NAME, Release()), cache_answers=0), Release())
    graph, retriever = build_graph(Release(), backend), backend.retriever
    assert isinstance(retriever, SnapshotRetriever)
    copies = await retriever.copies()

    def documents(passages: Sequence[Passage]) -> list[str]:
        best = [passage["document"] for passage in best_by_document(passages)]
        return [name for document in best for name in (document, *copies.get(document, []))]

    async def ranking(question: Question) -> Ranking:
        state = await state_after(graph, "rerank", question)
        return Ranking(documents(state["candidates"])[:MOST], documents(state["passages"]))

    return {way: {name: await ranking(question) for name, question in each.items()} for way, each in asked.items()}


def summary(turns: Sequence[Turned], ranked: Ranked, half: str) -> Figures:
    """Recall, nDCG and what is kept, of every way of asking on one half of the turns, and the ratios of them."""
    needed = {turn.id: turn.needed for turn in turns if turn.half == half}

    def by_way(figure: Callable[[Ranking, frozenset[str]], float]) -> dict[str, list[float]]:
        return {
            way: [figure(one, needed[name]) for name, one in each.items() if name in needed]
            for way, each in ranked.items()
        }

    recalls = by_way(lambda one, wanted: recall(one.found, wanted))
    gains = by_way(lambda one, wanted: ndcg(one.found, wanted))
    kept = by_way(lambda one, wanted: recall(one.kept, wanted))
    ways = {
        way: {"turns": len(each), "recall10": _mean(each), "ndcg10": _mean(gains[way]), "kept": _mean(kept[way])}
        for way, each in recalls.items()
    }
    return {
        "ways": ways,
        "ratio": ratio(recalls["folded"], recalls["last turn"]),
        "ratio_interval": interval(recalls["folded"], recalls["last turn"]),
        "elsewhere": ratio(recalls["elsewhere, folded"], recalls["elsewhere, alone"]),
        "kept": ratio(kept["folded"], kept["last turn"]),
        "kept_interval": interval(kept["folded"], kept["last turn"]),
        "kept_elsewhere": ratio(kept["elsewhere, folded"], kept["elsewhere, alone"]),
    }


def recall(found: Sequence[str], needed: frozenset[str]) -> float:
    return len(needed & set(found)) / len(needed)


def ndcg(found: Sequence[str], needed: frozenset[str]) -> float:
    """Normalised discounted cumulative gain of the ten best with relevances of 0 and 1."""
    best = sum(1 / log2(place + 2) for place in range(min(MOST, len(needed))))
    return sum(1 / log2(place + 2) for place, name in enumerate(found) if name in needed) / best


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return round(sum(ours) / sum(theirs), 4)


def interval(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """The 95 % interval of the ratio by a paired bootstrap over the turns."""
    draws = np.random.default_rng(SEED).integers(0, len(ours), (SAMPLES, len(ours)))
    ratios = np.asarray(ours)[draws].sum(axis=1) / np.asarray(theirs)[draws].sum(axis=1)
    return [round(float(bound), 4) for bound in np.percentile(ratios, (2.5, 97.5))]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


def draw(ways: dict[str, dict[str, float]], path: Path) -> None:
    """Recall of each way of asking, best on top."""
    order = sorted(ways, key=lambda way: ways[way]["recall10"])
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(order, [ways[way]["recall10"] for way in order], 0.7)
    axes.bar_label(
        bars, [f"{ways[way]['recall10']:.3f}, {ways[way]['turns']} turns" for way in order], fontsize=8, padding=3
    )
    axes.set_xlim(0, 1.15)
    axes.set_xlabel(f"recall@{MOST} on the reporting half")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", labelsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
