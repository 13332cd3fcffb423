"""How nearly the tokens of a question are met."""

import numpy as np
import pytest

from graph.finding.late import Asked, Near, TokenVectors, directions, late, meant, near, signs, unit

WIDTH = 8
EAST, WEST = np.ones(WIDTH), -np.ones(WIDTH)
HALF = np.array([1.0, 1, 1, 1, 1, 1, -1, -1])
"""Six of eight components as EAST has them: a cosine of 0.5 to it, and of -0.5 to WEST."""
ACROSS = np.array([1.0, 1, 1, 1, -1, -1, -1, -1])
UNITS = np.array([EAST, ACROSS]).astype(np.int8)


def tokens(*vectors: np.ndarray, counts: list[int] | None = None) -> TokenVectors:  # type: ignore[type-arg]
    held = signs(np.array(vectors, np.float32).reshape(-1, WIDTH))
    return TokenVectors(held, [0, len(held)] if counts is None else counts)


def asked(*vectors: np.ndarray, telling: list[bool] | None = None) -> Asked:  # type: ignore[type-arg]
    found = unit(np.array(vectors, np.float32))
    return Asked(found[0], found, np.array(telling or [True] * len(found)))


def test_a_vector_is_kept_by_its_signs() -> None:
    kept = signs(np.array([[0.9, -0.1, 0.2, -5, 1, 1, -1, 0]], np.float32))
    assert kept.tolist() == [[0b10101100]]
    assert directions(kept)[0] * np.sqrt(8) == pytest.approx([1, -1, 1, -1, 1, 1, -1, -1])
    assert np.linalg.norm(directions(kept)) == pytest.approx(1)


def test_each_token_of_a_question_counts_by_its_nearest_token_of_the_passage() -> None:
    both = asked(EAST, WEST)
    found = late(both, [tokens(EAST, WEST), tokens(EAST), tokens(HALF, ACROSS)])
    assert found == pytest.approx([1.0, 0.0, (0.5 + 0.0) / 2])


def test_a_passage_without_tokens_is_no_nearer_than_the_others() -> None:
    assert late(asked(EAST), [tokens(HALF), tokens(), tokens(EAST)]) == pytest.approx([0.5, 0.5, 1.0])
    assert late(asked(EAST), [tokens(), tokens()]) == [0.0, 0.0]


def test_a_passage_is_as_alike_as_its_units_are_in_the_mean() -> None:
    east = unit(EAST[None].astype(np.float32))[0]
    none = np.empty((0, WIDTH), np.int8)
    assert meant(east, [UNITS * 100, UNITS[:1], none]) == pytest.approx([0.5, 1.0, 0.0])


def test_a_question_without_tokens_is_as_far_from_every_passage() -> None:
    none = Asked(np.ones(2, np.float32), np.empty((0, 0), np.float32), np.empty(0, np.bool_))
    assert late(none, [tokens(EAST), tokens(WEST)]) == [0.0, 0.0]


def test_units_are_told_apart_and_the_heading_counts_where_it_is_said() -> None:
    # The heading is like the question's second token, the first unit like its first one, the other half like both.
    question = asked(EAST, WEST)
    [found] = near(question, [UNITS], [tokens(WEST, EAST, HALF, counts=[1, 1, 1])])
    assert found.similar == pytest.approx([1.0, 0.0])
    assert found.met == pytest.approx([0.0, 0.0])
    assert found.headed == pytest.approx([1.0, 0.75])
    assert found.least == pytest.approx([1.0, 0.5])


def test_the_worst_met_token_is_one_that_tells() -> None:
    [found] = near(asked(EAST, WEST, telling=[True, False]), [UNITS[:1]], [tokens(EAST)])
    assert (found.met, found.least) == ([0.0], [1.0])


def test_a_unit_without_tokens_is_no_nearer_than_the_worst_of_all() -> None:
    cut, other = tokens(EAST, counts=[0, 1, 0]), tokens(HALF, HALF, counts=[0, 1, 1])
    first, second = near(asked(EAST), [UNITS, UNITS], [cut, other])
    assert (first.met, second.met) == ([1.0, 0.5], [0.5, 0.5])


def test_passages_without_any_tokens_are_all_the_same() -> None:
    [found] = near(asked(EAST), [UNITS], [tokens(counts=[0, 0, 0])])
    assert len(set(found.met)) == len(set(found.least)) == 1
    assert found.similar == pytest.approx([1.0, 0.0])


def test_no_passages_have_nothing_near() -> None:
    found: list[Near] = near(asked(EAST), [], [])
    assert (found, late(asked(EAST), [])) == ([], [])
