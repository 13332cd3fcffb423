"""Renders the table of results in README.md from the committed files in benchmarks/results."""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"


def result(name: str) -> dict[str, Any]:
    """One committed result."""
    found: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))
    return found


def table() -> str:
    """The table as Markdown."""
    rows = [
        *retrieval(),
        *ingestion(),
        *reindex(),
        *formats(),
        *steps(),
        *start(),
        *handbook(),
        *goals(),
        *with_a_model(),
    ]
    head = "| what | measured | to reach | date | command |\n| --- | --- | --- | --- | --- |"
    return "\n".join([head, *rows])


def row(name: str, what: str, measured: str, goal: str = "") -> str:
    return f"| {what} | {measured} | {goal} | {result(name)['date'][:10]} | `benchmarks/{name}.py` |"


def retrieval() -> list[str]:
    found = result("retrieval")["results"]
    goals = {"scifact": "fused >= 0.73", "hotpotqa_100": "fused >= 0.83"}
    return [
        row("retrieval", f"nDCG@10 on {name}: {' / '.join(legs)}", _all(legs, "ndcg10"), goals[name])
        for name, legs in found.items()
    ] + [row("retrieval", f"recall@100 on {name}", _all(legs, "recall100")) for name, legs in found.items()]


def _all(legs: dict[str, Any], figure: str) -> str:
    return " / ".join(f"{leg[figure]:.3f}" for leg in legs.values())


def ingestion() -> list[str]:
    found = result("ingestion")["results"]
    return [
        row(
            "ingestion",
            f"indexing {name} against the embedder alone, passages a second",
            f"{one['ratio']:.2f}",
            ">= 0.9",
        )
        for name, one in found.items()
    ]


def reindex() -> list[str]:
    [found] = result("reindex")["results"].values()
    measured = f"{found['changed']['ratio']:.3f} / {found['unchanged']['ratio']:.3f}"
    return [row("reindex", "indexing again after 1 % / nothing changed, against the full run", measured, "<= 0.05")]


def formats() -> list[str]:
    return [
        row("formats", f"of 73 real files: {what}", f"{goal['measured']:g}", f"{goal['at_least']:g}")
        for what, goal in result("formats")["target"].items()
    ]


def steps() -> list[str]:
    found = result("steps")["results"]
    return [
        row("steps", "retrieve against one embedding and one raw vector query", f"{found['retrieve_over_raw']:.2f}")
    ]


def start() -> list[str]:
    found = result("start")["results"]
    return [
        row("start", "`warrant --help`, new process, median", f"{found['help']['median']:.2f} s", "<= 0.3 s"),
        row("start", "`warrant ask`, new process, median", f"{found['ask']['median']:.2f} s", "<= 3 s"),
        row("start", "`warrant serve`, until it is ready, median", f"{found['serve']['median']:.2f} s", "<= 8 s"),
    ]


def handbook() -> list[str]:
    found = result("handbook")["results"]
    said = ", ".join(f"{kind} {one['right']}/{one['asked']}" for kind, one in found.items())
    return [row("handbook", "sample questions answered rightly", said)]


GOALS = {
    "groundedness": "groundedness against people (mtrag): ",
    "conversation": "conversations (mtrag): ",
    "reranking": "reranked, ",
    "citations": "citations, ",
    "abstention": "confidence, ",
    "routing": "router: ",
    "drills": "failing models: ",
    "serving": "serving, CPU of a request: ",
    "serving_memory": "serving for half an hour: ",
    "swapping": "swapping releases once a second under load: ",
    "gating": "the gate, simulated: ",
    "spelling": "misspelt names (squad_v2_dev): ",
    "caching": "caches: ",
    "scoring": "scoring a run (squad_v2_dev): ",
}
"""Results that are told by their targets, and what stands before each."""


def goals() -> list[str]:
    return [
        row(name, before + figure, f"{goal['measured']:.3g}", _bound(goal))
        for name, before in GOALS.items()
        for figure, goal in result(name)["target"].items()
    ]


def with_a_model() -> list[str]:
    """What the confidence tells when a real model writes, beside the same questions answered without one."""
    return [
        row(
            "abstention_model",
            f"confidence, {name} AUROC of {told['questions']} questions: quoted / written by SmolLM2-135M",
            " / ".join(_auroc(told["answerable or not"][f"{way}: confidence"]) for way in ("quoted", "generated")),
        )
        for name, told in result("abstention_model")["results"]["sets"].items()
    ]


def _auroc(told: dict[str, Any]) -> str:
    low, high = told["interval"]
    return f"{told['auroc']:.3f} ({low:.2f} to {high:.2f})"


def _bound(goal: dict[str, Any]) -> str:
    bound = f">= {goal['at_least']:g}" if "at_least" in goal else f"<= {goal['at_most']:g}"
    return bound if goal["met"] else f"{bound} (missed)"


def rendered(text: str) -> str:
    """README.md with the table as it ought to be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), "utf-8")
    sys.exit(0)
