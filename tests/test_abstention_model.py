"""What the benchmark of the confidence with a real model keeps, and what it makes of it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import model_answers
from benchmarks.abstention_model import measure
from benchmarks.model_answers import Pair, Reply, in_short
from benchmarks.pools import Asked
from graph.state import Answer

ASKED = Asked({"id": "q1", "text": "How much?", "answers": ["5 EUR"], "type": "answerable"}, frozenset({"a"}))
UNANSWERABLE = Asked({"id": "q2", "text": "How much?", "answers": ["5 EUR"], "type": "unanswerable"}, frozenset())


def answer(text: str = "The fee is 5 EUR.", rung: str = "primary", status: str = "answered") -> Answer:
    cited = [{"support": 0.5}, {"support": 1.0}]
    fields: dict[str, Any] = {"text": text, "rung": rung, "status": status, "citations": cited}
    return cast(Answer, {**fields, "confidence": 0.7, "reason": None})


def pair(name: str, confidence: float, *, answerable: bool, stood: bool = True) -> Pair:
    quoted = Reply(confidence, "primary", None, 1.0, answerable, 0.1)
    generated = Reply(confidence, "primary" if stood else "extractive", None, float(stood), answerable and stood, 5.0)
    return Pair(name, answerable, quoted, generated)


def test_an_answer_is_right_where_a_reference_answer_stands_in_it() -> None:
    assert in_short(answer(), ASKED, 1.0).right
    assert not in_short(answer("The fee is 6 EUR."), ASKED, 1.0).right
    assert not in_short(answer(), UNANSWERABLE, 1.0).right
    assert not in_short(answer(status="declined"), ASKED, 1.0).right


def test_support_is_that_of_the_first_writers_draft_alone() -> None:
    assert in_short(answer(), ASKED, 1.0).support == 0.75
    assert in_short(answer(rung="extractive"), ASKED, 1.0).support == 0.0


def test_a_run_goes_on_behind_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    first, second = pair("a", 0.9, answerable=True), pair("b", 0.1, answerable=False)
    model_answers._keep(path, first)
    whole = path.read_text("utf-8")
    path.write_text(whole + json.dumps(asdict(second))[:40], "utf-8")
    assert list(model_answers._read(path)) == [first]
    model_answers._keep(path, second)
    assert list(model_answers._read(path)) == [first, second]


def test_the_figures_say_how_well_each_sign_tells() -> None:
    own = [pair("a", 0.9, answerable=True), pair("b", 0.4, answerable=True, stood=False)]
    own += [pair("c", 0.5, answerable=False), pair("d", 0.1, answerable=False, stood=False)]
    found = measure(own, has_references=True)
    told = found["answerable or not"]
    assert told["generated: confidence"]["auroc"] == pytest.approx(0.75)
    assert told["generated: support of the draft"]["auroc"] == pytest.approx(0.5)
    assert (found["differs"], found["stood, answerable"]) == (0, 0.5)
    assert found["right"] == {"quoted": 1.0, "generated": 0.5}
    low, high = told["generated: confidence"]["interval"]
    assert low <= 0.75 <= high
