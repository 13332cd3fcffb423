"""warrant release list, trail, diff and the part of show that shows a version: what the registry says."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from ..errors import PackageBroken
from ..registry import Version
from ..registry.comparing import Differences, Made, differences, fields_of, made_of
from ..registry.moving import settle
from ..registry.stages import number_of
from .opened import opened
from .options import takes
from .tables import difference_tables, list_table, listed, told_move, trail_table, version_panel
from .terminal import Terminal, echo, json_text

if TYPE_CHECKING:
    from ..registry.client import Registry

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.command("list")
@takes("registry", "model")
@AS_JSON
def list_versions(registry: str | None, model: str | None, as_json: bool) -> None:
    """List the versions, newest first: the stage of each, its share of the traffic, and whether it has a warrant."""
    with opened(registry, model) as (kept, mover):
        trail = settle(kept, mover).trail
        rows = listed(kept.versions(), kept.places(), trail)
    _print(rows, list_table(rows), as_json)


@click.command()
@takes("registry", "model")
@AS_JSON
def trail(registry: str | None, model: str | None, as_json: bool) -> None:
    """List every move, oldest first: who, when, from where to where, by which ticket and evidence."""
    with opened(registry, model) as (kept, mover):
        rows = [told_move(move) for move in settle(kept, mover).trail]
    _print(rows, trail_table(rows), as_json)


@click.command()
@click.argument("first")
@click.argument("second")
@takes("registry", "model")
@AS_JSON
def diff(first: str, second: str, registry: str | None, model: str | None, as_json: bool) -> None:
    """Compare two versions (12, v12 or an alias): configuration, prompts, Snapshot and metrics."""
    with opened(registry, model) as (kept, _):
        one, other = (_made(kept, name) for name in (first, second))
    found = differences(one, other)
    if as_json:
        echo(json_text(_told(one, other, found)))
        return
    for part in difference_tables(one, other, found):
        Terminal().print(part)


def show_version(told: str, registry: str | None, model: str | None, as_json: bool) -> None:
    """Print what one version is made of, where it stands and on what evidence."""
    with opened(registry, model) as (kept, mover):
        number = number_of(told, kept.places())
        trail = settle(kept, mover).trail
        version = kept.version(number)
        row = listed([version], kept.places(), trail)[0]
        warrant = kept.warrant(version)
        params, metrics = kept.measured(number)
        configuration = _configuration(kept, version)
    if as_json:
        proof = warrant.model_dump() if warrant else None
        release = fields_of(version, configuration) if configuration else None
        known = {"params": params, "metrics": metrics, "release": release, "evidence": proof}
        echo(json_text({**row, **known}))
        return
    Terminal().print(version_panel(row, warrant, metrics))
    echo((configuration or "# It was not logged by `warrant release log`: there is no release.yaml.").rstrip())


def _made(kept: "Registry", told: str) -> Made:
    number = number_of(told, kept.places())
    return made_of(kept.version(number), kept.configuration(number), kept.measured(number)[1])


def _configuration(kept: "Registry", version: Version) -> str | None:
    try:
        return kept.configuration(version.number)
    except PackageBroken:
        return None


def _told(one: Made, other: Made, found: Differences) -> dict[str, Any]:
    pairs = {part: [pair._asdict() for pair in getattr(found, part)] for part in ("facts", "configuration", "metrics")}
    return {"versions": [one.version.number, other.version.number], **pairs, "prompts": asdict(found)["prompts"]}


def _print(rows: list[dict[str, Any]], table: Table | Text, as_json: bool) -> None:
    if as_json:
        echo(json_text(rows))
        return
    Terminal().print(table)
