"""A process that is signed in to an emulated workspace, for the tests of what runs on Databricks."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from databricks_emulator import Emulator, emulating

from graph.agent import Agent, open_agent
from graph.index.ai_search_sync import Synced, sync
from graph.models.databricks import workspace
from graph.release import Release
from graph.settings import Settings

INDEX = "main.docs.handbook"
VARIABLES = ("HOST", "TOKEN", "CLIENT_ID", "CLIENT_SECRET", "CONFIG_FILE", "CONFIG_PROFILE")


@contextmanager
def signed_in(**state: Any) -> Iterator[Emulator]:
    """An emulated workspace with this process signed in to it."""
    with emulating(**state) as emulator, pytest.MonkeyPatch.context() as patch:
        sign_in(patch, emulator.environment)
        yield emulator
    workspace.cache_clear()


def sign_in(patch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    """Let this process be who an environment says."""
    for name in VARIABLES:
        patch.delenv(f"DATABRICKS_{name}", raising=False)
    for name, value in environment.items():
        patch.setenv(name, value)
    workspace.cache_clear()


def settings(index: Path, **others: Any) -> Settings:
    """The settings of the databricks backend; nothing is cached."""
    own = {"backend": "databricks", "databricks_index": INDEX, "index": index, "cache_seconds": 0, "threads": 1}
    return Settings(_env_file=None, **{**own, **others})


def synced(store: Path, endpoint: str = "warrant") -> Synced:
    """Sync a store's Snapshot to the index."""
    return asyncio.run(sync(workspace(), store, INDEX, endpoint, 10, lambda _: None))


def opened(store: Path, release: Release, **others: Any) -> Agent:
    """The agent of a release over the index."""
    return asyncio.run(open_agent(settings(store, **others), release))
