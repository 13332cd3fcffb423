"""What each feature, weight and rule of the answering path gains, on questions that it was not learned from.

Each switch takes one thing away; it gains the figure with it less the figure without it, with a paired bootstrap
interval of 95 % over the questions. `gains_on` counts the sets with an interval above zero, `loses_on` those below.

retrieval: nDCG@10 of the fused legs, reporting halves. ranking: nDCG@10 of a set by weights learned from the other
three. evidence: whether the first unit that is chosen holds the answer (squad_v2_dev, hotpotqa_100) or stands in a
judged document (mtrag), reporting halves; and the sample handbook's right answers. confidence: AUROC by weights learned
from the other sets, on the reporting halves; `X without`: the answerable questions of X with and without the documents
that answer them. routing: the share of the judged documents that the answer may use, and the handbook. conversation:
mtrag's later turns, reporting half.

`lines` are those that would go, `ms` the median milliseconds of the step's own work that a question takes more with it,
where that can be told apart. A quarter of squad_v2_dev is asked. What is small or seldom does not show with so few
questions: see how many there are, and how wide the interval is.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks import handbook
from benchmarks import switches as own
from benchmarks.ablation_search import ranking, retrieval, search_sets
from benchmarks.candidates import FILES, SETS
from benchmarks.conversation import Turned, measure, read_turns, recall
from benchmarks.conversation import ndcg as turn_ndcg
from benchmarks.gains import CLOCKED, Figures, Measured, Row, compare, extra_ms, flat
from benchmarks.halfway import state_after
from benchmarks.pools import Pool, pools, without_gold
from benchmarks.record import begin, print_table, record
from benchmarks.squad import holds
from benchmarks.stores import run_index, store_of
from benchmarks.switches import switched
from benchmarks.train_confidence import Sample, of, of_set, train
from benchmarks.train_rerank import SHARES
from graph.builder import build_graph
from graph.index.local import open_local
from graph.learned import Logistic
from graph.models.cross_encoder import CrossEncoder
from graph.release import Release
from graph.settings import Settings
from graph.state import Passage, Question
from graph.steps import parts
from graph.steps.conversation import fold
from graph.steps.route import UNNAMED, Assessment, Read, assess

ASKED = ("squad_v2_dev", "mtrag", "hotpotqa_100")
SURE = ("squad_v2_dev", "squad_v2_dev without", "mtrag", "hotpotqa_100 without")


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    reader = CrossEncoder()
    one = cache(lambda question, text: reader.scores(question, [text])[0])

    def read(question: str, texts: Sequence[str]) -> list[float]:
        return [one(question, text) for text in texts]

    fused, lists = asyncio.run(search_sets(data))
    found = {name: list(pools(data, name, share=SHARES.get(name, 1.0))) for name in ASKED}
    taken = {name: list(pools(data, name, without_gold, SHARES.get(name, 1.0))) for name in ASKED[::2]}
    with tempfile.TemporaryDirectory() as place:
        run_index([handbook.SAMPLES / "handbook"], Path(place), Release())
        handed = asyncio.run(ask_handbook(Path(place), read))
    rows = [
        *retrieval(found["squad_v2_dev"][:CLOCKED], fused),
        *ranking(lists),
        *evidence(found, reader, read, handed),
        *confidence(found, taken, read, handed),
        *routing(data, found, handed),
        *conversation(data),
    ]
    columns = ("without", "lines", "ms", "set", "questions", "with", "without it", "gain", "low", "high")
    for room in dict.fromkeys(row["room"] for row in rows):
        print_table(room, columns, [line for row in rows if row["room"] == room for line in flat(row)])
    short = ("without", "lines", "gains_on", "loses_on")
    print_table("Sets with a sure gain or loss", short, [[row[column] for column in short] for row in rows])
    record("ablation", {"switches": rows})


def evidence(found: dict[str, list[Pool]], reader: CrossEncoder, read: Read, handed: dict[str, Figures]) -> list[Row]:
    on, clocked = {**chosen(found, read, ()), **handed[""]}, found["squad_v2_dev"][:CLOCKED]
    rows = []
    for switch in track(own.EVIDENCE, "Choosing a unit without a rule"):
        ms = extra_ms(switch, partial(_assess, reader.scores if switch.name == "cross-encoder" else read), clocked)
        rows.append(compare(switch, on, {**chosen(found, read, switch.patches), **handed[switch.name]}, ms))
    return rows


def chosen(found: dict[str, list[Pool]], read: Read, patches: Sequence[own.Patch]) -> Figures:
    """Whether the first unit that is chosen is right."""
    some = {name: [pool for pool in found[name] if _is_judged(pool)] for name in ASKED}
    with switched((*patches, *own.ALONE)):
        return {f"{name}, unit": Measured([_right(each, _assess(read, each)) for each in some[name]]) for name in some}


def _assess(read: Read, pool: Pool) -> Assessment:
    return assess(pool.question, [], pool.passages, pool.weigh, answer_from=0.0, read=read)


def _is_judged(pool: Pool) -> bool:
    return bool(pool.asked.gold) and not pool.asked.develops and pool.asked.answers not in (["yes"], ["no"])


def _right(pool: Pool, assessed: Assessment) -> float:
    """Whether the quote is right: it holds the answer, or stands in a judged document where answers are long."""
    quotes = assessed.selection["quotes"]
    if quotes and pool.asked.record.get("history") is not None:
        return float(pool.passages[quotes[0]["passage"]]["document"] in pool.asked.gold)
    return float(bool(quotes) and holds(quotes[0]["text"], pool.asked.answers))


def confidence(
    found: dict[str, list[Pool]], taken: dict[str, list[Pool]], read: Read, handed: dict[str, Figures]
) -> list[Row]:
    def look() -> list[Sample]:
        return [each for name in ASKED for each in of_set(name, found[name], taken.get(name, ()), read)]

    def figures(samples: list[Sample], score: Callable[[Sample, Logistic], float], *unweighed: str) -> Figures:
        models = {name: train(every, name.split(" ")[0], unweighed) for name in SURE}
        sets = {name: [each for each in of(samples, name) if not each.develops] for name in SURE}
        return {
            name: Measured(
                [score(each, models[name]) for each in sets[name]],
                [each.id for each in sets[name]],
                [each.answerable for each in sets[name]],
            )
            for name in SURE
        }

    every = look()
    on = figures(every, _sure)
    signs = [compare(switch, on, figures(every, _sure, *names)) for switch, names in own.SIGNS.items()]
    signs.append(compare(own.WEIGHTS, on, figures(every, lambda each, model: each.unread["similar"])))
    whole = {**on, **handed[""], **chosen(found, read, ())}
    for switch in track(own.RULES, "Judging without a rule"):
        with switched(switch.patches):
            off = {**figures(look(), _sure), **handed[switch.name]}
        off |= chosen(found, read, switch.patches)
        signs.append(
            compare(switch, whole, off, extra_ms(switch, partial(_assess, read), found["squad_v2_dev"][:CLOCKED]))
        )
    return signs


def _sure(sample: Sample, model: Logistic) -> float:
    """The confidence of graph.steps.route by other weights."""
    return model.probability(sample.signs) if sample.fits else UNNAMED * model.probability(sample.unread)


async def ask_handbook(store: Path, read: Read) -> dict[str, Figures]:
    """Whether each sample question is answered rightly and completely, by the switch; "" is with everything."""
    backend = await open_local(Settings(index=store, cache_answers=0), Release())
    graph = build_graph(Release(), replace(backend, sentences=Remembered(read)))
    switches = (*own.EVIDENCE, *own.RULES, own.PARTS, *own.QUOTES)
    every = {"": (), **{each.name: each.patches for each in switches}}
    found: dict[str, Figures] = {}
    for name, patches in track(every.items(), "Asking the handbook"):
        with switched(patches):
            asked = await handbook.ask(graph)
        both = [float(each["complete"]) for kind, each in asked if kind == "two_documents"]
        figures = ("right", "complete")
        found[name] = {f"handbook, {one}": Measured([float(each[one]) for _, each in asked]) for one in figures}
        found[name] |= {"handbook, two documents": Measured(both)} if name in ("", own.PARTS.name) else {}
    return found


@dataclass(frozen=True)
class Remembered:
    """A cross-encoder that reads the same only once."""

    scores: Read


def routing(data: Path, found: dict[str, list[Pool]], handed: dict[str, Figures]) -> list[Row]:
    ours = {name: [each for each in found[name] if each.asked.gold and not each.asked.develops] for name in ASKED[1:]}
    plain = {name: Measured([_kept(each, each.passages) for each in pools]) for name, pools in ours.items()}
    widened = {name: asyncio.run(_widened(name, pools)) for name, pools in ours.items()}
    ms = extra_ms(own.PARTS, lambda each: parts.split(each.question), ours["mtrag"][:CLOCKED])
    rows = [compare(own.PARTS, {**handed[""], **widened}, {**handed[own.PARTS.name], **plain}, ms)]
    return [*rows, *(compare(each, handed[""], handed[each.name]) for each in own.QUOTES)]


async def _widened(name: str, ours: Sequence[Pool]) -> Measured:
    """The share of the judged documents that is kept when what is asked in parts is searched for in parts."""
    graph = build_graph(Release(), await open_local(Settings(index=store_of(name, Release())), Release()))
    shares = []
    for each in track(ours, f"Searching for the parts of {name}"):
        record = each.asked.record
        asked = Question(question=record["text"], history=record.get("history") or [])
        state = await state_after(graph, "route", asked) if parts.split(each.question) else {"passages": each.passages}
        shares.append(_kept(each, state["passages"]))
    return Measured(shares)


def _kept(pool: Pool, passages: Sequence[Passage]) -> float:
    return len({passage["document"] for passage in passages} & pool.asked.gold) / len(pool.asked.gold)


def conversation(data: Path) -> list[Row]:
    turns = [turn for turn in read_turns(data) if turn.history and turn.half == "report"]
    asked = {"": {turn.id: Question(question=turn.text, history=turn.history) for turn in turns}}

    def figures(patches: Sequence[own.Patch]) -> Figures:
        with switched(patches):
            ranked = asyncio.run(measure(asked))[""]
        pairs = [(ranked[turn.id], turn.needed) for turn in turns]
        values = {
            "recall@10": [recall(each.found, needed) for each, needed in pairs],
            "nDCG@10": [turn_ndcg(each.found, needed) for each, needed in pairs],
            "kept": [recall(each.kept, needed) for each, needed in pairs],
        }
        return {f"mtrag, {name}": Measured(each) for name, each in values.items()}

    def run(turn: Turned) -> Any:
        return fold(turn.text, turn.history)

    on = figures(())
    switches = track(own.CONVERSATION, "Asking turns without a rule")
    return [compare(each, on, figures(each.patches), extra_ms(each, run, turns[:CLOCKED])) for each in switches]


if __name__ == "__main__":
    main()
