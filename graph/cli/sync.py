"""warrant sync: a Snapshot is copied into an AI Search index of Databricks."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from ..errors import SettingsInvalid
from .options import needs, settings_with, takes
from .terminal import Terminal, echo, json_text


@click.command()
@click.argument("name", metavar="[CATALOG.SCHEMA.INDEX]", required=False)
@takes("index", "json")
@click.option("--endpoint", "-e", default="", help="The AI Search endpoint for an index that is to be made.")
def sync(name: str | None, index: Path | None, endpoint: str, as_json: bool) -> None:
    """Copy a Snapshot into an AI Search index of Databricks. [default: WARRANT_DATABRICKS_INDEX]

    The index and its endpoint are made where there are none. Only passages that changed are written, and those that
    the Snapshot no longer has are removed. Interrupt at any time: the next run goes on from there.
    """
    settings = settings_with(index=index, databricks_index=name)
    if not settings.databricks_index:
        raise SettingsInvalid("Name an index, or set WARRANT_DATABRICKS_INDEX to catalog.schema.index.")
    from ..models.databricks import EXTRA, workspace

    signed_in = workspace()
    with needs(EXTRA):
        from ..index import ai_search_sync
    with Terminal(stderr=True).status("Signing in") as status:
        done = asyncio.run(
            ai_search_sync.sync(
                signed_in,
                settings.index,
                settings.databricks_index,
                endpoint,
                settings.databricks_seconds,
                status.update,
            )
        )
    if as_json:
        echo(json_text(asdict(done)))
        return
    counts = f"{done.written} passages written, {done.unchanged} unchanged, {done.removed} removed"
    echo(f"{settings.databricks_index} holds the Snapshot {done.snapshot}: {counts}.")
