"""Asks the graph up to one of its steps, to look at what the steps before it found without paying for the rest."""

from contextlib import aclosing
from typing import Any

from graph.state import Question
from graph.sync import Graph


async def state_after(graph: Graph, step: str, question: Question) -> dict[str, Any]:
    """The state that a step leaves behind; the run ends there."""
    state: dict[str, Any] = {}
    run: Any = graph.astream(question, stream_mode="updates")
    async with aclosing(run) as updates:
        async for update in updates:
            for name, found in update.items():
                state |= found
                if name == step:
                    return state
    raise ValueError(f"The graph has no step {step}, or ended before it; name one that every question reaches.")
