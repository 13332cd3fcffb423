"""Learns the weights of the router on the developing halves of three sets and writes graph/learned/router.json.

Simple: Mintaka's type `generic` and the questions of SQuAD 2.0. Complex: all other types of Mintaka but `yesno`, which
its authors leave open, and the questions of HotpotQA. Every class of a pair counts the same, however many questions it
has; Mintaka counts a little more than the other pair, because it has the finer labels. Mintaka has no documents: there
what retrieval finds is left at its mean.
"""

from typing import Any

from benchmarks.fitting import fit, write
from benchmarks.record import begin
from benchmarks.routes import FILES, Asked, halves, pairs
from graph.learned import Logistic
from graph.question.routing import features

LICENCES = {
    "mintaka_dev": "Mintaka dev set (GitHub amazon-science/mintaka), CC BY 4.0",
    "hotpotqa_100": "HotpotQA, 100 training questions (GitHub OSU-NLP-Group/HippoRAG), CC BY-SA 4.0",
    "squad_v2_dev": "SQuAD 2.0 dev (GitHub chrischute/squad), CC BY-SA 4.0",
}
COUNTS = {"mintaka": 400.0, "hotpot": 300.0}
"""What the questions of a pair count together: as many as there are of Mintaka's to develop on, and three quarters."""
PENALTY = 5.0


def main() -> None:
    folder = begin(__doc__, FILES)
    developing, _ = halves(pairs(folder))
    model = learn(developing)
    write(model, LICENCES, "python benchmarks/train_router.py DATA_FOLDER", about(developing))


def learn(sets: dict[str, list[Asked]], only: str | None = None) -> Logistic:
    """The weights from both pairs, or from one of them."""
    asked = [each for name, pair in sets.items() for each in pair if only in (None, name)]
    weights = [weight for name, pair in sets.items() if only in (None, name) for weight in _counts(pair, COUNTS[name])]
    rows = [features(each.question, each.passages) for each in asked]
    return fit("router", rows, [float(each.complex) for each in asked], PENALTY, weights)


def _counts(pair: list[Asked], total: float) -> list[float]:
    sizes = {kind: sum(each.complex is kind for each in pair) for kind in (True, False)}
    return [total / 2 / sizes[each.complex] for each in pair]


def about(sets: dict[str, list[Asked]]) -> dict[str, Any]:
    """How many questions of each class there were."""
    return {
        name: {"complex": sum(each.complex for each in pair), "simple": sum(not each.complex for each in pair)}
        for name, pair in sets.items()
    }


if __name__ == "__main__":
    main()
