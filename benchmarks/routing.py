"""How well simple questions are told from complex ones, and what the complex path finds for what it costs.

Telling them apart: the area under the ROC curve on the reporting halves of Mintaka (its type `generic` against all
others but `yesno`) and of HotpotQA against SQuAD 2.0, beside the length of the question in words, and with the weights
learned on the other pair alone. The cost-quality curve: every question is asked of the graph up to the route step, once
as simple and once as complex; a threshold then chooses one of the two for each. Found is a question all of whose gold
passages (of the samples: all of whose reference quotes) are within the kept passages. Beside it: a router that calls
the same share of questions complex by chance. The sets count the same in a mean over them.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.handbook import SAMPLES, judged
from benchmarks.paths import COMPLEX, SIMPLE, Walked, Walker, Way, open_uncached
from benchmarks.record import RESULTS, Target, begin, print_table, read_judgements, read_records, record
from benchmarks.routes import FILES, HOTPOT, SQUAD, Asked, halves, pairs
from benchmarks.stores import run_index, store_of
from benchmarks.train_router import learn
from evals.metrics.plain import unmarked
from graph.builder import build_graph
from graph.learned import Model, load
from graph.question.routing import features
from graph.release import Release, Routing
from graph.state import Passage, Question

JUDGED = [f"{name}/qrels.tsv.gz" for name in (HOTPOT, SQUAD)]
THRESHOLDS = [round(0.05 * step, 2) for step in range(21)]
SEED, DRAWS = 7, 2_000

Figures = dict[str, Any]
Score = Callable[[Asked], float]


def main() -> None:
    folder = begin(__doc__, [*FILES, *JUDGED])
    sets = pairs(folder)
    developing, reporting = halves(sets)
    told = telling_apart(developing, reporting)
    with tempfile.TemporaryDirectory() as place:
        run_index([SAMPLES / "handbook"], Path(place), Release())
        walks = asyncio.run(walk_all(folder, reporting["hotpot"], Path(place)))
        answers = asyncio.run(answer_samples(Path(place)))
    curve = [point(walks, threshold) for threshold in THRESHOLDS]
    paths = {name: both_paths(each) for name, each in walks.items()}
    chosen = point(walks, Release().routing.complex_from)
    show(told, curve, paths)
    draw(curve, chosen, {name: len(each) for name, each in walks.items()}, RESULTS / "routing.png")
    results = {"auc": told, "curve": curve, "default": chosen, "paths": paths, "sample answers": answers}
    record("routing", results, targets(told, chosen, curve))


def telling_apart(developing: dict[str, list[Asked]], reporting: dict[str, list[Asked]]) -> Figures:
    """The area under the curve of the router, of length, and of weights from the other pair, with intervals."""
    other = {"mintaka": "hotpot", "hotpot": "mintaka"}
    found: Figures = {}
    for name, asked in reporting.items():
        scores: dict[str, Score] = {
            "router": _score(load("router")),
            "length": lambda each: features(each.question)["words"],
            f"learned on {other[name]} alone": _score(learn(developing, only=other[name])),
        }
        found[name] = {label: auc(asked, score) for label, score in scores.items()}
        found[name]["questions"] = len(asked)
    return found


def _score(model: Model) -> Score:
    return lambda each: model.probability(features(each.question, each.passages))


def auc(asked: Sequence[Asked], score: Score) -> dict[str, Any]:
    """The chance that a complex question scores above a simple one, with its 95 % bootstrap interval."""
    values = np.array([score(each) for each in asked])
    truth = np.array([each.complex for each in asked])
    high, low = values[truth], values[~truth]
    above = (high[:, None] > low).astype(float) + 0.5 * (high[:, None] == low)
    draw_some = np.random.default_rng(SEED)
    means = []
    for _ in range(DRAWS):
        rows, columns = draw_some.integers(0, len(high), len(high)), draw_some.integers(0, len(low), len(low))
        means.append(float(above[np.ix_(rows, columns)].mean()))
    return {"auc": _short(above.mean()), "interval": [_short(bound) for bound in np.percentile(means, (2.5, 97.5))]}


def _short(value: float) -> float:
    return round(float(value), 4)


async def walk_all(folder: Path, asked: Sequence[Asked], handbook: Path) -> dict[str, list[Walked]]:
    """Both paths of every question that has something to be found."""
    walks = {}
    for name in (HOTPOT, SQUAD):
        needed = read_judgements(folder / name / "qrels.tsv.gz")
        walker = await Walker.open(store_of(name, Release()))
        some = [each for each in asked if each.id in needed]
        walks[name] = [
            await walker.walk(Question(question=each.question), _holds(set(needed[each.id]))) for each in some
        ]
    walker = await Walker.open(handbook)
    samples = [each for each in read_records(SAMPLES / "questions.jsonl") if each["quotes"]]
    for kind in ("two_documents", "other samples"):
        some_samples = [each for each in samples if (each["kind"] == "two_documents") == (kind == "two_documents")]
        walks[kind] = [await walker.walk(_sample(each), _quotes(each["quotes"])) for each in some_samples]
    return walks


def _sample(fields: dict[str, Any]) -> Question:
    return Question(question=fields["question"], filters=fields["filters"], groups=fields["groups"])


def _holds(needed: set[str]) -> Callable[[Sequence[Passage]], bool]:
    return lambda passages: needed <= {passage["document"] for passage in passages}


def _quotes(quotes: Sequence[str]) -> Callable[[Sequence[Passage]], bool]:
    def held(passages: Sequence[Passage]) -> bool:
        text = unmarked(" ".join(passage["text"] for passage in passages))
        return all(unmarked(quote) in text for quote in quotes)

    return held


async def answer_samples(handbook: Path) -> dict[str, dict[str, int]]:
    """The sample questions answered rightly and completely, by how they are routed."""
    backend = await open_uncached(handbook, Release())
    found: dict[str, dict[str, int]] = {}
    for label, routing in (("never complex", SIMPLE), ("default", Routing()), ("always complex", COMPLEX)):
        graph = build_graph(Release(routing=routing), backend)
        counts = {"right": 0, "complete": 0, "two_documents complete": 0}
        for sample in read_records(SAMPLES / "questions.jsonl"):
            verdict = judged(sample, (await graph.ainvoke(_sample(sample)))["answer"])
            counts["right"] += verdict["right"]
            counts["complete"] += verdict["complete"]
            counts["two_documents complete"] += verdict["complete"] * (sample["kind"] == "two_documents")
        found[label] = counts
    return found


def both_paths(walks: Sequence[Walked]) -> Figures:
    """What either path finds and costs by itself on one set."""
    slower = median(each.complex.milliseconds for each in walks) / median(each.simple.milliseconds for each in walks)
    simple, whole = ([getattr(each, path) for each in walks] for path in ("simple", "complex"))
    return {"questions": len(walks), "simple": means(simple), "complex": {**means(whole), "times": round(slower, 2)}}


def means(ways: Sequence[Way]) -> dict[str, float]:
    """Over some questions: the share whose passages were all found, and searches and kept tokens for each."""
    return {
        "found": _short(fmean(way.found for way in ways)),
        "searches": _short(fmean(way.searches for way in ways)),
        "tokens": round(fmean(way.tokens for way in ways), 1),
    }


def point(walks: dict[str, list[Walked]], threshold: float) -> Figures:
    """What a threshold gives on each set and in the mean over them, and what the same share by chance would give."""
    sets = {name: taken(each, threshold) for name, each in walks.items()}
    figures = ("share", "found", "searches", "tokens", "found by chance")
    mean = {figure: _short(fmean(each[figure] for each in sets.values())) for figure in figures}
    by_chance = fmean(chance(each, mean["share"]) for each in walks.values())
    return {"threshold": threshold, **mean, "found by chance": _short(by_chance), "sets": sets}


def taken(walks: Sequence[Walked], threshold: float) -> dict[str, float]:
    """One set at one threshold; the share is that of the questions that are called complex."""
    ways = [each.complex if each.probability >= threshold else each.simple for each in walks]
    share = fmean(each.probability >= threshold for each in walks)
    return {"share": _short(share), **means(ways), "found by chance": _short(chance(walks, share))}


def chance(walks: Sequence[Walked], share: float) -> float:
    """What is found on average when any question is called complex with this probability."""
    return fmean(share * each.complex.found + (1 - share) * each.simple.found for each in walks)


def targets(told: Figures, chosen: Figures, curve: Sequence[Figures]) -> list[Target]:
    """What routing must reach, and what its complex path must earn at the default threshold."""
    always, never = curve[0], curve[-1]
    hotpot, two = (chosen["sets"][name]["found"] for name in (HOTPOT, "two_documents"))
    return [
        Target("AUC on mintaka", told["mintaka"]["router"]["auc"], at_least=0.85),
        Target("AUC on hotpotqa against squad", told["hotpot"]["router"]["auc"], at_least=0.85),
        Target("hotpotqa found, over never complex", _short(hotpot - never["sets"][HOTPOT]["found"]), at_least=0.05),
        Target(
            "two documents found, over never complex",
            _short(two - never["sets"]["two_documents"]["found"]),
            at_least=0.05,
        ),
        Target("searches, over always complex", _short(chosen["searches"] / always["searches"]), at_most=0.85),
        Target("found, over a router by chance", _short(chosen["found"] - chosen["found by chance"]), at_least=0.0),
        Target("found, over always complex", _short(chosen["found"] / always["found"]), at_least=0.95),
    ]


def show(told: Figures, curve: Sequence[Figures], paths: Figures) -> None:
    rows = [
        (name, label, figures["auc"], *figures["interval"])
        for name, each in told.items()
        for label, figures in each.items()
        if label != "questions"
    ]
    print_table("Telling simple from complex", ("set", "by", "AUC", "from", "to"), rows)
    columns = ("threshold", "share", "found", "found by chance", "searches", "tokens")
    print_table("The cost-quality curve", columns, [[each[column] for column in columns] for each in curve])
    rows = [
        (name, path, each["questions"], *each[path].values())
        for name, each in paths.items()
        for path in ("simple", "complex")
    ]
    print_table(
        "The paths by themselves",
        ("set", "path", "questions", "found", "searches", "tokens"),
        [row[:6] for row in rows],
    )


def draw(curve: Sequence[Figures], chosen: Figures, counts: dict[str, int], path: Path) -> None:
    """Found over searches as the threshold moves, beside chance; a line for each set on the right, with its size."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    searches = [each["searches"] for each in curve]
    left.plot(searches, [each["found"] for each in curve], marker=".", label="this router")
    left.plot(searches, [each["found by chance"] for each in curve], "--", color="grey", label="by chance")
    left.plot(chosen["searches"], chosen["found"], "o", color="black", label=f"default, {chosen['threshold']:g}")
    left.set_xlabel("searches for a question")
    left.set_ylabel("share found, mean over the sets")
    for name, count in counts.items():
        found = [each["sets"][name]["found"] for each in curve]
        right.plot([each["threshold"] for each in curve], found, label=f"{name}, {count}")
    right.axvline(chosen["threshold"], color="black", linewidth=0.5)
    right.set_xlabel("complex from a probability of")
    right.set_ylabel("share found")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(fontsize=8, frameon=False)
    right.legend(fontsize=8, frameon=False, loc=(0.02, 0.42), title="set, questions", title_fontsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
