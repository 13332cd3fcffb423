"""What is served now: one release that the environment describes, or those that a registry's aliases name."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

from graph.agent import Agent, open_agent
from graph.registry.stages import PRODUCTION
from graph.release import load_release
from graph.settings import load_settings
from server.errors import refuse
from server.releases.slots import Candidate, Slot, nothing_there

Opening = Callable[[], Awaitable[Agent]]


@dataclass(frozen=True)
class State:
    """What is served, by track, and what there is trouble with, in sentences for whoever runs the server."""

    slots: dict[str, Slot] = field(default_factory=dict)
    split: dict[str, float] = field(default_factory=dict)
    registry: Literal["none", "ok", "away"] = "none"
    trouble: list[str] = field(default_factory=list)
    swaps: int = 0
    failures: int = 0


class Live:
    """Serves the one release that the environment describes."""

    def __init__(self, opening: Opening | None = None) -> None:
        """`opening` gives the agent; None: the one that the environment describes when it is opened."""
        self._opening = opening
        self._slots: dict[str, Slot] = {}

    async def open(self) -> None:
        """Open what is to be served; raises a WarrantError when anything that it needs is not there."""
        self._slots = {PRODUCTION: Slot("", await self._opened())}

    def swap(self, agent: Agent) -> None:
        """Answer with another agent from now on; what is under way ends with the one that it began with."""
        self._slots = {PRODUCTION: Slot("", agent)}

    async def take(self, track: str, name: str, *, operator: bool = False) -> Slot:
        """The slot that answers a question on a track; `name` is the session's, or the question's.

        Raises Refused when the track has nothing, or nothing that is open to who is no `operator`.
        """
        if track not in self._slots:
            raise nothing_there(track) if self._slots else refuse(503, "The server is still starting. Ask again.")
        return self._slots[track]

    async def reload(self) -> list[str]:
        """Look now whether something else is to be served; a sentence when another worker has not."""
        return []

    def candidate(self) -> Candidate | None:
        """The version that answers in the shadow of production."""
        return None

    def run(self) -> AbstractAsyncContextManager[None]:
        """Keep what is served up to date until the end of the block."""
        return nullcontext()

    async def _opened(self) -> Agent:
        """Another agent; what describes it is read once."""
        self._opening = self._opening or described()
        return await self._opening()

    @property
    def state(self) -> State:
        """What is served now."""
        return State(slots=dict(self._slots))

    @property
    def ready(self) -> bool:
        return PRODUCTION in self._slots

    @property
    def production(self) -> Slot:
        """What production is now; raises Refused (503) while that is nothing."""
        if not self.ready:
            raise refuse(503, "The server is still starting. Ask again.")
        return self._slots[PRODUCTION]

    @property
    def agent(self) -> Agent:
        """Production's agent; raises Refused (503) before there is one."""
        return self.production.agent


def described() -> Opening:
    """How to open the agent that the environment describes now; raises a WarrantError where it describes none."""
    settings = load_settings()
    release = load_release(settings.release)
    return lambda: open_agent(settings, release)
