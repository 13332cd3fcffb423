"""Opens the agent of a package (see graph.registry.package) by the package's own code."""

from pathlib import Path

from .agent import Agent, open_agent
from .errors import SnapshotMismatch
from .index.manifest import read_manifest
from .registry.package import RELEASE, part, snapshot_of
from .release_yaml import load_release
from .settings import load_settings


async def open_packaged(root: Path) -> Agent:
    """The agent of the package at `root`, whose code is the one that runs; raises a WarrantError.

    Another index than the package's own Snapshot has to hold that same Snapshot, as the release was judged with it.
    """
    settings = load_settings().model_copy(update={"index": snapshot_of(root)})
    agent, own = await open_agent(settings, load_release(part(root, RELEASE))), read_manifest(settings.index).id
    if agent.snapshot != own:
        agent.close()
        found = f"The release was made over the Snapshot {own}, and {settings.databricks_index} holds {agent.snapshot}"
        raise SnapshotMismatch(f"{found}; `warrant sync` that Snapshot to an index, or log the release again.")
    return agent
