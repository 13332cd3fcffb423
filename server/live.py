"""The graph that is served now."""

from collections.abc import Awaitable, Callable

from graph.agent import Agent, open_agent
from graph.release import load_release
from graph.settings import load_settings
from server.errors import refuse


class Live:
    """Holds the current agent. Whoever answers takes it once and ends with the one that it began with."""

    def __init__(self, opening: Callable[[], Awaitable[Agent]] | None = None) -> None:
        """`opening` gives the agent; None: the one that the environment describes."""
        self._opening = opening or open_described
        self._agent: Agent | None = None

    async def open(self) -> None:
        """Open the agent; raises a WarrantError when anything that it needs is not there."""
        self._agent = await self._opening()

    def swap(self, agent: Agent) -> None:
        """Answer with another agent from now on; what is under way ends with the one that it began with."""
        self._agent = agent

    @property
    def ready(self) -> bool:
        return self._agent is not None

    @property
    def agent(self) -> Agent:
        """The agent; raises Refused (503) before there is one."""
        if self._agent is None:
            raise refuse(503, "The server is still starting. Ask again.")
        return self._agent


async def open_described() -> Agent:
    """The agent that the environment describes."""
    settings = load_settings()
    return await open_agent(settings, load_release(settings.release))
