"""How well each leg finds the judged documents: nDCG@10 and recall@100 by pytrec_eval over `warrant search --trec-run`.

Sets: scifact, the BEIR test split (corpus: GitHub sumithra-p-v/claimverifier, an export of allenai/scifact; queries
and judgements: GitHub castorini/anserini-tools); hotpotqa_100, 100 questions of HotpotQA with their pooled passages
(GitHub OSU-NLP-Group/HippoRAG). Legs: lexical, vector and fused of the default release, and fused with the static
embedding wordllama-256. Means are over all queries with judgements; a query that finds nothing counts as 0.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytrec_eval
from matplotlib.figure import Figure

from benchmarks.record import RESULTS, ROOT, Target, begin, print_table, read_judgements, record
from benchmarks.stores import build_or_reuse, store_of
from graph.release import Release

SETS = {"scifact": 0.73, "hotpotqa_100": 0.83}
"""The nDCG@10 that the fused leg must reach."""
STATIC = "wordllama-256"
LEGS = {
    "lexical": (Release(), "lexical"),
    "vector": (Release(), "vector"),
    "fused": (Release(), "fused"),
    f"fused {STATIC}": (Release(embedding="wordllama-256"), "fused"),
}
FILES = ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels.tsv.gz")
MEASURES = {"ndcg_cut_10": "ndcg10", "recall_100": "recall100"}

Scores = dict[str, float]


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    results = {name: measure(data / name) for name in SETS}
    rows = [(name, leg, *scores.values()) for name, legs in results.items() for leg, scores in legs.items()]
    print_table("Retrieval", ("set", "leg", "nDCG@10", "recall@100"), rows)
    draw(results, RESULTS / "retrieval.png")
    goals = SETS.items()
    targets = [Target(f"{name} fused nDCG@10", results[name]["fused"]["ndcg10"], at_least=goal) for name, goal in goals]
    record("retrieval", results, targets)


def measure(folder: Path) -> dict[str, Scores]:
    """The scores of every leg on one set."""
    judgements = read_judgements(folder / "qrels.tsv.gz")
    scores = {}
    for leg, (release, option) in LEGS.items():
        build_or_reuse(folder.name, folder / "corpus.jsonl.gz", release)
        with tempfile.TemporaryDirectory() as place:
            run = search(folder, release, option, Path(place))
            scores[leg] = score(run, judgements)
    return scores


def search(folder: Path, release: Release, leg: str, place: Path) -> Path:
    """Write the TREC run of a query set as a user would."""
    chosen, run = place / "release.yaml", place / "run.trec"
    chosen.write_text(f"embedding: {release.embedding}\n", "utf-8")
    store, queries = store_of(folder.name, release), folder.resolve() / "queries.jsonl.gz"
    told = ["--index", store, "--release", chosen, "--queries", queries, "--trec-run", run, "--leg", leg, "-k", "100"]
    subprocess.run([sys.executable, "-m", "warrant", "search", *map(str, told)], cwd=ROOT, check=True)
    return run


def score(run: Path, judgements: dict[str, dict[str, int]]) -> Scores:
    """The mean of each measure over all judged queries."""
    with run.open(encoding="utf-8") as lines:
        ranked = pytrec_eval.parse_run(lines)
    judge = pytrec_eval.RelevanceEvaluator(judgements, {"ndcg_cut.10", "recall.100"})
    by_query = judge.evaluate(ranked)
    means = {ours: sum(q[theirs] for q in by_query.values()) / len(judgements) for theirs, ours in MEASURES.items()}
    return {name: round(mean, 4) for name, mean in means.items()}


def draw(results: dict[str, dict[str, Scores]], path: Path) -> None:
    """A group of bars for each set, a bar for each leg."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for number, leg in enumerate(LEGS):
        places = [group + 0.2 * (number - (len(LEGS) - 1) / 2) for group in range(len(results))]
        bars = axes.bar(places, [legs[leg]["ndcg10"] for legs in results.values()], 0.18, label=leg)
        axes.bar_label(bars, fmt="%.3f", fontsize=8, padding=2)
    axes.set_xticks(range(len(results)), list(results))
    axes.set_ylim(0, 1)
    axes.set_ylabel("nDCG@10")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=len(LEGS), fontsize=8, frameon=False)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
