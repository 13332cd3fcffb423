"""Renders the committed files in benchmarks/results: every figure as benchmarks/RESULTS.md, and in README.md the
headlines with every goal that was missed."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
README, WHOLE = ROOT / "README.md", ROOT / "benchmarks" / "RESULTS.md"
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
HEAD = "| what | measured | to reach | date | command |\n| --- | --- | --- | --- | --- |\n"
PREFACE = """# Results

Every figure, each from one command, with its date; [README.md](README.md) tells the commands and their sets. Missed
goals are shown as they are. `benchmarks/readme.py` writes this page from `results/`.

"""
GOALS = {
    "ingestion": "indexing against the embedder alone, passages a second: ",
    "formats": "of 73 real files: ",
    "hostile_documents": "documents that break libraries: ",
    "start": "seconds of a new process: ",
    "groundedness": "groundedness against people (mtrag): ",
    "conversation": "conversations (mtrag): ",
    "reranking": "reranked, ",
    "large_index": "100,000 passages: ",
    "citations": "claims of a scripted model: ",
    "model_claims": "claims that models wrote: ",
    "wrong_answers": "answers made wrong on purpose: ",
    "drills": "failing models: ",
    "serving": "serving, CPU of a request: ",
    "governance": "keys, limits, quotas, audit and usage: ",
    "prompt_injection": "planted instructions: ",
    "sensitive_data": "sensitive data (Presidio's texts): ",
    "one_client": "one client: longest wait for /healthz in seconds, ",
    "serving_memory": "serving for half an hour: ",
    "swapping": "swapping releases once a second under load: ",
    "reindex_soak": "indexing again once a second under load: ",
    "gating": "the gate, simulated: ",
    "caching": "caches: ",
    "ai_search": "AI Search, emulated: ",
    "batch": "a batch: ",
    "spark": "a batch on Spark: ",
    "scoring": "scoring a run (squad_v2_dev): ",
}
"""Results that are told by their targets, and what stands before each."""
HEADLINES = (
    "nDCG@10 on",
    "sample questions",
    "reranked, hotpotqa_100 reporting",
    "reranked, scifact reporting",
    "conversations (mtrag): recall@10 of the folded turn",
    "groundedness",
    "claims that models wrote",
    "failing models",
    "serving, CPU of a request: invoke over a plain route",
    "serving, CPU of a request: quoting",
    "serving, CPU of a request: a scripted model",
    "serving, CPU of a request: traced",
    "swapping releases once a second under load: answers",
    "indexing again once a second under load: answers",
    "the gate, simulated: n = 200",
)
"""How the figures begin that a new user wants to see."""


class Row(NamedTuple):
    """A line of the table: which benchmark says what, and the goal that was set, if any."""

    name: str
    what: str
    measured: str
    goal: str = ""

    @property
    def line(self) -> str:
        date = result(self.name)["date"][:10]
        return f"| {self.what} | {self.measured} | {self.goal} | {date} | `benchmarks/{self.name}.py` |\n"

    @property
    def told_first(self) -> bool:
        return self.goal.endswith("(missed)") or self.what.startswith(HEADLINES)


def result(name: str) -> dict[str, Any]:
    """One committed result."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def rows() -> list[Row]:
    """Every figure."""
    return [*retrieval(), *reindex(), *steps(), *handbook(), *extractive(), *by_targets()]


def retrieval() -> list[Row]:
    found = result("retrieval")
    targets = found["target"]
    return [
        Row("retrieval", f"nDCG@10 on {name}: {' / '.join(legs)}", _all(legs, "ndcg10"), _bound(target, "fused "))
        for (name, legs), target in zip(sorted(found["results"].items()), _sorted(targets), strict=True)
    ] + [Row("retrieval", f"recall@100 on {name}", _all(legs, "recall100")) for name, legs in found["results"].items()]


def _sorted(targets: dict[str, Any]) -> list[Any]:
    return [targets[name] for name in sorted(targets)]


def _all(legs: dict[str, Any], figure: str) -> str:
    return " / ".join(f"{leg[figure]:.3f}" for leg in legs.values())


def reindex() -> list[Row]:
    [found] = result("reindex")["results"].values()
    measured = f"{found['changed']['ratio']:.3f} / {found['unchanged']['ratio']:.3f}"
    what = "indexing again after 1 % / nothing changed, against the full run"
    return [Row("reindex", what, measured, _bound(*result("reindex")["target"].values()))]


def steps() -> list[Row]:
    ratio = result("steps")["results"]["retrieve_over_raw"]
    return [Row("steps", "retrieve against one embedding and one raw vector query", f"{ratio:.2f}")]


def handbook() -> list[Row]:
    found = result("handbook")["results"]
    said = ", ".join(f"{kind} {one['right']}/{one['asked']}" for kind, one in found.items())
    return [Row("handbook", "sample questions answered rightly", said)]


def extractive() -> list[Row]:
    """Of what is quoted where no model reads."""
    if not (RESULTS / "extractive.json").is_file():
        return []
    found = result("extractive")["results"]
    measured = " / ".join(f"{found['corpus'][figure]:.3f}" for figure in ("quoted", "held, of quoted", "best sentence"))
    what = "answers without a model (squad_v2_dev): quoted / of them with the reference answer / best sentence with it"
    return [Row("extractive", what, measured)]


def by_targets() -> list[Row]:
    return [
        Row(name, before + figure, f"{goal['measured']:.3g}", _bound(goal))
        for name, before in GOALS.items()
        if (RESULTS / f"{name}.json").is_file()
        for figure, goal in result(name)["target"].items()
    ]


def _bound(goal: dict[str, Any], what: str = "") -> str:
    bound = f"{what}>= {goal['at_least']:g}" if "at_least" in goal else f"{what}<= {goal['at_most']:g}"
    return bound if goal["met"] else f"{bound} (missed)"


def whole() -> str:
    """benchmarks/RESULTS.md as it ought to be."""
    return PREFACE + HEAD + "".join(row.line for row in rows())


def rendered(text: str) -> str:
    """README.md with its table as it ought to be."""
    before, _, rest = text.partition(BEGIN)
    table = HEAD + "".join(row.line for row in rows() if row.told_first)
    return f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), "utf-8")
    WHOLE.write_text(whole(), "utf-8")
    sys.exit(0)
