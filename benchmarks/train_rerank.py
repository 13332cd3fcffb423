"""Trains graph/learned/rerank.json: which of the candidates of a question answers it, from what stands where in them.

A listwise softmax over the documents of a question, each by its best passage (Cao and others: Learning to Rank: From
Pairwise Approach to Listwise Approach, 2007). Every set counts the same, however many questions it has; only its
developing half is learned from, and of SQuAD a quarter of that. Weights are not below 0: each feature is such that
more of it speaks for a passage, and one that would have to be turned round has only learned its set. Prints nDCG@10
of the half that was not learned from, beside fusion, and of each whole set with the weights of the other three.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.candidates import FILES, SETS, Found, ndcg, open_set, search_all
from benchmarks.fitting import write
from benchmarks.record import begin, print_table
from graph.index.local import SnapshotRetriever
from graph.learned import Logistic
from graph.release import Release
from graph.retrieval.features import FEATURES, features

SHARES = {"squad_v2_dev": 0.25}
PENALTY = 0.01
LICENCES = {
    "scifact": "github.com/allenai/scifact by way of BEIR, CC BY 4.0 and ODC-By 1.0",
    "hotpotqa_100": "github.com/OSU-NLP-Group/HippoRAG, HotpotQA, CC BY-SA 4.0",
    "squad_v2_dev": "github.com/chrischute/squad, SQuAD 2.0, CC BY-SA 4.0",
    "mtrag": "github.com/IBM/mt-rag-benchmark, Apache 2.0; of its passages no text is kept",
}

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Listed:
    """A question's candidates as numbers: a row of features each, their documents, and which of these answer."""

    set: str
    found: Found
    table: Table
    owners: NDArray[np.int64]
    answers: NDArray[np.bool_]


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    lists = [each for name in SETS for each in asyncio.run(list_set(data, name))]
    report(lists)
    developing = [each for each in lists if each.found.develops]
    questions = {name: sum(each.set == name for each in developing) for name in SETS}
    write(
        fit(developing),
        LICENCES,
        "python benchmarks/train_rerank.py DATA",
        {"questions": questions, "penalty": PENALTY},
    )


async def list_set(data: Path, name: str) -> list[Listed]:
    """The questions of a set with as many candidates as the default release reranks."""
    retriever = await open_set(data, name)
    searched = search_all(data, name, retriever, SHARES.get(name, 1.0))
    return [await listed(name, found, retriever) async for found in searched if found.passages]


async def listed(name: str, found: Found, retriever: SnapshotRetriever) -> Listed:
    best = replace(found, passages=found.passages[: Release().retrieval.keep])
    rows = features(best.question, best.passages, retriever.lexicon.weight)
    numbers: dict[str, int] = {}
    owners = [numbers.setdefault(passage["document"], len(numbers)) for passage in best.passages]
    table = np.array([[row[feature] for feature in FEATURES] for row in rows])
    answers = np.array([best.judged.get(document, 0) > 0 for document in numbers])
    return Listed(name, best, table, np.array(owners), answers)


def fit(lists: Sequence[Listed]) -> Logistic:
    """The weights; their sum is a relevance whose differences count, and whose zero means nothing."""
    known = [each for each in lists if each.answers.any() and not each.answers.all()]
    scale = np.sqrt(np.mean([each.table.var(axis=0) for each in known], axis=0)) + 1e-9
    tables = [each.table / scale for each in known]
    counts = {name: sum(each.set == name for each in known) for name in SETS}
    shares = [1 / counts[each.set] / sum(map(bool, counts.values())) for each in known]

    def loss(point: Table) -> tuple[float, Table]:
        parts = [_softmax(point, table, each) for table, each in zip(tables, known, strict=True)]
        value = sum(share * part[0] for share, part in zip(shares, parts, strict=True))
        slope = sum((share * part[1] for share, part in zip(shares, parts, strict=True)), PENALTY * point)
        return value + PENALTY / 2 * float(point @ point), slope

    bounds = [(0, None)] * len(FEATURES)
    slopes = minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=bounds).x / scale
    weights = {name: float(f"{slope:.5g}") for name, slope in zip(FEATURES, slopes, strict=True) if slope > 1e-9}
    whole = np.concatenate([each.table for each in known])
    low, high = whole.min(axis=0), whole.max(axis=0)
    ends = [{name: float(end[FEATURES.index(name)]) for name in weights} for end in (low, high)]
    return Logistic("rerank", 0.0, weights, *ends)


def _softmax(point: Table, table: Table, each: Listed) -> tuple[float, Table]:
    """The mean surprise that an answering document stands first of those that do not answer, and its gradient."""
    scores = table @ point
    order = np.lexsort((-scores, each.owners))
    best = order[np.searchsorted(each.owners[order], np.arange(len(each.answers)))]
    heights, rows = np.exp(scores[best] - scores.max()), table[best]
    others = heights[~each.answers]
    value, slope = 0.0, np.zeros(len(point))
    for own in np.flatnonzero(each.answers):
        whole = heights[own] + others.sum()
        mean = (heights[own] * rows[own] + others @ rows[~each.answers]) / whole
        value += float(np.log(whole) - np.log(heights[own]))
        slope += mean - rows[own]
    return value / each.answers.sum(), slope / each.answers.sum()


def report(lists: Sequence[Listed]) -> None:
    """How it does on what it has not seen: the other half, and a set that was left out."""
    model, rows = fit([each for each in lists if each.found.develops]), []
    for name in SETS:
        own, half = [e for e in lists if e.set == name], [e for e in lists if e.set == name and not e.found.develops]
        left_out = fit([each for each in lists if each.set != name])
        rows.append((name, mean(half), mean(half, model), mean(own), mean(own, left_out)))
    columns = ("set", "fused, other half", "reranked", "fused, whole", "reranked by the other sets")
    print_table("nDCG@10 on what was not learned from", columns, rows)


def mean(lists: Sequence[Listed], model: Logistic | None = None) -> float:
    """The mean nDCG@10 of the candidates as they were fused, or as a model weighs them."""
    return float(np.mean(gains(lists, model)))


def gains(lists: Sequence[Listed], model: Logistic | None = None) -> list[float]:
    """nDCG@10 of each question's candidates as they were fused, or as a model weighs them."""
    weights = np.array([model.weights.get(name, 0.0) if model else 0.0 for name in FEATURES])
    found = []
    for each in lists:
        scores = each.table @ weights if model else [passage["score"] for passage in each.found.passages]
        found.append(ndcg(each.found.judged, each.found.passages, [float(score) for score in scores]))
    return found


if __name__ == "__main__":
    main()
