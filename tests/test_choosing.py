"""Weights that choose one of several."""

import numpy as np

from benchmarks.choosing import Case, chosen, fit_choice


def case(a: list[float], b: list[float], right: list[float]) -> Case:
    return Case({"a": np.array(a), "b": np.array(b)}, np.array(right))


CASES = [
    case([0.9, 0.1, 0.2], [0.5, 0.1, 0.9], [1.0, 0.0, 0.0]),
    case([0.3, 0.8], [0.4, 0.4], [0.0, 1.0]),
    case([0.1, 0.2, 0.7], [0.6, 0.9, 0.2], [0.0, 0.0, 1.0]),
] * 20


def test_the_feature_that_tells_the_right_one_apart_gets_the_weight() -> None:
    model = fit_choice("toy", CASES)
    assert model.weights["a"] > abs(model.weights["b"])
    assert [chosen(model, each) for each in CASES[:3]] == [0, 1, 2]


def test_what_all_alternatives_share_tells_nothing() -> None:
    shifted = [
        case([x + 5 * n for x in each.values["a"]], list(each.values["b"]), list(each.right))
        for n, each in enumerate(CASES[:3])
    ]
    model = fit_choice("toy", shifted * 20, penalty=0.01)
    assert [chosen(model, each) for each in shifted] == [0, 1, 2]


def test_the_logistic_of_a_score_is_a_probability() -> None:
    unsure = [case([0.0, 0.0], [0.0, 0.0], [1.0, 0.0]), case([0.0, 1.0], [0.0, 0.0], [0.0, 1.0])] * 50
    model = fit_choice("toy", unsure)
    rows = [(one.values["a"][n], one.right[n]) for one in unsure for n in range(2)]
    told = [model.probability({"a": float(a), "b": 0.0}) for a, _ in rows]
    assert abs(np.mean(told) - np.mean([right for _, right in rows])) < 0.02


def test_a_case_without_a_right_one_is_left_out() -> None:
    wrong = case([1.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    assert fit_choice("toy", [*CASES, wrong]) == fit_choice("toy", CASES)


def test_of_the_best_the_logistic_is_the_probability_that_it_is_right_and_cases_without_a_right_one_count() -> None:
    wrong = case([0.3, 0.8], [0.4, 0.4], [0.0, 0.0])
    every = [*CASES, *[wrong] * 20]
    model = fit_choice("toy", every, of_best=True)
    best = [(each, chosen(model, each)) for each in every]
    told = [model.probability({name: float(each.values[name][n]) for name in ("a", "b")}) for each, n in best]
    assert abs(float(np.mean(told)) - 0.75) < 0.02
