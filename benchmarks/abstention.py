"""How well the confidence tells questions that the documents answer from those that they do not.

Sets: see benchmarks/answerability.py, reporting halves. AUROC is the probability that an answerable question gets the
higher confidence, beside that of the best single sign; `left_out` is the AUROC of weights that never saw the set. ECE
(10 bins) and Brier score are at three answerable questions in four, which the confidence is calibrated to, and at the
set's own share. `answered` and `let_through` are the shares of answerable and unanswerable questions that the default
threshold lets through. Partial and underspecified questions of mtrag are neither: the shares of them that are answered
are given, and the AUROC with partial counted as answerable and underspecified as not. Draws risk against coverage.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.answerability import SETS, WITHOUT, Sample, of, samples
from benchmarks.pools import FILES
from benchmarks.record import RESULTS, Target, begin, print_table, record
from benchmarks.train_confidence import ANSWERABLE, train
from evals.calibration.curves import risk_coverage
from graph.finding.confidence import Confidence, learned
from graph.release import Release

GOALS = {"squad_v2_dev": 0.75, "mtrag": 0.87}
FAMILY = {name: name.split("_")[0] for name in SETS}
BINS = 10
EVERY = ("answerable", "unanswerable", "partial", "underspecified")

Floats = NDArray[np.float64]
Figures = dict[str, float]


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    chosen = samples(data)
    reporting = [sample for sample in chosen if not sample.develops]
    names = [name for name in (*SETS, *(name + WITHOUT for name in SETS)) if _both(of(reporting, name))]
    results: dict[str, Figures] = {name: measure(of(reporting, name), learned()) for name in names}
    unseen = {family: train([s for s in chosen if s.develops], family) for family in set(FAMILY.values())}
    for name in names:
        model = unseen[FAMILY[name.removesuffix(WITHOUT)]]
        results[name]["left_out"] = auroc(*_judged(of(reporting, name), model))
    results["mtrag"] |= between([sample for sample in reporting if sample.set == "mtrag"])
    for name in GOALS:
        draw(name, of(reporting, name), RESULTS / f"abstention-{name}.png")
    columns = ("questions", "auroc", "best_sign", "left_out", "ece", "brier", "answered", "let_through")
    print_table("", ("set", *columns), [(name, *(found[c] for c in columns)) for name, found in results.items()])
    targets = [Target(f"{name} AUROC", results[name]["auroc"], at_least=goal) for name, goal in GOALS.items()]
    record("abstention", results, targets)


def measure(own: Sequence[Sample], model: Confidence) -> Figures:
    """The figures of one set."""
    sure, label = _judged(own, model)
    even = np.where(label, ANSWERABLE / label.mean(), (1 - ANSWERABLE) / (1 - label.mean()))
    plain, from_ = np.ones(len(own)), Release().routing.answer_from
    return {
        "questions": len(own),
        "auroc": auroc(sure, label),
        "best_sign": round(max(auroc(_sign(own, name), label) for name in own[0].signs), 4),
        "ece": calibration(sure, label, even),
        "brier": round(float(np.average((sure - label) ** 2, weights=even)), 4),
        "ece_own_share": calibration(sure, label, plain),
        "brier_own_share": round(float(np.mean((sure - label) ** 2)), 4),
        "answered": round(float(np.mean(sure[label] >= from_)), 4),
        "let_through": round(float(np.mean(sure[~label] >= from_)), 4),
    }


def between(own: Sequence[Sample]) -> Figures:
    """What becomes of questions that are answered in part, or that do not say what they mean."""
    found: Figures = {}
    for kind in ("partial", "underspecified"):
        sure, _ = _judged([sample for sample in own if sample.type == kind], learned())
        found[f"{kind}_answered"] = round(float(np.mean(sure >= Release().routing.answer_from)), 4)
    sure, _ = _judged([sample for sample in own if sample.type in EVERY], learned())
    kinds = [sample.type for sample in own if sample.type in EVERY]
    found["auroc_all_types"] = auroc(sure, np.array([kind in ("answerable", "partial") for kind in kinds]))
    return found


def auroc(sure: Floats, label: NDArray[np.bool_]) -> float:
    """Mann and Whitney's U over the number of pairs; ties count half."""
    ranks = np.searchsorted(np.sort(sure), sure, "left") + np.searchsorted(np.sort(sure), sure, "right") + 1
    positive, negative = int(label.sum()), int((~label).sum())
    won = float(ranks[label].sum()) / 2 - positive * (positive + 1) / 2
    return round(won / (positive * negative), 4)


def calibration(sure: Floats, label: NDArray[np.bool_], counts: Floats) -> float:
    """The expected calibration error: the mean gap of confidence and share of answerable over bins of confidence."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(float((counts * (sure - label))[bins == n].sum())) for n in range(BINS)]
    return round(sum(gaps) / float(counts.sum()), 4)


def draw(name: str, own: Sequence[Sample], path: Path) -> None:
    """The share of unanswerable among the questions that are answered, for every share that is."""
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    sure, label = _judged(own, learned())
    for title, values in (("confidence", sure), ("best cosine alone", _sign(own, "similar"))):
        points = risk_coverage([float(value) for value in values], [bool(bad) for bad in ~label])
        axes.plot([point.coverage for point in points], [point.risk for point in points], label=title)
    axes.axhline(float((~label).mean()), color="grey", linewidth=0.8, linestyle=":", label="answering all")
    axes.set(xlabel="coverage: share answered", ylabel="risk: unanswerable among them", title=name, ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _judged(own: Sequence[Sample], model: Confidence) -> tuple[Floats, NDArray[np.bool_]]:
    sure = np.array([model.probability(sample.signs) for sample in own], np.float64)
    return sure, np.array([sample.answerable for sample in own])


def _sign(own: Sequence[Sample], name: str) -> Floats:
    return np.array([sample.signs[name] for sample in own], np.float64)


def _both(own: Sequence[Sample]) -> bool:
    return len({sample.answerable for sample in own}) == 2


if __name__ == "__main__":
    main()
