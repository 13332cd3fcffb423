"""What the training of the reranker must learn and must not."""

from collections.abc import Mapping

import numpy as np
import pytest

from benchmarks.candidates import Found, ndcg
from benchmarks.train_rerank import Listed, fit
from graph.retrieval.features import FEATURES
from graph.state import Passage

SENTENCE, PAIRS, LINKED = (FEATURES.index(name) for name in ("sentence", "pairs", "linked"))


def lists(name: str, count: int, speaks: int, against: int | None = None) -> list[Listed]:
    """Questions of four documents, the first of which answers; a feature speaks for it, another one against it."""
    chance = np.random.default_rng(0)
    found = Found("q", "a question", [], {})
    made = []
    for _ in range(count):
        table = chance.normal(size=(5, len(FEATURES)))
        table[0, speaks] += 2.0
        if against is not None:
            table[0, against] -= 2.0
        made.append(Listed(name, found, table, np.array([0, 1, 2, 3, 3]), np.array([True, False, False, False])))
    return made


def learned(lists: list[Listed]) -> Mapping[str, float]:
    return fit(lists).weights


def test_what_speaks_for_the_answer_gets_the_weight_and_what_speaks_against_it_gets_none() -> None:
    weights = learned(lists("scifact", 60, SENTENCE, against=PAIRS))
    assert weights["sentence"] == max(weights.values()) > 0.5
    assert "pairs" not in weights


def test_every_set_counts_the_same_however_many_questions_it_has() -> None:
    weights = learned([*lists("scifact", 240, SENTENCE), *lists("mtrag", 60, LINKED)])
    assert weights["linked"] == pytest.approx(weights["sentence"], rel=0.35)


def test_questions_that_teach_nothing_are_passed_over() -> None:
    [useful, *_] = known = lists("scifact", 30, SENTENCE)
    idle = [Listed("scifact", useful.found, useful.table, useful.owners, np.full(4, side)) for side in (True, False)]
    assert learned([*known, *idle]) == learned(known)


def test_documents_rank_by_their_best_passage() -> None:
    passages = [Passage(document=name) for name in "abab"]  # type: ignore[typeddict-item]
    assert ndcg({"a": 1}, passages, [0.1, 0.5, 0.9, 0.2]) == 1.0
    assert ndcg({"a": 1}, passages, [0.1, 0.5, 0.4, 0.2]) == pytest.approx(1 / np.log2(3))
    assert ndcg({"a": 1}, [], []) == 0.0
