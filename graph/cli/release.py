"""warrant release show, list, history, diff and approved: what a release file and the registry say."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from rich.table import Table
from rich.text import Text

from ..errors import PackageBroken, PromotionRefused
from ..registry import Version
from ..registry.package import dotted
from ..registry.stages import ARCHIVED, Placement, number_of
from ..registry.transitions import Transition, ever_placed
from ..registry.write_ahead import recover
from ..settings import Settings
from .options import settings_and_release, settings_with, takes, takes_settings
from .registry import registry_session
from .terminal import Terminal, echo, json_text, table_of

if TYPE_CHECKING:
    from ..registry.client import Registry

Row = dict[str, Any]
COLOURS = {"production": "green", "staging": "yellow", "archived": "dim"}
SHORT = 12
"""Characters of a digest that are shown."""
SHORTER, DAY = 8, 10
"""The same where many stand side by side, and characters of a date."""
APPROVED = "approved"
MADE_OF = ("release", "snapshot", "code", "commit", "digest")
"""Tags of a version, without their prefix."""


@click.command()
@click.argument("version", required=False)
@takes("release", "registry", "model", "json")
def show(version: str | None, release: Path | None, registry: str | None, model: str | None, as_json: bool) -> None:
    """Print the effective release: every field, whether given or by default, and its digest.

    With VERSION (12, v12 or an alias) print that version: where it stands, its evidence and its release.yaml.
    """
    if version is not None:
        if release:
            raise click.UsageError("Give a VERSION or a --release, not both.")
        _show_version(version, settings_with(registry=registry, registered_model=model), as_json)
        return
    if registry or model:
        raise click.UsageError("--registry and --model are for a VERSION; name one.")
    _, chosen = settings_and_release(None, release)
    if as_json:
        echo(json_text(chosen.model_dump(mode="json")))
        return
    echo(f"# {chosen.label}, sha256 {chosen.digest}")
    echo(yaml.safe_dump(chosen.model_dump(), sort_keys=False, allow_unicode=True, width=100), nl=False)


@click.command("list")
@takes_settings("registry", "model")
@takes("json")
def list_versions(settings: Settings, as_json: bool) -> None:
    """List the versions, newest first: the stage of each, its share of the traffic, and whether it has a warrant."""
    with registry_session(settings) as (versions, actor):
        transitions = recover(versions, actor).transitions
        rows = version_rows(versions.versions(), versions.placement(), transitions)
    _print(rows, list_table(rows), as_json)


@click.command()
@takes_settings("registry", "model")
@takes("json")
def history(settings: Settings, as_json: bool) -> None:
    """List every transition, oldest first: who, when, from where to where, by which ticket and evidence."""
    with registry_session(settings) as (versions, actor):
        rows = [transition_row(each) for each in recover(versions, actor).transitions]
    _print(rows, history_table(rows), as_json)


@click.command()
@click.argument("first")
@click.argument("second")
@takes_settings("registry", "model")
@takes("json")
def diff(first: str, second: str, settings: Settings, as_json: bool) -> None:
    """Compare two versions (12, v12 or an alias): configuration, prompts, Snapshot and metrics."""
    with registry_session(settings) as (versions, _):
        numbers = [number_of(name, versions.placement()) for name in (first, second)]
        one, other = (_contents(versions, number) for number in numbers)
    if as_json:
        names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
        different = {name: [one.get(name), other.get(name)] for name in names}
        echo(json_text({"versions": numbers, "differences": different}))
        return
    before, after = (f"v{number}" for number in numbers)
    lines = unified_diff([*_lines(one)], [*_lines(other)], before, after, n=0, lineterm="")
    echo("\n".join(lines) or "No difference.")


@click.command()
@click.argument("version")
@click.option("--tag", default="approval", show_default=True, help="The tag of the version that a person sets.")
@takes_settings("registry", "model")
def approved(version: str, tag: str, settings: Settings) -> None:
    """Fail unless VERSION (12, v12 or an alias) has a tag that says `approved`, in any case.

    Whoever may set tags of the model may approve. In Unity Catalog a deployment job names its tag after its task.
    """
    with registry_session(settings) as (versions, _):
        chosen = versions.version(number_of(version, versions.placement()))
    value = chosen.tags.get(tag, "")
    if value.strip().casefold() != APPROVED:
        why = f"its tag {tag!r} says {value!r}" if value else f"it has no tag {tag!r}"
        raise PromotionRefused(
            f"v{chosen.number} is not approved: {why}. Set the tag to `{APPROVED}`, and run this again."
        )
    echo(f"v{chosen.number} is approved.")


def _show_version(name: str, settings: Settings, as_json: bool) -> None:
    """Print what one version is made of, where it stands and on what evidence."""
    with registry_session(settings) as (versions, actor):
        number = number_of(name, versions.placement())
        transitions = recover(versions, actor).transitions
        version = versions.version(number)
        row = version_rows([version], versions.placement(), transitions)[0]
        warrant = versions.warrant(version)
        params, metrics = versions.measured(number)
        configuration = _configuration(versions, version)
    evidence = warrant.model_dump(mode="json") if warrant else None
    if as_json:
        release = _fields(version, configuration) if configuration else None
        echo(json_text({**row, "params": params, "metrics": metrics, "release": release, "evidence": evidence}))
        return
    echo(yaml.safe_dump({**row, "metrics": metrics, "evidence": evidence}, sort_keys=False, allow_unicode=True))
    echo((configuration or "# It was not logged by `warrant release log`: there is no release.yaml.").rstrip())


def _contents(versions: "Registry", number: int) -> dict[str, Any]:
    """Everything that a version is made of, and its metrics, by dotted names; raises PackageBroken."""
    version = versions.version(number)
    made_of = {name: version.tags.get(f"warrant.{name}", "") for name in MADE_OF}
    release = _fields(version, versions.configuration(number))
    return dotted({"version": made_of, **release, "metrics": versions.measured(number)[1]})


def _lines(contents: dict[str, Any]) -> Iterator[str]:
    for name, value in contents.items():
        yield from (f"{name}: {line}" for line in str(value).splitlines())


def _fields(version: Version, configuration: str) -> dict[str, Any]:
    """Read a version's release.yaml, of whatever code it was; raises PackageBroken."""
    try:
        fields = yaml.safe_load(configuration)
    except yaml.YAMLError:
        fields = None
    if not isinstance(fields, dict):
        raise PackageBroken(f"The release.yaml of v{version.number} is not a mapping of fields in YAML.")
    return fields


