"""warrant release show: the effective Release, checked; or a version of it in the registry."""

from pathlib import Path

import click
import yaml

from .options import settle, takes
from .terminal import echo, json_text


@click.command()
@click.argument("version", required=False)
@takes("release", "registry", "model")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(version: str | None, release: Path | None, registry: str | None, model: str | None, as_json: bool) -> None:
    """Print the effective release: every field, whether given or by default, and its digest.

    With VERSION (12, v12 or an alias) print that version: where it stands, its evidence and its release.yaml.
    """
    if version is not None:
        if release:
            raise click.UsageError("Give a VERSION or a --release, not both.")
        from .versions import show_version

        show_version(version, registry, model, as_json)
        return
    if registry or model:
        raise click.UsageError("--registry and --model are for a VERSION; name one.")
    _, chosen = settle(None, release)
    if as_json:
        echo(json_text(chosen.model_dump(mode="json")))
        return
    echo(f"# {chosen.label}, sha256 {chosen.digest}")
    echo(yaml.safe_dump(chosen.model_dump(), sort_keys=False, allow_unicode=True, width=100), nl=False)
