"""How well the confidence tells questions that the documents answer from those that they do not.

Sets: see benchmarks/train_confidence.py, reporting halves. AUROC is the probability that an answerable question gets
the higher confidence: `auroc` of the one that decides what is quoted, which looks for what the question names, and
`related` of the one that decides whether a model reads. Beside them the best single sign; `left_out` is the AUROC of
weights that never saw the set. ECE (10 bins) and Brier score are at three answerable questions in four, which the
confidence is calibrated to, and at the set's own share. `answered` and `let_through` are the shares of answerable and
unanswerable questions for which the default release quotes something; `read` and `read_through` those that it would
send to a model. Partial and underspecified questions of mtrag are neither: the shares of them that are answered are
given, and the AUROC with partial counted as answerable and underspecified as not. Draws risk against coverage.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.pools import FILES
from benchmarks.record import RESULTS, Target, begin, print_table, record
from benchmarks.train_confidence import ANSWERABLE, SETS, WITHOUT, Sample, of, samples, train
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
    results: dict[str, Figures] = {name: measure(of(reporting, name)) for name in names}
    unseen = {family: train([s for s in chosen if s.develops], family) for family in set(FAMILY.values())}
    for name in names:
        own, model = of(reporting, name), unseen[FAMILY[name.removesuffix(WITHOUT)]]
        told = np.array([model.probability(sample.signs) for sample in own], np.float64)
        results[name]["left_out"] = auroc(told, _label(own))
    results["mtrag"] |= between([sample for sample in reporting if sample.set == "mtrag"])
    for name in GOALS:
        draw(name, of(reporting, name), RESULTS / f"abstention-{name}.png")
    columns = ("questions", "auroc", "related", "best_sign", "left_out", "ece", "answered", "let_through")
    print_table("", ("set", *columns), [(name, *(found[c] for c in columns)) for name, found in results.items()])
    targets = [Target(f"{name} AUROC", results[name]["auroc"], at_least=goal) for name, goal in GOALS.items()]
    record("abstention", results, targets)


def measure(own: Sequence[Sample]) -> Figures:
    """The figures of one set."""
    sure, related, label = _sure(own), _related(own), _label(own)
    even = np.where(label, ANSWERABLE / label.mean(), (1 - ANSWERABLE) / (1 - label.mean()))
    plain, quoted = np.ones(len(own)), np.array([sample.quoted for sample in own])
    reads = related >= Release().routing.read_from
    return {
        "questions": len(own),
        "auroc": auroc(sure, label),
        "related": auroc(related, label),
        "best_sign": max(auroc(_sign(own, name), label) for name in own[0].signs),
        "ece": calibration(sure, label, even),
        "brier": round(float(np.average((sure - label) ** 2, weights=even)), 4),
        "ece_own_share": calibration(sure, label, plain),
        "brier_own_share": round(float(np.mean((sure - label) ** 2)), 4),
        "answered": round(float(np.mean(quoted[label])), 4),
        "let_through": round(float(np.mean(quoted[~label])), 4),
        "read": round(float(np.mean(reads[label])), 4),
        "read_through": round(float(np.mean(reads[~label])), 4),
    }


def between(own: Sequence[Sample]) -> Figures:
    """What becomes of questions that are answered in part, or that do not say what they mean."""
    found: Figures = {}
    for kind in ("partial", "underspecified"):
        quoted = [sample.quoted for sample in own if sample.type == kind]
        found[f"{kind}_answered"] = round(sum(quoted) / len(quoted), 4)
    every = [sample for sample in own if sample.type in EVERY]
    partly = np.array([sample.type in ("answerable", "partial") for sample in every])
    found["auroc_all_types"] = auroc(_sure(every), partly)
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
    label = _label(own)
    for title, values in (
        ("confidence", _sure(own)),
        ("without names", _related(own)),
        ("best cosine alone", _sign(own, "similar")),
    ):
        wrong = ~label[np.argsort(-values, kind="stable")]
        covered = np.arange(1, len(wrong) + 1)
        axes.plot(covered / len(wrong), np.cumsum(wrong) / covered, label=title)
    axes.axhline(float((~label).mean()), color="grey", linewidth=0.8, linestyle=":", label="answering all")
    axes.set(xlabel="coverage: share answered", ylabel="risk: unanswerable among them", title=name, ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _sure(own: Sequence[Sample]) -> Floats:
    return np.array([sample.sure for sample in own], np.float64)


def _related(own: Sequence[Sample]) -> Floats:
    return np.array([sample.related for sample in own], np.float64)


def _label(own: Sequence[Sample]) -> NDArray[np.bool_]:
    return np.array([sample.answerable for sample in own])


def _sign(own: Sequence[Sample], name: str) -> Floats:
    return np.array([sample.signs[name] for sample in own], np.float64)


def _both(own: Sequence[Sample]) -> bool:
    return len({sample.answerable for sample in own}) == 2


if __name__ == "__main__":
    main()
