"""Deployments: the releases that this process has loaded, by target, and which of them answers a request.

A target is `production`, `staging`, `shadow`, a share of production's traffic such as `split-v3`, or a pinned version
such as `v12`.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

from graph.agent import Agent, open_agent
from graph.callers import Caller, Permission
from graph.errors import VersionUnknown
from graph.registry.stages import PRODUCTION
from graph.release_yaml import load_release
from graph.settings import load_settings
from graph.state import Answer, Question
from server.errors import RequestRefused, refuse

AgentFactory = Callable[[], Awaitable[Agent]]
PINNED = re.compile(r"v([1-9][0-9]{0,8})")
Standing = Literal["local", "warranted", "override", "unchecked"]
"""The environment's own release; approved by a warrant; approved by an override; not checked, as none is needed."""


@dataclass(frozen=True, eq=False)
class Deployment:
    """A loaded release. A request selects one and ends with it, whatever is deployed meanwhile.

    `version` is the registry's number as text, empty without a registry; `reason` is an override's.
    """

    version: str
    agent: Agent
    standing: Standing = "local"
    reason: str = ""
    digest: str = ""


@dataclass(frozen=True)
class ShadowCandidate:
    """A version that is asked a `share`, 0 to 1, of the live questions."""

    version: str
    agent: Agent
    share: float


@dataclass(frozen=True)
class ServingState:
    """What is deployed, by target, and current problems as sentences for the operator."""

    deployments: dict[str, Deployment] = field(default_factory=dict)
    split: dict[str, float] = field(default_factory=dict)
    registry: Literal["none", "ok", "away"] = "none"
    trouble: list[str] = field(default_factory=list)
    swaps: int = 0
    failures: int = 0


class Deployments:
    """Serves the one release that the environment describes."""

    def __init__(self, open_agent: AgentFactory | None = None) -> None:
        """`open_agent` opens the release; None: the one that the environment describes at the time of `open`."""
        self._open_agent = open_agent
        self._deployed: dict[str, Deployment] = {}

    async def open(self) -> None:
        """Load what is to be served; raises a WarrantError when anything that it needs is missing."""
        self._deployed = {PRODUCTION: Deployment("", await self._new_agent())}

    def swap(self, agent: Agent) -> None:
        """Answer with another agent from now on."""
        self._deployed = {PRODUCTION: Deployment("", agent)}

    async def select(self, target: str, key: str, caller: Caller) -> Deployment:
        """The deployment that answers a question; `key` is the session or question id by which traffic is split.

        Raises RequestRefused when the target has no deployment, or the caller may not ask it.
        """
        check_may_ask(caller, target)
        return self._at(target)

    def _at(self, target: str) -> Deployment:
        if target not in self._deployed:
            raise not_deployed(target) if self._deployed else refuse(503, "The server is still starting. Ask again.")
        return self._deployed[target]

    async def reload(self) -> list[str]:
        """Check now for something newer to serve; sentences about workers that have not."""
        return []

    def candidate(self) -> ShadowCandidate | None:
        """The version that answers in production's shadow."""
        return None

    def run(self) -> AbstractAsyncContextManager[None]:
        """Keep the deployments up to date until the end of the block."""
        return nullcontext()

    async def _new_agent(self) -> Agent:
        """Another agent; the environment is read once."""
        self._open_agent = self._open_agent or environment_agent()
        return await self._open_agent()

    @property
    def state(self) -> ServingState:
        """What is deployed now."""
        return ServingState(dict(self._deployed))

    @property
    def ready(self) -> bool:
        return PRODUCTION in self._deployed

    @property
    def production(self) -> Deployment:
        """Production's deployment; raises RequestRefused (503) while there is none."""
        if not self.ready:
            raise refuse(503, "The server is still starting. Ask again.")
        return self._deployed[PRODUCTION]

    @property
    def agent(self) -> Agent:
        """Production's agent; raises RequestRefused (503) while there is none."""
        return self.production.agent


async def final_answer(agent: Agent, question: Question) -> Answer:
    """The agent's answer to a question; raises what it fails with."""
    async for item in agent.items(question):
        if item["event"] == "error":
            raise item["error"]
        if item["event"] == "final":
            return item["answer"]
    raise RuntimeError("The graph ended without an answer.")


def environment_agent() -> AgentFactory:
    """Opens the release that the environment describes now; raises a WarrantError when it describes none."""
    settings = load_settings()
    release = load_release(settings.release)
    return lambda: open_agent(settings, release)


def pinned_version(target: str) -> int | None:
    """The version number that a target pins; None for other targets."""
    found = PINNED.fullmatch(target)
    return int(found.group(1)) if found else None


def may_ask(caller: Caller, target: str) -> bool:
    """Whether a caller may ask a target."""
    return caller.may(Permission.ASK if target == PRODUCTION else Permission.ASK_ANY_VERSION)


def check_may_ask(caller: Caller, target: str) -> None:
    """Raises RequestRefused (403) when a caller may not ask a target."""
    if not may_ask(caller, target):
        raise refuse(403, f"Your role may ask production alone, not {target}.")


def not_deployed(target: str) -> RequestRefused:
    """The refusal for a target without a deployment."""
    number = pinned_version(target)
    if number is not None:
        return refuse(VersionUnknown, f"There is no version {number} here.")
    if target == PRODUCTION:
        return refuse("nothing_served")
    return refuse("stage_empty", f"Nothing is in {target} just now.")


def hash_fraction(key: str) -> float:
    """A number in [0, 1) that depends on the key alone, the same in every process."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
