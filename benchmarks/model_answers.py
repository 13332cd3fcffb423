"""Answers of a real model and answers without one to the same questions, kept as they come.

The model is SmolLM2-135M by llama.cpp, of the extra local-llm. It takes seconds for a question, so each pair is written
to .warrant/bench at once: a run that was interrupted goes on where it was, until a set or the code changes.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.pools import FILES, Asked, questions
from benchmarks.record import ROOT, cores
from benchmarks.squad import holds
from benchmarks.stores import BENCH, build_or_reuse, store_of
from graph.backends import connect
from graph.builder import build_graph
from graph.release import Generation, Models, Release, Routing
from graph.settings import Settings
from graph.state import Answer, Question
from graph.sync import Graph

MODEL = "llama:smollm2"
TYPES = ("answerable", "unanswerable")
NEVER_DECLINES = Routing(answer_from=0.0)
QUOTING = Release(routing=NEVER_DECLINES)
GENERATING = Release(
    routing=NEVER_DECLINES,
    models=Models(simple=MODEL, complex=MODEL),
    generation=Generation(timeout=120, deadline=300, max_tokens=128, retries=0, context_window=1024),
)
"""So much time that a busy machine changes no answer, and so few tokens that two cores need ten seconds for one."""
MADE_BY = ("graph/**/*.py", "graph/**/*.md", "graph/**/*.json", "benchmarks/model_answers.py")


@dataclass(frozen=True)
class Reply:
    """An Answer in short; `support` is its citations' mean when the first writer's draft stood, and 0 otherwise."""

    confidence: float
    rung: str
    reason: str | None
    support: float
    right: bool
    seconds: float


@dataclass(frozen=True)
class Pair:
    """A question, whether the documents answer it, and both replies."""

    id: str
    answerable: bool
    quoted: Reply
    generated: Reply


def chosen(data: Path, name: str, most: int) -> list[Asked]:
    """Questions of a set's reporting half: of either type as many as wanted, which a hash of their ids puts first."""
    ranked = sorted(questions(data, name), key=lambda each: sha256(each.id.encode()).hexdigest()[8:])
    own = [[each for each in ranked if each.type == kind and not each.develops][:most] for kind in TYPES]
    return [each for kind in own for each in kind]


async def pairs(data: Path, name: str, most: int) -> list[Pair]:
    """Every chosen question of a set with both replies; asks what was not asked before."""
    path = BENCH / f"model-answers-{name}-{_recipe(data / name)}.jsonl"
    known = {pair.id: pair for pair in _read(path)}
    asked = chosen(data, name, most)
    if missing := [each for each in asked if each.id not in known]:
        build_or_reuse(name, data / name / FILES[0], Release())
        both = await _open(name)
        for each in track(missing, f"Asking {name}, {len(known)} kept"):
            known[each.id] = await _ask(each, both)
            _keep(path, known[each.id])
    return [known[each.id] for each in asked]


async def _open(name: str) -> tuple[Graph, Graph]:
    """The graph without and with the model over one backend; raises ExtraMissing without the extra."""
    settings = Settings(index=store_of(name, Release()), cache_answers=0, threads=cores())
    backend = await connect(settings, GENERATING)
    return build_graph(QUOTING, backend), build_graph(GENERATING, backend)


async def _ask(asked: Asked, both: tuple[Graph, Graph]) -> Pair:
    quoted, generated = [await _reply(graph, asked) for graph in both]
    return Pair(asked.id, asked.type == "answerable", quoted, generated)


async def _reply(graph: Graph, asked: Asked) -> Reply:
    began = time.perf_counter()
    question = Question(question=asked.record["text"], history=asked.record.get("history") or [])
    return in_short((await graph.ainvoke(question))["answer"], asked, time.perf_counter() - began)


def in_short(answer: Answer, asked: Asked, seconds: float) -> Reply:
    """What is kept of an Answer; right is one that has a reference answer of an answerable question in it."""
    stood = [cited["support"] for cited in answer["citations"]] if answer["rung"] == "primary" else []
    support = sum(stood) / len(stood) if stood else 0.0
    right = asked.type == "answerable" and answer["status"] != "declined" and holds(answer["text"], asked.answers)
    return Reply(answer["confidence"], answer["rung"], answer["reason"], round(support, 4), right, round(seconds, 2))


def _read(path: Path) -> Iterator[Pair]:
    """What was kept; the line that an interruption cut off is not."""
    whole = path.read_text("utf-8").rpartition("\n")[0].splitlines() if path.is_file() else []
    for fields in map(json.loads, whole):
        yield Pair(fields["id"], fields["answerable"], _of(fields["quoted"]), _of(fields["generated"]))


def _of(fields: Mapping[str, Any]) -> Reply:
    return Reply(**fields)


def _keep(path: Path, pair: Pair) -> None:
    """Add a line, in the place of one that was cut off."""
    kept = path.read_text("utf-8").rpartition("\n") if path.is_file() else ("", "", "")
    if kept[2]:
        path.write_text(kept[0] + kept[1], "utf-8")
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(pair)) + "\n")


def _recipe(folder: Path) -> str:
    made = sha256()
    for path in (
        *(path for form in MADE_BY for path in sorted(ROOT.glob(form))),
        *(folder / file for file in FILES),
    ):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]
