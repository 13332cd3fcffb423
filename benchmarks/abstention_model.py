"""How well the confidence tells answerable questions from others when a real model writes the answers.

The model is SmolLM2-135M (`llama:smollm2`, extra local-llm), the only one that comes from a package index; it gets the
passages that fit into 1,024 tokens with its reply. Sets: squad_v2_dev and mtrag, of their reporting halves 40 and 30
answerable and as many unanswerable questions by a hash of their ids. Each is asked twice, quoted and generated, and
nothing is declined, so that every question reaches the model. AUROC is the probability that an answerable question gets
the higher figure, with its 95 % bootstrap interval (questions of either type drawn again, 2,000 times).

The confidence is judged from the evidence before anyone writes, so it ought to be the same for both: `differs` says
for how many questions it is not. Beside it stands what only the draft can tell: the support of its citations, 0 when
it did not stand, alone and times the confidence. `right` (squad_v2_dev alone) is the share of answerable questions
whose answer has a reference answer in it, and how well the confidence tells right answers from all others.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.abstention import auroc
from benchmarks.model_answers import MODEL, Pair, pairs
from benchmarks.pools import FILES
from benchmarks.record import begin, print_table, record
from graph.errors import WarrantError

WITH_REFERENCES = "squad_v2_dev"
EACH = {"squad_v2_dev": 40, "mtrag": 30}
"""Questions of either type that are asked of a set: what two cores get through in half an hour."""
SEED, DRAWS = 7, 2_000

Figures = dict[str, Any]
Sign = Callable[[Pair], float]
SIGNS: dict[str, Sign] = {
    "quoted: confidence": lambda pair: pair.quoted.confidence,
    "generated: confidence": lambda pair: pair.generated.confidence,
    "generated: support of the draft": lambda pair: pair.generated.support,
    "generated: confidence times support": lambda pair: pair.generated.confidence * pair.generated.support,
}


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in EACH for file in FILES])
    try:
        found = {name: asyncio.run(pairs(data, name, each)) for name, each in EACH.items()}
    except WarrantError as error:
        sys.exit(str(error))
    results = {name: measure(own, has_references=name == WITH_REFERENCES) for name, own in found.items()}
    rows = [
        (name, what, sign, each["auroc"], *each["interval"])
        for name, told in results.items()
        for what in ("answerable or not", "right or not")
        for sign, each in told.get(what, {}).items()
    ]
    print_table("AUROC", ("set", "which", "by", "AUROC", "from", "to"), rows)
    print_table("", ("set", "figure", "value"), [(n, k, v) for n, told in results.items() for k, v in told.items()])
    record("abstention_model", {"model": MODEL, "sets": results})


def measure(own: Sequence[Pair], *, has_references: bool) -> Figures:
    """The figures of one set."""
    label = np.array([pair.answerable for pair in own])
    found: Figures = {
        "questions": len(own),
        "answerable": int(label.sum()),
        "differs": sum(pair.quoted.confidence != pair.generated.confidence for pair in own),
        "rungs": dict(sorted(Counter(pair.generated.rung for pair in own).items())),
        "reasons": dict(sorted(Counter(pair.generated.reason or "none" for pair in own).items())),
        "stood, answerable": _stood([pair for pair in own if pair.answerable]),
        "stood, unanswerable": _stood([pair for pair in own if not pair.answerable]),
        "median seconds": round(median(pair.generated.seconds for pair in own), 1),
        "answerable or not": {name: told_apart(own, sign, label) for name, sign in SIGNS.items()},
    }
    return {**found, **(_right(own) if has_references else {})}


def told_apart(own: Sequence[Pair], sign: Sign, label: NDArray[np.bool_]) -> Figures:
    """The AUROC of a sign for a label, with its interval."""
    values = np.array([sign(pair) for pair in own], np.float64)
    high, low = values[label], values[~label]
    chance, ends = np.random.default_rng(SEED), np.repeat([True, False], (len(high), len(low)))
    drawn = [
        auroc(np.concatenate([chance.choice(side, len(side)) for side in (high, low)]), ends) for _ in range(DRAWS)
    ]
    return {
        "auroc": auroc(values, label),
        "interval": [round(float(end), 4) for end in np.percentile(drawn, (2.5, 97.5))],
    }


def _stood(own: Sequence[Pair]) -> float:
    """The share of questions whose generated draft had a supported claim."""
    return round(sum(pair.generated.rung == "primary" for pair in own) / len(own), 4)


def _right(own: Sequence[Pair]) -> Figures:
    """How often either way is right, and how well its own confidence tells."""
    quoted, generated = (
        np.array([getattr(pair, way).right for pair in own], np.bool_) for way in ("quoted", "generated")
    )
    first, second = list(SIGNS.items())[:2]
    answerable = sum(pair.answerable for pair in own)
    return {
        "right": {
            "quoted": round(float(quoted.sum()) / answerable, 4),
            "generated": round(float(generated.sum()) / answerable, 4),
        },
        "right or not": {
            first[0]: told_apart(own, first[1], quoted),
            second[0]: told_apart(own, second[1], generated),
        },
    }


if __name__ == "__main__":
    main()
