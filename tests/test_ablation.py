"""The figures with and without something, and that what is taken away comes back."""

import numpy as np
import pytest

from benchmarks import switches
from benchmarks.ablation_search import by_rank
from benchmarks.gains import Measured, compare, gain, statistic
from benchmarks.switches import Switch, always, switched
from graph.steps import evidence


def test_a_gain_is_the_difference_of_the_means_within_its_interval() -> None:
    on = [1.0, 1.0, 0.0, 1.0] * 25
    found = gain(Measured(on), Measured([0.0] * 100))
    assert (found["with"], found["without"], found["gain"], found["questions"]) == (0.75, 0.0, 0.75, 100)
    assert 0.6 < found["low"] < 0.75 < found["high"] < 0.9


def test_what_changes_nothing_gains_nothing() -> None:
    found = gain(Measured([0.2, 0.9, 0.4]), Measured([0.2, 0.9, 0.4]))
    assert (found["gain"], found["low"], found["high"]) == (0.0, 0.0, 0.0)


def test_the_questions_are_drawn_in_pairs() -> None:
    on = np.random.default_rng(0).random(200)
    found = gain(Measured(list(on + 0.01)), Measured(list(on)))
    assert found["low"] == pytest.approx(found["high"]) == pytest.approx(0.01)


def test_values_with_labels_are_told_apart_and_ties_count_half() -> None:
    found = Measured([0.9, 0.5, 0.5, 0.1], labels=[True, True, False, False])
    assert statistic(found, np.ones((1, 4))) == pytest.approx([0.875])
    assert statistic(found, np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]])) == pytest.approx([1.0, 0.5])


def test_a_question_counts_once_with_all_of_its_samples() -> None:
    one = Measured([0.9, 0.1, 0.8, 0.2], ["a", "a", "b", "b"], [True, False, True, False])
    assert gain(one, one)["questions"] == 2


def test_sets_are_counted_once_by_whether_the_interval_is_above_or_below_zero() -> None:
    high, low = Measured([1.0] * 20), Measured([0.0] * 20)
    on = {"a": high, "a without": high, "b, kept": low, "c": low}
    off = {"a": low, "a without": low, "b, kept": high, "c": low}
    row = compare(Switch("room", "thing", (3, always)), on, off)
    assert (row["gains_on"], row["loses_on"]) == (1, 1)
    assert row["lines"] == 6


def test_what_is_taken_away_comes_back_also_when_the_work_fails() -> None:
    before = evidence.MEANING
    with switched([(evidence, "MEANING", 0.0)]):
        assert evidence.MEANING == 0.0
    assert before == evidence.MEANING
    with pytest.raises(ZeroDivisionError), switched([(evidence, "MEANING", 0.0)]):
        1 / evidence.MEANING
    assert before == evidence.MEANING


@pytest.mark.parametrize(
    "switch",
    [*switches.FEATURES, *switches.EVIDENCE, *switches.RULES, switches.PARTS, *switches.QUOTES, *switches.CONVERSATION],
    ids=lambda switch: switch.name,
)
def test_each_patch_names_something_that_is_there(switch: Switch) -> None:
    with switched(switch.patches):
        assert switch.lines > 0


def test_ranks_count_by_their_reciprocals_and_what_a_leg_has_not_found_by_nothing() -> None:
    assert by_rank([0.2, 0.0, 0.7]) == pytest.approx([1 / 62, 0.0, 1 / 61])
