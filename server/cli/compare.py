"""warrant release compare: two versions on live questions."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from graph.cli.terminal import Terminal, echo
from graph.errors import SourceInvalid
from server.observability.outcomes import (
    OutcomeComparison,
    OutcomeEstimate,
    Outcomes,
    compare,
    read_outcomes,
    read_pairs,
)
from server.sensitive import StoredTexts
from server.settings import load_server_settings


@click.command("compare")
@click.argument("first")
@click.argument("second")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=7.0, help="How far back. [default: 7]")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The server's state directory. [default: WARRANT_STATE]",
)
@click.option("--shadow", is_flag=True, help="SECOND answered in the shadow of FIRST: compare on the same questions.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def compare_versions(first: str, second: str, days: float, state: Path | None, shadow: bool, as_json: bool) -> None:
    """Compare two versions on live questions: declined, failed, rung, feedback and latency, with 95 % intervals."""
    settings = load_server_settings(state=state)
    since = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    names = first.removeprefix("v"), second.removeprefix("v")
    pairs = read_pairs(settings.state, *names, since, StoredTexts(settings).read) if shadow else None
    one, other = (pairs.live, pairs.shadow) if pairs else (read_outcomes(settings.state, n, since) for n in names)
    for outcomes in (one, other):
        if not outcomes.statuses:
            raise SourceInvalid(
                f"v{outcomes.version} answered no question within {days:g} days, according to {settings.state}."
            )
    found = compare(one, other)
    if as_json:
        report = {"questions": _counts(one, other), "metrics": [asdict(each) for each in found]}
        echo(json.dumps({**report, **({"same text": asdict(pairs.alike)} if pairs else {})}, indent=1))
        return
    Terminal().print(_table(one, other, found))
    if pairs:
        Terminal().print(f"The same text: {_format(pairs.alike, '%')}")


def _counts(one: Outcomes, other: Outcomes) -> dict[str, int]:
    return {f"v{each.version}": len(each.statuses) for each in (one, other)}


def _table(one: Outcomes, other: Outcomes, found: list[OutcomeComparison]) -> Table:
    table = Table(title=" · ".join(f"{name}: {count} questions" for name, count in _counts(one, other).items()))
    for heading in ("", f"v{one.version}", f"v{other.version}", "difference"):
        table.add_column(heading, justify="left" if not heading else "right")
    for each in found:
        cells = [_format(estimate, each.unit) for estimate in (each.first, each.second)]
        table.add_row(each.metric, *cells, _format(each.difference, each.unit, sign="+"), style=_style(each.difference))
    return table


def _style(difference: OutcomeEstimate) -> str:
    """Bold where the interval excludes zero."""
    low, high = difference.low, difference.high
    return "bold" if low is not None and high is not None and (low > 0 or high < 0) else ""


def _format(estimate: OutcomeEstimate, unit: str, sign: str = "") -> str:
    if estimate.value is None:
        return "-"
    template = f"{{:{sign}.{1 if unit == '%' else 0}f}}"
    whole = f"{template.format(estimate.value)} {unit}"
    if estimate.low is None or estimate.high is None:
        return whole
    return f"{whole} ({template.format(estimate.low)} to {template.format(estimate.high)})"
