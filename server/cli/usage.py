"""warrant usage: what teams and callers have used, and what it cost."""

import csv
import sys
from collections import defaultdict
from datetime import datetime
from typing import Any

import click
from rich.table import Table

from graph.cli.terminal import Terminal
from server.limits.usage import UsageStore
from server.settings import load_server_settings

COLUMNS = ("day", "team", "caller", "route", "model")
UNITS = ("requests", "tokens", "cost")


@click.command()
@click.option("--by", type=click.Choice(COLUMNS), multiple=True, default=("team", "model"), help="Repeatable.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only since this day (UTC).")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, for a spreadsheet.")
def usage(by: tuple[str, ...], since: datetime | None, as_csv: bool) -> None:
    """Show requests, tokens and US dollars, by team and model or as you say."""
    settings = load_server_settings()
    store = UsageStore(settings.usage, settings.state)
    sums: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0] * len(UNITS))
    for row in store.used(since.strftime("%Y-%m-%d") if since else ""):
        key = tuple(str(row[name]) for name in by)
        sums[key] = [total + row[unit] for total, unit in zip(sums[key], UNITS, strict=True)]
    store.close()
    rows: list[list[Any]] = [[*key, int(total[0]), int(total[1]), round(total[2], 6)] for key, total in sums.items()]
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow([*by, *UNITS])
        writer.writerows(sorted(rows))
        return
    table = Table(*by, "requests", "tokens", "cost, US$", show_edge=False)
    for entry in sorted(rows):
        table.add_row(*map(str, entry[: len(by)]), f"{entry[-3]:,}", f"{entry[-2]:,}", f"{entry[-1]:.4f}")
    Terminal().print(table)
