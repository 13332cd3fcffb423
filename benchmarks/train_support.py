"""Trains graph/learned/support.json: how likely a passage supports a claim, from what both say.

Sets: see benchmarks/claims.py; their developing halves only. The figures printed are of the reporting halves.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from graph.claims.comparison import features
from graph.claims.sources import Source, source
from graph.claims.support import log_odds, nearest
from numpy.typing import NDArray

from benchmarks.claims import Case, answer_cases, mtrag_cases, planted_cases
from benchmarks.fitting import boost, develops, fit, write
from benchmarks.record import begin, cores, print_table
from evals.judging.labels import texts_of
from graph.backends.minilm import MiniLM
from graph.learned import Model, logistic
from graph.text.words import Weigh, terms, weights

SETS = {
    "mtrag": "GitHub IBM/mt-rag-benchmark, Apache 2.0",
    "squad_v2_dev": "SQuAD 2.0 by GitHub chrischute/squad, CC BY-SA 4.0",
}
WINDOWS = 4


def main() -> None:
    data = begin(__doc__, [f"{name}/corpus.jsonl.gz" for name in SETS])
    cases = all_cases(data)
    table = Table(cases, weigh_over(data))
    model = train(cases, table)
    report(cases, table, model)
    write(model, SETS, "python benchmarks/train_support.py DATA", {"cases": sum(map(_develops, cases))})


def all_cases(data: Path) -> list[Case]:
    squad = list(texts_of(data / "squad_v2_dev").values())
    return [
        *mtrag_cases(data / "mtrag", 1500),
        *planted_cases(squad, 800, 3),
        *answer_cases(data / "squad_v2_dev", 800),
    ]


def weigh_over(data: Path) -> Weigh:
    """How telling a term is over the passages of both sets."""
    own = weights(set(terms(text.text)) for name in SETS for text in texts_of(data / name).values())
    rarest = max(own.values())
    return lambda term: own.get(term, rarest)


class Table:
    """The features of each case's nearest windows."""

    def __init__(self, cases: Sequence[Case], weigh: Weigh) -> None:
        self._embedder = MiniLM(cores())
        found = [(case, source(case.passage.text, "", case.passage.title)) for case in cases]
        near = [nearest(case.claim, passage, weigh, WINDOWS) for case, passage in found]
        texts = {unit.reading for _, passage in found for unit in passage.units} | {case.claim for case in cases}
        vectors = self._embed(sorted(texts))
        self.rows = [
            [features(case.claim, w, passage, _cosine(case, passage, w.first, w.last, vectors), weigh) for w in windows]
            for (case, passage), windows in zip(found, near, strict=True)
        ]

    def _embed(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        return dict(zip(texts, self._embedder.embed(texts), strict=True))

    def scores(self, model: Model) -> list[float]:
        """The best window's probability for each case, as graph.claims.support gives it."""
        return [max((_probability(model, row) for row in rows), default=0.0) for rows in self.rows]


def _probability(model: Model, row: Mapping[str, float]) -> float:
    return logistic(log_odds(model, row))


def _cosine(case: Case, passage: Source, first: int, last: int, vectors: dict[str, NDArray[np.float32]]) -> float:
    own = vectors[case.claim]
    return max(float(own @ vectors[unit.reading]) for unit in passage.units[first : last + 1])


def _develops(case: Case) -> bool:
    return develops(case.group.partition("<::>")[0])


def train(cases: Sequence[Case], table: Table) -> Model:
    """Fit on the first window, then twice more on the window that the weights before prefer."""
    kept = [n for n, case in enumerate(cases) if _develops(case) and table.rows[n]]
    labels = [float(cases[n].supported) for n in kept]
    counts = _balanced([cases[n] for n in kept])
    model: Model = fit("support", [table.rows[n][0] for n in kept], labels, weights=counts)
    for _ in range(2):
        rows = [max(table.rows[n], key=model.score) for n in kept]
        model = boost("support", rows, labels, counts)
    return model


def _balanced(cases: Sequence[Case]) -> list[float]:
    """Each kind, reworded or not, counts alike among the supported and among the others; both sides count alike."""
    kinds = [(case.supported, case.kind.partition(",")[0]) for case in cases]
    sides = {side: len({kind for own, kind in kinds if own == side}) for side in (True, False)}
    return [len(cases) / (2 * sides[side] * kinds.count((side, kind))) for side, kind in kinds]


def report(cases: Sequence[Case], table: Table, model: Model) -> None:
    """The share of each kind that passes at three thresholds, on the reporting halves."""
    scores = table.scores(model)
    rows = []
    for side, kind in sorted({(case.supported, case.kind) for case in cases}, reverse=True):
        own = [
            s for s, c in zip(scores, cases, strict=True) if (c.supported, c.kind) == (side, kind) and not _develops(c)
        ]
        passed = [float(np.mean([score >= least for score in own])) for least in (0.3, 0.5, 0.7)]
        rows.append(("true" if side else "false", kind, len(own), *passed))
    print_table("Share that passes", ("", "kind", "cases", ">= 0.3", ">= 0.5", ">= 0.7"), rows)


if __name__ == "__main__":
    main()
