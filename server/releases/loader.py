"""Loads one version: fetch it, check its warrant, open it, and warm it up with a question."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from graph.agent import Agent
from graph.errors import PromotionRefused, RegistryError, RegistryUnavailable
from graph.registry import RegistryReader, Version
from graph.registry.package import example_of
from graph.registry.warrant import NO_RULES, SignatureCheck, Warrant, WarrantRules, any_signature, refusal
from graph.state import Question
from server.releases.deployments import Deployment, Standing, final_answer
from server.releases.retention import LastGood, PackageCache

PackageOpener = Callable[[Path, str], Awaitable[Agent]]
"""Opens the package in a directory that has this digest; raises PackageBroken."""
UNCHECKED: tuple[Standing, str] = ("unchecked", "")
WARM_UP_QUESTION = "What do the documents say?"
"""Asked of a package that was logged without an example."""


class VersionLoader:
    """Loads versions; `override` is the reason why production may be without a valid warrant."""

    def __init__(
        self,
        open_package: PackageOpener,
        packages: PackageCache,
        override: str | None = None,
        is_signed: SignatureCheck = any_signature,
        rules: WarrantRules = NO_RULES,
    ) -> None:
        self._open_package, self._packages, self._override = open_package, packages, override
        self._is_signed, self._rules = is_signed, rules

    async def load(
        self, registry: RegistryReader, number: int, loaded: Sequence[Deployment], *, needs_warrant: bool
    ) -> Deployment:
        """A deployment of a version; it shares the agent of a loaded one with the same package.

        Raises PromotionRefused when it lacks a valid warrant or fails its warm-up, or a RegistryError or SnapshotError.
        """
        version = await asyncio.to_thread(registry.version, number)
        standing, reason = await asyncio.to_thread(self._approval, registry, version) if needs_warrant else UNCHECKED
        same = next((deployment for deployment in loaded if deployment.digest == version.digest), None)
        agent = same.agent if same else await self._fetch_and_open(registry, version)
        return Deployment(str(number), agent, standing, reason, version.digest)

    async def load_last_good(self, good: LastGood) -> Deployment:
        """The version that was served last, from disk; raises PackageBroken when it is missing or was altered."""
        agent = await self._open(int(good.version), self._packages.path(good.digest), good.digest)
        return Deployment(good.version, agent, good.standing, good.reason, good.digest)

    async def _fetch_and_open(self, registry: RegistryReader, version: Version) -> Agent:
        try:
            await asyncio.to_thread(self._packages.acquire, version.digest)
            root = await asyncio.to_thread(registry.fetch, version, self._packages.home)
            return await self._open(version.number, root, version.digest)
        finally:
            self._packages.release(version.digest)

    async def _open(self, number: int, directory: Path, digest: str) -> Agent:
        agent = await self._open_package(directory, digest)
        await warm_up(number, agent, directory)
        return agent

    def _approval(self, registry: RegistryReader, version: Version) -> tuple[Standing, str]:
        """The standing of a version for production, and an override's reason; raises PromotionRefused."""
        warrant, why = self._warrant(registry, version)
        if not why and warrant:
            return ("override", warrant.reason) if warrant.verdict == "override" else ("warranted", "")
        if self._override:
            return "override", self._override
        raise PromotionRefused(f"v{version.number} may not be served: {why}.")

    def _warrant(self, registry: RegistryReader, version: Version) -> tuple[Warrant | None, str]:
        """A version's warrant, and why it is not valid."""
        try:
            warrant = registry.warrant(version)
            return warrant, refusal(warrant, version.digest, self._is_signed, self._rules)
        except RegistryUnavailable:
            raise
        except RegistryError as error:
            return None, f"its warrant cannot be read ({type(error).__name__})"


async def warm_up(number: int, agent: Agent, package: Path) -> None:
    """Ask the question that a version was logged with; raises PromotionRefused when it is not answered in time."""
    example = await asyncio.to_thread(example_of, package)
    question = str(example["question"]) if example else WARM_UP_QUESTION
    try:
        async with asyncio.timeout(agent.deadline):
            await final_answer(agent, Question(question=question))
    except Exception as error:
        kind = type(error).__name__
        raise PromotionRefused(f"v{number} did not answer its smoke question ({kind}).") from error


async def warm_up_index(agent: Agent) -> None:
    """Search a new Snapshot as a question does, without a model; raises what a question would meet."""
    async with asyncio.timeout(agent.deadline):
        await agent.ping()
        await agent.search(WARM_UP_QUESTION, {}, [], 1)
