"""warrant snapshot: what a Snapshot holds and how it was made."""

import asyncio
import json
from pathlib import Path

import click

from ..errors import SourceInvalid
from .lean import lean_imports
from .options import settle, takes
from .terminal import echo


@click.group()
def snapshot() -> None:
    """Show what a Snapshot holds."""


@snapshot.command()
@takes("index")
def show(index: Path | None) -> None:
    """Print the manifest as JSON: digest, embedding, chunking, counts, columns and time."""
    from ..snapshot.manifest import read_manifest
    from ..snapshot.store import locate

    lean_imports()
    settings, _ = settle(index, None)
    directory = locate(settings.index)
    manifest = read_manifest(directory).model_dump(mode="json", exclude={"files"})
    echo(json.dumps({**manifest, "path": str(directory)}, indent=1))


@snapshot.command()
@click.argument("document")
@takes("index")
def text(document: str, index: Path | None) -> None:
    """Print a document's text as citations count its characters."""
    from ..snapshot.manifest import read_manifest
    from ..snapshot.rows import DocumentRow
    from ..snapshot.store import locate
    from ..snapshot.tables import Reader

    lean_imports()
    settings, _ = settle(index, None)
    directory = locate(settings.index)
    read_manifest(directory)

    async def find() -> DocumentRow | None:
        return await (await Reader.open(directory, approximate=False)).document(document)

    row = asyncio.run(find())
    if row is None:
        raise SourceInvalid(
            f"The Snapshot {directory} has no document {document!r}; `warrant search` shows their names."
        )
    echo(row.text, nl=False)
