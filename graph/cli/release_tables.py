"""How versions and transitions look: rows as JSON has them, and rich tables of these."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from ..registry import Version
from ..registry.stages import ARCHIVED, Placement
from ..registry.transitions import Transition, ever_placed

Row = dict[str, Any]
COLOURS = {"production": "green", "staging": "yellow", "archived": "dim"}
SHORT = 12
"""Characters of a digest that are shown."""
SHORTER, DAY = 8, 10
"""The same where many stand side by side, and characters of a date."""


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
    table = _table("version", "stage", "traffic", "release", "snapshot", "warrant", "logged")
    for row in rows:
        stage = Text(row["stage"] or "", style=COLOURS.get(row["stage"] or "", ""))
        rest = (row["label"], row["snapshot"][:SHORTER], (row["warrant"] or "none")[:SHORTER], row["logged"][:DAY])
        table.add_row(f"v{row['version']}", stage, Text(_traffic(row)), *map(Text, rest))
    for column in table.columns:
        column.no_wrap = column.header != "release"
    return table


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
    table = _table("when", "who", "what", "from", "to", "ticket", "evidence", "note")
    for row in rows:
        state = "" if row["state"] == "done" else f" ({row['state']})"
        what = f"{row['action']} to {row['stage']}" if row["action"] == "promote" else row["action"]
        cells = [_minute(row["when"]), row["who"], what + state, _named(row["from"]), _named(row["to"], row["detail"])]
        cells += [row["ticket"], row["evidence"][:SHORT], row["note"]]
        table.add_row(*map(Text, cells), style="dim" if state else "")
    return table


def _table(*headings: str) -> Table:
    table = Table(show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _traffic(row: Row) -> str:
    shares = (("split", row["split"]), ("shadow", row["shadow"]))
    return ", ".join(f"{name} {share:.3g}" for name, share in shares if share is not None)


def _named(number: int | None, detail: str = "") -> str:
    return " ".join(each for each in (f"v{number}" if number else "", detail) if each)


def _minute(when: str) -> str:
    return when[:16].replace("T", " ")
