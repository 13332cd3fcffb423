"""Trains graph/learned/sentences.json: how probable it is that a sentence holds the answer.

Set: the answerable questions of the developing half of squad_v2_dev, asked of its whole corpus; a sentence is right
when it is of the paragraph that answers and has the answer in it. The figures printed are of the reporting half.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.choosing import Case, chosen, fit_choice
from benchmarks.fitting import write
from benchmarks.pools import FILES, Pool, pools
from benchmarks.record import begin, print_line
from benchmarks.squad import holds
from graph.finding.evidence import features

SET = "squad_v2_dev"
SOURCE = {SET: "SQuAD 2.0 by GitHub chrischute/squad, CC BY-SA 4.0"}
FEATURES = ("meaning", "words", "could", "could_not")


def main() -> None:
    data = begin(__doc__, [f"{SET}/{file}" for file in FILES])
    train([pool for pool in pools(data, SET) if pool.asked.gold and pool.passages])


def train(asked: Sequence[Pool]) -> None:
    """Write the weights of the developing half, and say what they do on the reporting half."""
    developing = [case_of(pool) for pool in asked if pool.asked.develops]
    reporting = [case_of(pool) for pool in asked if not pool.asked.develops]
    model = fit_choice("sentences", developing)
    hits = [case.right[chosen(model, case)] for case in reporting]
    told = f"{np.mean(hits):.3f} of {len(hits)} reporting questions"
    print_line(f"The best sentence holds the answer in {told}: {dict(model.weights)}.")
    write(model, SOURCE, "python benchmarks/train_sentences.py DATA", {"questions": len(developing)})


def case_of(pool: Pool) -> Case:
    """The features of each sentence in reading order."""
    found = pool.units
    rows = features(pool.question, pool.passages, found, pool.afresh, pool.weigh)
    right = [
        pool.passages[unit["passage"]]["document"] in pool.asked.gold and holds(unit["text"], pool.asked.answers)
        for unit in found
    ]
    return Case({name: np.array([row[name] for row in rows]) for name in FEATURES}, np.array(right, np.float64))


if __name__ == "__main__":
    main()
