"""Trains graph/learned/spans.json: how probable it is that a stretch of a sentence is the answer.

Set: the answerable questions of the developing half of squad_v2_dev, asked of its whole corpus and, again, of the
paragraph that answers; a stretch is right when it is an answer by SQuAD's normalisation. The figures printed are of the
reporting half, asked of the whole corpus.
"""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from rich.progress import track

from benchmarks.choosing import Case, chosen, fit_choice
from benchmarks.fitting import write
from benchmarks.pools import FILES, Pool, only_gold, pools
from benchmarks.record import begin, print_line
from benchmarks.squad import exact
from benchmarks.train_sentences import SET, SOURCE
from graph.finding.spans import weighable


def main() -> None:
    data = begin(__doc__, [f"{SET}/{file}" for file in FILES])
    asked = [pool for pool in chain(pools(data, SET), pools(data, SET, only_gold)) if pool.asked.gold]
    given = [pool for pool in asked if pool.asked.develops]
    cases = [case for pool in track(given, "Looking at spans") for case in case_of(pool)]
    model = fit_choice("spans", cases, penalty=10.0, of_best=True)
    reporting = [pool for pool in pools(data, SET) if pool.asked.gold and not pool.asked.develops]
    reported = [case for pool in reporting for case in case_of(pool)]
    hits = [case.right[chosen(model, case)] for case in reported]
    print_line(f"The best span is the answer in {np.mean(hits):.3f} of {len(hits)} reporting questions.")
    write(model, SOURCE, "python benchmarks/train_spans.py DATA", {"questions": len(given)})


def case_of(pool: Pool) -> Iterator[Case]:
    """The spans of the best sentences as one case; none when there is no span."""
    parts = weighable(pool.question, pool.evidence, pool.weigh)
    if parts:
        values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
        right = [
            pool.passages[part.unit["passage"]]["document"] in pool.asked.gold
            and bool(exact(part.unit["text"][start:end], pool.asked.answers))
            for part in parts
            for start, end in part.places
        ]
        yield Case(values, np.array(right, np.float64))


if __name__ == "__main__":
    main()
