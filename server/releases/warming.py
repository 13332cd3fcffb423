"""Nothing is served that has not answered once: a version its smoke question, a Snapshot a search."""

import asyncio
from pathlib import Path

from graph.agent import Agent
from graph.errors import PromotionRefused
from graph.registry.package import example_of
from graph.state import Question

SMOKE = "What do the documents say?"
"""Asked of a package that was logged without an example."""


async def warm_index(agent: Agent) -> None:
    """Search a Snapshot as a question does, without asking a model; raises what a question would meet."""
    async with asyncio.timeout(agent.deadline):
        await agent.ping()
        await agent.search(SMOKE, {}, [], 1)


async def warm(number: int, agent: Agent, package: Path) -> None:
    """Ask the question that a version was logged with; raises PromotionRefused when it is not answered in time."""
    example = await asyncio.to_thread(example_of, package)
    question = str(example["question"]) if example else SMOKE
    try:
        async with asyncio.timeout(agent.deadline):
            await _answered(agent, question)
    except Exception as error:
        kind = type(error).__name__
        raise PromotionRefused(f"v{number} did not answer its smoke question ({kind}).") from error


async def _answered(agent: Agent, question: str) -> None:
    async for item in agent.items(Question(question=question)):
        if item["event"] == "error":
            raise item["error"]
        if item["event"] == "final":
            return
    raise RuntimeError("The graph ended without an answer.")
