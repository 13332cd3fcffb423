"""Fault drills: whether every question gets its right rung inside the deadline while a model's endpoint fails.

Set: samples/handbook and samples/questions.jsonl of this repository, written for it; the data folder is not used. Asked
are the first 24 questions that the primary model answers when nothing fails, eight at a time, over real HTTP on
127.0.0.1. The endpoint quotes the reference sentence; it fails at a share of the calls for each model, drawn from the
question and the number of the call. The backup is healthy, or fails likewise.

The right rung follows from what the endpoint says that it served: the first good reply in the order primary, retry,
backup, or the quoted passages when there was none. A call may be missing only where the model's circuit has opened in
the drill, and a retry also where the endpoint asked for a longer wait than the deadline leaves. No evidence is thin
enough to decline, so that what is tried is the ladder.
"""

import asyncio
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.handbook import judged
from benchmarks.record import ROOT, Target, begin, print_table, read_records, record
from benchmarks.stores import run_index
from evals.metrics.keyless import unmarked
from graph.agent import open_agent
from graph.models.breaker import breaker_of
from graph.release import Breaker, Generation, Models, Release, Routing
from graph.settings import Settings
from graph.state import Answer
from graph.sync import Graph
from graph.text.sentences import units
from samples.endpoint import Body, Endpoint, serving

SAMPLES = ROOT / "samples"
FAULTS = {
    "429, wait 0.5 s": "busy",
    "429, wait 60 s": "busy",
    "500": "broken",
    "503": "unavailable",
    "hang": "hang",
    "hang mid-stream": "hang_mid_stream",
    "cut mid-stream": "cut",
    "junk body": "junk",
    "wrong content type": "html",
    "slow tokens": "slow",
}
CONCURRENCY, QUESTIONS = 8, 24
TERMS: dict[str, Any] = {"timeout": 2.0, "deadline": 8.0, "backoff": 0.2, "max_tokens": 256}
"""Seconds, so short that the drills take minutes; the slow reply needs several timeouts."""
NUMBERED = re.compile(r"(?m)^\[(\d+)\] .*\n")

Sample = dict[str, Any]


@dataclass(frozen=True)
class Drill:
    """A fault, the share of calls that it befalls, and whether the backup is spared and the circuits may open."""

    fault: str
    rate: float
    healthy_backup: bool = True
    breaker: bool = True

    @property
    def name(self) -> str:
        backup = "healthy" if self.healthy_backup else "failing"
        return f"{self.fault}, {self.rate:.0%}, backup {backup}{'' if self.breaker else ', no breaker'}"


@dataclass(frozen=True)
class Outcome:
    """One question under a drill: its answer, the seconds that it took, and the rung that it should have had."""

    sample: Sample
    answer: Answer
    seconds: float
    rung: str


KINDS = ((1.0, True, True), (1.0, False, True), (0.3, True, True), (0.3, False, True), (0.3, True, False))
"""Rate, healthy backup, breaker: with it, 30 % of failures soon open the circuit, and little is left to retry."""
DRILLS = [Drill(fault, *kind) for fault in FAULTS for kind in KINDS]


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "store"
        run_index([SAMPLES / "handbook"], store, Release(embedding="wordllama-256"))
        samples = answered_without_faults(store, [each for each in read_samples() if each["quotes"]])
        figures = {drill.name: measure(run(drill, store, samples)) for drill in DRILLS}
    print_figures(figures)
    asked = sum(each["asked"] for each in figures.values())
    shares = {name: sum(each[name] for each in figures.values()) / asked for name in ("inside", "right_rung")}
    worst = max(each["worst_over_ms"] for each in figures.values())
    results = {"questions": len(samples), "drills": figures, "worst_over_ms": worst, **shares}
    targets = [
        Target("share inside the deadline", shares["inside"], at_least=1.0),
        Target("share on the right rung", shares["right_rung"], at_least=1.0),
    ]
    record("drills", results, targets)


def read_samples() -> list[Sample]:
    return list(read_records(SAMPLES / "questions.jsonl"))


def answered_without_faults(store: Path, samples: Sequence[Sample]) -> list[Sample]:
    """The questions that the primary model answers when nothing fails."""
    # The first questions of a process load what the others find loaded, so they get all the time that they want.
    calm = run(Drill("500", 0.0), store, samples, {**TERMS, "timeout": 60.0, "deadline": 180.0})
    return [outcome.sample for outcome in calm if outcome.answer["rung"] == "primary"][:QUESTIONS]


def run(drill: Drill, store: Path, samples: Sequence[Sample], terms: Mapping[str, Any] = TERMS) -> list[Outcome]:
    """Ask every question under a drill."""
    quotes = {sample["question"]: sample["quotes"] for sample in samples}
    wait = drill.fault.split()[-2] if drill.fault.startswith("429") else "1"
    told = Endpoint(lambda body: reply(body, quotes), _picks(drill), retry_after=wait)
    with serving(told) as endpoint:
        release = release_of(drill, terms)
        answers = asyncio.run(_ask_all(store, endpoint, release, samples))
        models = (release.models.simple, release.models.backup)
        opened = [breaker_of(name, endpoint.url, release.breaker).state.state != "closed" for name in models]
        return [
            Outcome(sample, answer, seconds, right_rung(drill, served_for(sample, endpoint), opened))
            for sample, (answer, seconds) in zip(samples, answers, strict=True)
        ]


