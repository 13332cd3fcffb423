"""warrant release pack: what `release log` would log, as a directory."""

import json
import shutil
from pathlib import Path

import click

from ..errors import SourceInvalid
from ..registry.packing import Packed, pack
from .options import settle, takes
from .terminal import echo


@click.command("pack")
@takes("index", "release")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="A directory to make."
)
@click.option("--external", is_flag=True, help="Point to the Snapshot where it lies instead of taking it along.")
@click.option("--json", "as_json", is_flag=True, help="Print what it is, as JSON.")
def pack_release(index: Path | None, release: Path | None, out: Path, external: bool, as_json: bool) -> None:
    """Put code, release and Snapshot together as `release log` does, and log nothing. Prints the package's digest."""
    settings, chosen = settle(index, release)
    if out.exists():
        raise SourceInvalid(f"--out must not be there yet, and {out} is. Remove it, or name another directory.")
    unfinished = out.with_name(f"{out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    found = pack(unfinished, chosen, settings.index, external=external)
    unfinished.replace(out)
    echo(json.dumps(told(found)) if as_json else found.digest)


def told(packed: Packed) -> dict[str, str]:
    """What a package is, for programs."""
    return {
        "label": packed.release.label,
        "digest": packed.digest,
        "snapshot": packed.manifest.id,
        "code": packed.code,
        "commit": packed.commit,
    }
