"""The fault drills in small, and that the judge of their rungs bites."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.drills import DRILLS, FAULTS, Drill, answered_without_faults, measure, read_samples, right_rung, run
from benchmarks.drills import reply as quoting

NOT_OPEN = (False, False)


@pytest.mark.parametrize(
    ("primary", "backup", "opened", "rung"),
    [
        (["good"], [], NOT_OPEN, "primary"),
        (["broken", "good"], [], NOT_OPEN, "retry"),
        (["broken", "broken"], ["good"], NOT_OPEN, "backup"),
        (["broken", "broken"], ["broken"], NOT_OPEN, "extractive"),
        (["broken"], ["good"], (True, False), "backup"),
        ([], ["good"], (True, False), "backup"),
        ([], [], (True, True), "extractive"),
        # A call that should have been made and was not makes every rung but its own a wrong one.
        (["broken"], ["good"], NOT_OPEN, "retry"),
        ([], ["good"], NOT_OPEN, "retry"),
        (["broken", "broken"], [], NOT_OPEN, "backup"),
    ],
)
def test_the_right_rung_follows_from_what_was_served(
    primary: list[str], backup: list[str], opened: Sequence[bool], rung: str
) -> None:
    assert right_rung(Drill("500", 0.3), [primary, backup], opened) == rung


def test_a_retry_may_be_missing_where_the_endpoint_asks_for_a_minute() -> None:
    assert right_rung(Drill("429, wait 60 s", 1.0), [["busy"], ["good"]], NOT_OPEN) == "backup"
    assert right_rung(Drill("429, wait 0.5 s", 1.0), [["busy"], ["good"]], NOT_OPEN) == "retry"


def test_the_endpoint_quotes_the_passage_that_holds_the_answer() -> None:
    told = "Passages:\n\n[1] Other\nNothing here.\n\n[2] Fees\nThe fee is **5 EUR**. Pay soon.\n\nQuestion: How much?"
    body = {"messages": [{"content": "Answer."}, {"content": told}]}
    assert quoting(body, {"How much?": ["fee is 5 EUR"]}) == "The fee is 5 EUR. [2]"
    assert quoting(body, {"How much?": ["fee is 6 EUR"]}) == "I don't know."


def test_every_fault_is_drilled_at_both_rates() -> None:
    assert {(drill.fault, drill.rate) for drill in DRILLS} == {(fault, rate) for fault in FAULTS for rate in (0.3, 1.0)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "drill",
    [
        Drill("500", 1.0),
        Drill("hang", 1.0, healthy_backup=False),
        Drill("cut mid-stream", 0.3, breaker=False),
        Drill("429, wait 0.5 s", 0.3, breaker=False),
        Drill("slow tokens", 1.0),
    ],
    ids=lambda drill: drill.name,
)
def test_every_question_gets_its_right_rung_inside_the_deadline(quick_handbook: Path, drill: Drill) -> None:
    samples = answered_without_faults(quick_handbook, [each for each in read_samples() if each["quotes"]][:12])
    assert len(samples) >= 6
    found = measure(run(drill, quick_handbook, samples))
    assert (found["inside"], found["right_rung"]) == (len(samples), len(samples))
    assert "decline" not in found["rungs"]
    if drill.rate == 1:
        assert set(found["rungs"]) == {"backup" if drill.healthy_backup else "extractive"}
