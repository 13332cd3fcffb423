"""warrant audit: read, export and verify the audit log."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from ..audit import AuditRecord, read_anchor, read_records, verify_log
from ..errors import AuditUnavailable
from .options import settings_with
from .terminal import Terminal, echo, table_of

FILE = click.option(
    "--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="The log. [default: WARRANT_AUDIT]"
)


@click.group()
def audit() -> None:
    """The log of what was done and refused: keys, promotions, reloads, access."""


@audit.command()
@FILE
@click.option("--actor", help="Only what this caller or user did.")
@click.option("--act", help="Only this act, such as promote.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only since this day (UTC).")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, for another system.")
def show(file: Path | None, actor: str | None, act: str | None, since: datetime | None, as_json: bool) -> None:
    """Show the records, the oldest first."""
    wanted = [
        record
        for record in _records(_path(file))
        if (not actor or record.actor == actor)
        and (not act or record.act == act)
        and (not since or record.time >= since.strftime("%Y-%m-%d"))
    ]
    if as_json:
        for record in wanted:
            echo(json.dumps(asdict(record), ensure_ascii=False))
        return
    rows = (
        (each.number, each.time[:19], each.actor, each.act, each.target, each.outcome, _detail(each)) for each in wanted
    )
    Terminal().print(table_of(("no.", "time (UTC)", "actor", "act", "target", "outcome", "detail"), rows))


@audit.command()
@FILE
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file with the newest record's digest. [default: WARRANT_AUDIT_ANCHOR]",
)
def verify(file: Path | None, anchor: Path | None) -> None:
    """Check that no record was changed, removed or added; exit code 1 if one was."""
    path, settings = _path(file), settings_with()
    anchored = anchor or settings.audit_anchor
    try:
        problem = verify_log(path, read_anchor(anchored) if anchored else None)
    except (OSError, ValueError) as error:
        raise AuditUnavailable(f"The audit log {path} or its anchor cannot be read: {error}.") from error
    if problem:
        echo(f"Line {problem.line} of {path} {problem.problem}.", err=True)
        raise SystemExit(1)
    echo(f"{path} is whole{'' if anchored else '; without an anchor, removed final records cannot be detected'}.")


def _detail(record: AuditRecord) -> str:
    return ", ".join(f"{name}={value}" for name, value in record.detail.items())


def _path(file: Path | None) -> Path:
    return file or settings_with().audit_path


def _records(path: Path) -> Iterator[AuditRecord]:
    try:
        yield from read_records(path)
    except (OSError, ValueError, TypeError) as error:
        raise AuditUnavailable(f"The audit log {path} cannot be read: {error}. See `warrant audit verify`.") from error
