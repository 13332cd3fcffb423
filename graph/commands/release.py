"""warrant release show: the effective Release, checked."""

from pathlib import Path

import click
import yaml

from .options import settle, takes


@click.command()
@takes("release")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(release: Path | None, as_json: bool) -> None:
    """Print the effective release: every field, whether given or by default, and its digest."""
    _, chosen = settle(None, release)
    if as_json:
        click.echo(chosen.model_dump_json(indent=1))
        return
    click.echo(f"# {chosen.label}, sha256 {chosen.digest}")
    click.echo(yaml.safe_dump(chosen.model_dump(), sort_keys=False, allow_unicode=True, width=100), nl=False)
