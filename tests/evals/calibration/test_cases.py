"""Cases: what two forced runs say of each sample, and what they cannot say."""

from math import inf
from typing import Any

from evals.calibration.cases import cases_of
from evals.runs import Outcome, Trouble
from evals.samples import Sample

SAMPLE = Sample(id="s", question="What is the limit?", answerable=True, reference="EUR 145")
OTHER = SAMPLE.model_copy(update={"id": "t"})


def outcome(text: str, tokens: int = 0, status: str = "answered", name: str = "s") -> Outcome:
    usage = {"model": "m", "calls": 1 if tokens else 0, "input_tokens": tokens, "output_tokens": 0}
    told: dict[str, Any] = {"text": text, "status": status, "confidence": 0.7, "citations": [], "usage": usage}
    return Outcome(sample=name, answer={**told, "asked": "What is the limit?"}, passages=[], seconds=1.0)


def test_each_sample_is_told_on_both_routes() -> None:
    found = cases_of([SAMPLE], ({"s": outcome("EUR 145")}, {"s": outcome("", status="declined")}), {})
    case = found.cases[0]
    assert (case.simple.right, case.whole.right) == (True, False)
    assert (case.simple.confidence, case.whole.confidence) == (0.7, -inf)
    assert (found.unit, case.simple.cost, case.whole.cost) == ("searches", 1.0, 1.0)
    assert 0 < case.complexity < 1


def test_costs_are_dollars_where_prices_are_known_and_tokens_where_they_are_not() -> None:
    routes = {"s": outcome("EUR 145", 100)}, {"s": outcome("EUR 145", 300)}
    priced = cases_of([SAMPLE], routes, {"m": (10.0, 20.0)})
    assert (priced.unit, priced.cases[0].whole.cost) == ("USD", 0.003)
    bare = cases_of([SAMPLE], routes, {})
    assert (bare.unit, bare.cases[0].simple.cost) == ("tokens", 100.0)


def test_what_failed_or_tells_no_right_answer_is_left_out_with_its_reason() -> None:
    failed = Outcome(sample="t", trouble=Trouble(kind="Timeout", message=""), seconds=1.0)
    mute = SAMPLE.model_copy(update={"id": "u", "reference": None})
    simple = {"s": outcome("EUR 145"), "t": failed, "u": outcome("x", name="u")}
    found = cases_of([SAMPLE, OTHER, mute], (simple, {**simple}), {})
    assert [case.sample for case in found.cases] == ["s"]
    assert found.left_out == {
        "t": "it failed: Timeout",
        "u": "it tells neither a right answer nor quotes nor documents",
    }


def test_a_judge_is_heard_where_there_is_one() -> None:
    routes = {"s": outcome("EUR 145")}, {"s": outcome("a hundred and forty-five")}
    case = cases_of([SAMPLE], routes, {}, ({"s": 0.25}, {"s": 1.0})).cases[0]
    assert (case.simple.right, case.whole.right) == (False, True)