def served_for(sample: Sample, endpoint: Endpoint) -> list[list[str]]:
    """How the calls of a question were answered, by the primary and by the backup."""
    served = [each for each in endpoint.served if each.question == sample["question"]]
    return [[each.fault for each in served if each.model.startswith(name)] for name in ("primary", "backup")]


def right_rung(drill: Drill, served: Sequence[Sequence[str]], opened: Sequence[bool]) -> str:
    """The rung that follows from what the endpoint served for a question; `opened` are the circuits of both models."""
    primary, backup = served
    if primary and primary[-1] == "good":
        return "primary" if len(primary) == 1 else "retry"
    if len(primary) < 2 and not opened[0] and drill.fault != "429, wait 60 s":
        return "retry"
    if not backup:
        return "extractive" if opened[1] else "backup"
    return "backup" if backup[-1] == "good" else "extractive"


def release_of(drill: Drill, terms: Mapping[str, Any]) -> Release:
    """Two models of one endpoint, their names new with each drill, so that each has a breaker of its own."""
    mark = sha256(drill.name.encode()).hexdigest()[:8]
    models = Models(simple=f"openai:primary-{mark}", complex=f"openai:primary-{mark}", backup=f"openai:backup-{mark}")
    return Release(
        embedding="wordllama-256",
        models=models,
        generation=Generation(**terms),
        breaker=Breaker() if drill.breaker else Breaker(window=10_000, minimum=10_000),
        routing=Routing(answer_from=0.0, read_from=0.0),
    )


def _picks(drill: Drill) -> Any:
    asked: Counter[tuple[str, str]] = Counter()

    def pick(body: Body) -> str:
        model, question = str(body["model"]), _question(body)
        asked[model, question] += 1
        spared = drill.healthy_backup and model.startswith("backup")
        drawn = sha256(f"{model.split('-')[0]} {question} {asked[model, question]}".encode()).digest()
        fails = not spared and int.from_bytes(drawn[:4]) / 2**32 < drill.rate
        return FAULTS[drill.fault] if fails else "good"

    return pick


def _question(body: Body) -> str:
    return str(body["messages"][-1]["content"]).rsplit("Question: ", 1)[-1]


def reply(body: Body, quotes: dict[str, list[str]]) -> str:
    """The sentences of the numbered passages that hold a reference quote, each with its number."""
    told = str(body["messages"][-1]["content"]).rsplit("\n\nQuestion: ", 1)[0]
    pieces = NUMBERED.split(told)
    wanted = [unmarked(quote) for quote in quotes.get(_question(body), [])]
    found = [
        f"{unit.reading.rstrip('.')}. [{number}]"
        for number, text in zip(pieces[1::2], pieces[2::2], strict=True)
        for unit in units(text)
        if any(quote in unmarked(unit.reading) or unmarked(unit.reading) in quote for quote in wanted)
    ]
    return " ".join(found[:2]) or "I don't know."


async def _ask_all(
    store: Path, endpoint: Endpoint, release: Release, samples: Sequence[Sample]
) -> list[tuple[Answer, float]]:
    graph = (await open_agent(Settings(index=store, chat_url=endpoint.url), release)).graph
    places = asyncio.Semaphore(CONCURRENCY)
    return await asyncio.gather(*(_ask(graph, sample, places) for sample in samples))


async def _ask(graph: Graph, sample: Sample, places: asyncio.Semaphore) -> tuple[Answer, float]:
    async with places:
        began = time.perf_counter()
        answer = (await graph.ainvoke({key: sample[key] for key in ("question", "filters", "groups")}))["answer"]
        return answer, time.perf_counter() - began


def measure(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What a drill came to: counts of questions, and the milliseconds by which the worst was over the deadline."""
    over = max(outcome.seconds - TERMS["deadline"] for outcome in outcomes)
    rungs = Counter(outcome.answer["rung"] for outcome in outcomes)
    return {
        "asked": len(outcomes),
        "rungs": dict(sorted(rungs.items())),
        "inside": sum(outcome.seconds <= TERMS["deadline"] for outcome in outcomes),
        "right_rung": sum(outcome.answer["rung"] == outcome.rung for outcome in outcomes),
        "worst_over_ms": round(max(0.0, over) * 1000, 1),
        "slowest_seconds": round(max(outcome.seconds for outcome in outcomes), 2),
        "right": sum(judged(outcome.sample, outcome.answer)["right"] for outcome in outcomes),
    }


def print_figures(figures: dict[str, dict[str, Any]]) -> None:
    columns = ("asked", "inside", "right_rung", "right", "worst_over_ms", "slowest_seconds")
    rows = [
        (name, ", ".join(f"{rung} {count}" for rung, count in each["rungs"].items()), *(each[key] for key in columns))
        for name, each in figures.items()
    ]
    print_table(f"Fault drills, deadline {TERMS['deadline']:g} s", ("drill", "rungs", *columns), rows)


if __name__ == "__main__":
    main()
