"""warrant keys: create, list, rotate and revoke the keys of callers."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from graph.audit import AuditLog
from graph.callers import Caller, Role
from graph.cli.terminal import Terminal, echo
from graph.errors import SettingsInvalid
from graph.keys import KeyedCaller, change_keys, new_key, read_keys
from graph.settings import load_settings
from server.settings import load_server_settings

DURATION = re.compile(r"(\d{1,5})([dh])")
FILE = click.option(
    "--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="The key file. [default: WARRANT_KEYS]"
)
NAME = click.argument("name")


class Expiry(click.ParamType[datetime]):
    """When a key expires: `90d`, `12h`, or a day."""

    name = "expiry"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if found := DURATION.fullmatch(value):
            hours = int(found[1]) * (24 if found[2] == "d" else 1)
            return (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{value!r} is no duration such as 90d or 12h, and no day such as 2027-01-31.", param, ctx)
        if day <= datetime.now(UTC):
            self.fail(f"{value} is past: the key would be refused from the start.", param, ctx)
        return day


@click.group()
def keys() -> None:
    """The keys of callers. A running server follows the file: what is changed counts at once."""


@keys.command()
@NAME
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    default=("app_team",),
    help="Repeatable.",
)
@click.option("--team", default="", help="The team that its usage is counted for.")
@click.option("--group", "-g", "groups", multiple=True, help="An access group of documents; repeatable.")
@click.option("--expires", type=Expiry(), help="90d, 12h or 2027-01-31. [default: never]")
@FILE
def create(
    name: str, roles: tuple[str, ...], team: str, groups: tuple[str, ...], expires: datetime | None, file: Path | None
) -> None:
    """Create a caller and print its key, which is stored nowhere."""
    path = _path(file)
    if path.exists() and any(one.name == name for one in read_keys(path)):
        raise SettingsInvalid(f"{path} has {name} already; `warrant keys rotate {name}` gives it a new key.")
    caller = Caller(name=name, roles=frozenset(map(Role, roles)), team=team, groups=list(groups))
    key, added = new_key(caller, expires)
    _record("create", caller)
    change_keys(path, name, added)
    echo(key)


@keys.command()
@NAME
@click.option("--expires", type=Expiry(), help="90d, 12h or 2027-01-31. [default: never]")
@FILE
def rotate(name: str, expires: datetime | None, file: Path | None) -> None:
    """Give a caller a new key and print it; the one before is refused from now on."""
    path = _path(file)
    before = _found(path, name)
    key, added = new_key(before.caller, expires)
    _record("rotate", before)
    change_keys(path, name, added)
    echo(key)


@keys.command()
@NAME
@FILE
def revoke(name: str, file: Path | None) -> None:
    """Remove a caller: its key is refused from now on."""
    path = _path(file)
    before = _found(path, name)
    _record("revoke", before)
    change_keys(path, name, None)
    echo(f"{name} is revoked.", err=True)


@keys.command("list")
@FILE
def list_keys(file: Path | None) -> None:
    """List the callers, without their keys."""
    table = Table("caller", "roles", "team", "groups", "expires", show_edge=False)
    for one in read_keys(_path(file)):
        until = f"{one.expires:%Y-%m-%d %H:%M} UTC{' (expired)' if one.expired else ''}" if one.expires else "never"
        table.add_row(one.name, ", ".join(sorted(one.roles)), one.team, ", ".join(one.groups), until)
    Terminal().print(table)


def _found(path: Path, name: str) -> KeyedCaller:
    """The caller of a name; raises SettingsInvalid."""
    found = next((one for one in read_keys(path) if one.name == name), None)
    if found is None:
        raise SettingsInvalid(f"{path} has no caller {name}.")
    return found


def _record(act: str, caller: Caller) -> None:
    """Record a change before it is made; raises AuditUnavailable, and then nothing is changed."""
    settings = load_settings()
    detail = {"roles": sorted(caller.roles), "team": caller.team, "groups": caller.groups}
    log = AuditLog.of(settings)
    log.append(settings.who, f"keys {act}", caller.name, "allowed", **{k: v for k, v in detail.items() if v})


def _path(file: Path | None) -> Path:
    found = file or load_server_settings().keys
    if found is None:
        raise SettingsInvalid("Name the key file: --file, or WARRANT_KEYS.")
    return found
