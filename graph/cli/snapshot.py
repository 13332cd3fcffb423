"""warrant snapshot: what a Snapshot holds and how it was made."""

import asyncio
import json
from pathlib import Path

import click

from ..errors import SourceInvalid
from ..settings import Settings
from .options import takes_settings
from .terminal import echo


@click.group()
def snapshot() -> None:
    """Show what a Snapshot holds."""


@snapshot.command()
@takes_settings("index")
def show(settings: Settings) -> None:
    """Print the manifest as JSON: digest, embedding, chunking, counts, columns and time."""
    from ..index.manifest import read_manifest
    from ..index.store import lease

    with lease(settings.index) as held:
        manifest = read_manifest(held.directory).model_dump(mode="json", exclude={"files"})
    echo(json.dumps({**manifest, "path": str(held.directory)}, indent=1))


@snapshot.command()
@click.argument("document")
@takes_settings("index")
def text(document: str, settings: Settings) -> None:
    """Print a document's text as citations count its characters."""
    from ..index.manifest import read_manifest
    from ..index.rows import DocumentRow
    from ..index.store import lease
    from ..index.tables import Reader

    async def find(directory: Path) -> DocumentRow | None:
        return await (await Reader.open(directory, approximate=False)).document(document)

    with lease(settings.index) as held:
        read_manifest(held.directory)
        row = asyncio.run(find(held.directory))
    if row is None:
        raise SourceInvalid(
            f"The Snapshot {held.directory} has no document {document!r}; `warrant search` shows their names."
        )
    echo(row.text, nl=False)