def _configuration(versions: "Registry", version: Version) -> str | None:
    try:
        return versions.configuration(version.number)
    except PackageBroken:
        return None


def _print(rows: list[dict[str, Any]], table: Table | Text, as_json: bool) -> None:
    if as_json:
        echo(json_text(rows))
        return
    Terminal().print(table)


def version_rows(versions: Sequence[Version], placement: Placement, transitions: Sequence[Transition]) -> list[Row]:
    """Versions with where they stand; a version that had a stage once and has none is archived."""
    once, split, shadow = ever_placed(transitions), placement.split, placement.shadow
    return [
        {
            "version": each.number,
            "stage": placement.stage(each.number) or (ARCHIVED if each.number in once else None),
            "aliases": sorted(name for name, number in placement.aliases.items() if number == each.number),
            "split": split.get(each.number),
            "shadow": shadow[1] if shadow and shadow[0] == each.number else None,
            "warrant": each.tags.get("warrant.warrant") or None,
            "label": each.label,
            "digest": each.digest,
            "snapshot": each.tags.get("warrant.snapshot", ""),
            "commit": each.tags.get("warrant.commit", ""),
            "who": each.tags.get("warrant.who", ""),
            "logged": datetime.fromtimestamp(each.made / 1000, UTC).isoformat(timespec="seconds"),
        }
        for each in versions
    ]


def list_table(rows: list[Row]) -> Table | Text:
    """The versions as a table."""
    if not rows:
        return Text("The model has no version yet; `warrant release log` makes one.")
    table = table_of(("version", "stage", "traffic", "release", "snapshot", "warrant", "logged"), map(_cells, rows))
    for column in table.columns:
        column.no_wrap = column.header != "release"
    return table


def _cells(row: Row) -> list[str | Text]:
    stage = Text(row["stage"] or "", style=COLOURS.get(row["stage"] or "", ""))
    rest = [row["label"], row["snapshot"][:SHORTER], (row["warrant"] or "none")[:SHORTER], row["logged"][:DAY]]
    return [f"v{row['version']}", stage, _traffic(row), *rest]


def transition_row(transition: Transition) -> Row:
    """A transition as people read it."""
    return {
        "when": transition.when.isoformat(timespec="seconds"),
        "who": transition.actor.who,
        "action": transition.action,
        "stage": transition.stage,
        "from": transition.before,
        "to": transition.version,
        "detail": transition.detail,
        "ticket": transition.reason.ticket,
        "note": transition.reason.note,
        "evidence": transition.reason.evidence,
        "state": transition.state,
    }


def history_table(rows: list[Row]) -> Table | Text:
    """The transitions as a table; what was withdrawn is dim."""
    if not rows:
        return Text("No version has been moved yet.")
    table = table_of(("when", "who", "what", "from", "to", "ticket", "evidence", "note"))
    for row in rows:
        state = "" if row["state"] == "done" else f" ({row['state']})"
        what = f"{row['action']} to {row['stage']}" if row["action"] == "promote" else row["action"]
        cells = [_minute(row["when"]), row["who"], what + state, _named(row["from"]), _named(row["to"], row["detail"])]
        cells += [row["ticket"], row["evidence"][:SHORT], row["note"]]
        table.add_row(*map(Text, cells), style="dim" if state else "")
    return table


def _traffic(row: Row) -> str:
    shares = (("split", row["split"]), ("shadow", row["shadow"]))
    return ", ".join(f"{name} {share:.3g}" for name, share in shares if share is not None)


def _named(number: int | None, detail: str = "") -> str:
    return " ".join(each for each in (f"v{number}" if number else "", detail) if each)


def _minute(when: str) -> str:
    return when[:16].replace("T", " ")
