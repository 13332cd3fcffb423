"""What a terminal shows of how an answer came about."""

from typing import Any, cast

from rich.console import Console

from graph.cli.display import STEPS, answer_panel, trace
from graph.nodes import Nodes
from graph.state import Answer

ANSWER: dict[str, Any] = {
    "text": "Five years. [1]",
    "status": "answered",
    "confidence": 0.9,
    "citations": [],
    "route": "simple",
    "rung": "primary",
    "reason": None,
    "nearest": [],
    "release": "default@1",
    "snapshot": "snap",
    "timings": {"preprocess": 1.0},
    "cached": [],
    "conflicts": [],
    "repairs": [],
}
"""What a panel is made of at the least."""


def shown(**changes: Any) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(answer_panel(cast("Answer", {**ANSWER, **changes})))
    return capture.get()


def test_caches_that_were_hit_are_told() -> None:
    assert "1 ms · answer from the cache" in shown(cached=["answer"])
    assert "cache" not in shown()


def traced(**usage: Any) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        fields = {**ANSWER, "timings": {"preprocess": 1.04, "cite": 60.1}, "detail": None, "usage": usage}
        console.print(trace(cast("Answer", fields)))
    return [" ".join(line.replace("│", " ").split()) for line in capture.get().splitlines()]


def test_a_trace_says_what_each_step_does_its_time_and_their_sum() -> None:
    lines = traced(model="extractive", calls=0, input_tokens=0, output_tokens=0)
    assert "preprocess reads the question and what was said before 1.0" in lines
    assert "total 61.1" in lines
    assert lines[-1] == "no model was called"


def test_a_trace_says_how_often_the_model_was_called() -> None:
    lines = traced(model="openai:small", calls=1, input_tokens=900, output_tokens=40)
    assert lines[-1] == "model openai:small: 1 call, 900 tokens sent, 40 received"


def test_every_step_of_the_graph_is_explained() -> None:
    steps = [name for name, method in vars(Nodes).items() if hasattr(method, "__wrapped__") and name[0] != "_"]
    assert list(STEPS) == steps
