"""Opens the agent of a package (see graph.registry.package) by the package's own code."""

from pathlib import Path

from .agent import Agent, open_agent
from .registry.package import RELEASE, part, snapshot_of
from .release_yaml import load_release
from .settings import load_settings


async def open_packaged(root: Path) -> Agent:
    """The agent of the package at `root`, whose code is the one that runs; raises a WarrantError."""
    settings = load_settings().model_copy(update={"index": snapshot_of(root)})
    return await open_agent(settings, load_release(part(root, RELEASE)))
