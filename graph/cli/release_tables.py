"""How versions and transitions look: rows as JSON has them, and rich tables of these."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..registry import Version
from ..registry.stages import ARCHIVED, Placement
from ..registry.transitions import Transition, ever_placed
from ..registry.warrant import Warrant

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


def version_panel(row: Row, warrant: Warrant | None, metrics: dict[str, float]) -> Panel:
    """One version: where it stands, what it is made of, on what evidence."""
    facts = [(name, row[name]) for name in ("digest", "snapshot", "commit", "logged", "who") if row[name]]
    values = [("stage", row["stage"] or "none"), ("traffic", _traffic(row) or "-"), *facts]
    values += [("metrics", ", ".join(f"{name} {value:g}" for name, value in metrics.items()) or "none")]
    values += [("warrant", _evidence(warrant))]
    table = Table.grid(padding=(0, 2))
    for name, value in values:
        table.add_row(Text(name, style="dim"), Text(str(value)))
    return Panel(table, title=Text(f"v{row['version']} · {row['label']}"), title_align="left")


def _table(*headings: str) -> Table:
    table = Table(show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _traffic(row: Row) -> str:
    shares = (("split", row["split"]), ("shadow", row["shadow"]))
    return ", ".join(f"{name} {share:.3g}" for name, share in shares if share is not None)


def _evidence(warrant: Warrant | None) -> str:
    if warrant is None:
        return "none"
    scores = [f"{name} {each.value:g} ({each.low:g} to {each.high:g})" for name, each in warrant.scores.items()]
    found = ", ".join(scores) or warrant.reason
    author = f", promoted by {warrant.author}" if warrant.author else ""
    keys = f" (keys checked: {', '.join(warrant.authenticated)})" if warrant.authenticated else ""
    signature = "signed" if warrant.signature else "not signed"
    judged = f"judged by {warrant.judge}, approved by {warrant.approver}{author}{keys}, {warrant.ticket}, {signature}"
    return f"{warrant.verdict}: {found}; {judged}"


def _named(number: int | None, detail: str = "") -> str:
    return " ".join(each for each in (f"v{number}" if number else "", detail) if each)


def _minute(when: str) -> str:
    return when[:16].replace("T", " ")
