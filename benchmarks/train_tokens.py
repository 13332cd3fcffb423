"""Trains graph/learned/tokens.npy: the mean of MiniLM's tokens, which they have in common and which is taken away.

Sets: the passages of scifact, hotpotqa_100, squad_v2_dev and mtrag; of each set 300 are taken by chance, and of each of
those sixteen tokens. No text can be read from it.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.record import begin, print_line, read_records
from graph.backends.minilm import MiniLM
from graph.finding.late import Vectors, unit
from graph.learned import HERE

SETS = ("scifact", "hotpotqa_100", "squad_v2_dev", "mtrag")
SEED, TEXTS, TOKENS = 7, 300, 16


def main() -> None:
    data = begin(__doc__, [f"{name}/corpus.jsonl.gz" for name in SETS])
    tokens = np.concatenate(list(sampled(data, MiniLM(), random.Random(SEED))))
    mean = tokens.mean(axis=0)
    np.save(HERE / "tokens.npy", mean.astype(np.float16))
    print_line(f"The mean of {len(tokens)} tokens of unit length has the length {np.linalg.norm(mean):.3f}.")


def sampled(data: Path, embedder: MiniLM, chance: random.Random) -> Iterator[Vectors]:
    """Some tokens of each text, at unit length."""
    for name in SETS:
        texts = [f"{record['title']}\n{record['text']}" for record in read_records(data / name / "corpus.jsonl.gz")]
        for text in chance.sample(texts, min(TEXTS, len(texts))):
            hidden = embedder.hidden(text)
            yield unit(hidden[chance.sample(range(len(hidden)), min(TOKENS, len(hidden)))])


if __name__ == "__main__":
    main()
