"""The samples that the confidence is trained on, and what is measured of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import passage_of

from benchmarks.abstention import auroc, between, calibration, draw, measure
from benchmarks.extractive import measure as measure_quotes
from benchmarks.extractive import quoted
from benchmarks.pools import Asked, Pool
from benchmarks.train_confidence import WEIGHTS, Sample, of, of_set, train
from graph.steps.route import UNNAMED, signs

TEXT = "The warranty of the Corrento pump is five years."
QUESTION = "How long is the warranty of the Corrento pump?"


def pool(key: str = "q", kind: str = "answerable", question: str = QUESTION, **record: Any) -> Pool:
    asked = Asked({"id": key, "text": question, "type": kind, "answers": ["five years"], **record}, frozenset({"a"}))
    found = [passage_of(TEXT, title="Warranty", vector=0.9, similar=[0.9])]
    return Pool(asked, question, found, lambda term: 1.0)


def nothing(key: str = "q") -> Pool:
    return Pool(pool(key).asked, QUESTION, [], lambda term: 1.0)


def sample(name: str, key: str, *, answerable: bool, high: float, kind: str = "answerable") -> Sample:
    told = dict.fromkeys(signs(pool().evidence[0]), 0.5)
    seen = {**told, "similar": high}
    return Sample(name, key, False, kind, answerable, seen, seen, True, high, high, high > 0.5)


def test_an_answerable_question_is_a_sample_of_both_sets_and_one_of_its_own_without_its_documents() -> None:
    found = list(of_set("squad_v2_dev", iter([pool()]), iter([pool()])))
    assert [(each.set, each.answerable) for each in found] == [
        ("squad_v2_dev", True),
        ("squad_v2_dev without", True),
        ("squad_v2_dev without", False),
    ]


def test_an_unanswerable_question_and_one_between_are_samples_of_their_set_alone() -> None:
    for kind, answerable in (("unanswerable", False), ("partial", True)):
        found = list(of_set("mtrag", iter([pool(kind=kind)]), iter([pool(kind=kind)])))
        assert [(each.set, each.answerable) for each in found] == [("mtrag", answerable)]


def test_where_nothing_is_found_there_is_no_sample() -> None:
    assert list(of_set("mtrag", iter([nothing()]), iter([nothing()]))) == []


def test_a_sample_says_what_the_default_release_makes_of_the_question() -> None:
    [good, *_] = of_set("hotpotqa_100", iter([pool(kind="bridge")]), iter([]))
    [bad, *_] = of_set("hotpotqa_100", iter([pool(question="Who owns the Brisel fan?", kind="bridge")]), iter([]))
    assert (good.quoted, good.sure) == (True, good.related)
    assert (bad.quoted, bad.fits) == (False, False)
    assert bad.sure == UNNAMED * bad.related > 0


def test_types_that_are_neither_are_left_out_of_a_set() -> None:
    kinds = ("answerable", "partial", "unanswerable")
    chosen = [sample("mtrag", kind, answerable=True, high=0.5, kind=kind) for kind in kinds]
    assert [each.type for each in of(chosen, "mtrag")] == ["answerable", "unanswerable"]


def samples_of_all() -> list[Sample]:
    chance = np.random.default_rng(0)
    return [
        sample(name, f"{name}{number}", answerable=label, high=float(chance.uniform(0, 0.8) + 0.2 * label))
        for name in WEIGHTS
        for number in range(100)
        for label in (True, False)
    ]


def test_the_sign_that_tells_gets_the_weight_and_the_mean_is_three_in_four() -> None:
    chosen = samples_of_all()
    model = train(chosen)
    assert list(model.weights) == list(chosen[0].signs)
    assert model.weights["similar"] > 0
    told = [[model.probability(each.signs) for each in chosen if each.answerable is label] for label in (True, False)]
    assert 0.75 * np.mean(told[0]) + 0.25 * np.mean(told[1]) == pytest.approx(0.75, abs=0.01)


def test_a_family_of_sets_can_be_left_out() -> None:
    chosen = samples_of_all()
    others = [each for each in chosen if not each.set.startswith("squad")]
    turned = [sample(e.set, e.id, answerable=not e.answerable, high=e.sure) for e in chosen if e not in others]
    assert train([*others, *turned], "squad") == train(chosen, "squad") != train(chosen)


def test_the_figures_of_a_set(tmp_path: Path) -> None:
    own = [sample("mtrag", str(n), answerable=n % 2 == 0, high=high) for n, high in enumerate((0.9, 0.6, 0.4, 0.05))]
    found = measure(own)
    assert (found["auroc"], found["related"]) == (0.75, 0.75)
    assert (found["answered"], found["let_through"]) == (0.5, 0.5)
    assert (found["read"], found["read_through"]) == (1.0, 0.5)
    draw("mtrag", own, tmp_path / "risk.png")
    assert (tmp_path / "risk.png").stat().st_size > 1000


def test_questions_that_are_neither_are_told_by_themselves() -> None:
    own = [
        sample("mtrag", kind, answerable=True, high=high, kind=kind)
        for kind, high in (("answerable", 0.9), ("partial", 0.7), ("underspecified", 0.6), ("unanswerable", 0.1))
    ]
    assert between(own) == {"partial_answered": 1.0, "underspecified_answered": 1.0, "auroc_all_types": 1.0}


def test_ties_count_half() -> None:
    assert auroc(np.array([0.5, 0.5]), np.array([True, False])) == 0.5


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    sure, label = np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False])
    assert calibration(sure, label, np.ones(4)) == pytest.approx((2 * 0.4 + 2 * 0.1) / 4)


def test_what_is_quoted_is_looked_through_for_a_reference_answer() -> None:
    other = pool(question="How long is the warranty of the Brisel fan?")
    assert (quoted(pool()), quoted(other)) == (TEXT, "")
    assert measure_quotes([pool(), pool(answers=["six years"]), other, nothing()]) == {
        "questions": 4,
        "quoted": 0.5,
        "held": 0.25,
        "held, of quoted": 0.5,
        "best sentence": 0.5,
    }
