"""What a terminal shows of how an answer came about."""

from typing import Any, cast

from rich.console import Console

from graph.cli.display import answer_panel
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
