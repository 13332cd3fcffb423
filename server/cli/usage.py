"""warrant usage: what teams and callers have used, and what it cost."""

import csv
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from graph.cli.terminal import Terminal
from server.limits.usage import UsageStore
from server.settings import load_server_settings

COLUMNS = ("day", "team", "caller", "route", "model")
UNITS = ("requests", "tokens", "cost")

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Usage</title>
<style>
  body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
  table {{ border-collapse: collapse; width: 100% }}
  th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd }}
  td.number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;
    background: linear-gradient(to left, #bcd6f5 var(--share), transparent var(--share)) }}
</style>
<h1>Usage</h1>
<p>Until {until}{since}. Each bar is the share of its column's total.</p>
<table><thead><tr>{head}</tr></thead>
<tbody>{body}</tbody></table>
</html>
"""


@click.command()
@click.option("--by", type=click.Choice(COLUMNS), multiple=True, default=("team", "model"), help="Repeatable.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only since this day (UTC).")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, for a spreadsheet.")
@click.option("--page", type=click.Path(path_type=Path, dir_okay=False), help="Write a web page with bars.")
def usage(by: tuple[str, ...], since: datetime | None, as_csv: bool, page: Path | None) -> None:
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
    if page:
        page.write_text(html_page(by, sorted(rows), since), "utf-8")
        return
    table = Table(*by, "requests", "tokens", "cost, US$", show_edge=False)
    for entry in sorted(rows):
        table.add_row(*map(str, entry[: len(by)]), f"{entry[-3]:,}", f"{entry[-2]:,}", f"{entry[-1]:.4f}")
    Terminal().print(table)


def html_page(by: Sequence[str], rows: Sequence[Sequence[Any]], since: datetime | None) -> str:
    """A page that needs no other file: the rows, with a bar behind each number."""
    totals = [sum(row[len(by) + n] for row in rows) or 1 for n in range(len(UNITS))]
    forms = ("{:,}", "{:,}", "{:,.4f}")

    def line(row: Sequence[Any]) -> str:
        names = "".join(f"<td>{escape(str(name))}</td>" for name in row[: len(by)])
        numbers = zip(forms, row[len(by) :], totals, strict=True)
        return names + "".join(
            f'<td class="number" style="--share: {100 * value / total:.1f}%">{form.format(value)}</td>'
            for form, value, total in numbers
        )

    return PAGE.format(
        until=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        since=f", since {since:%Y-%m-%d}" if since else "",
        head="".join(f"<th>{name}</th>" for name in (*by, "requests", "tokens", "cost, US$")),
        body="".join(f"<tr>{line(row)}</tr>" for row in rows),
    )
