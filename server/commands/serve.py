"""warrant serve: the graph over HTTP."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from graph.cli.terminal import Terminal
from graph.settings import load_settings, quiet_libraries
from server.callers import load_callers
from server.private import write_privately
from server.serving import serve_forever
from server.settings import ServerSettings, hand_on, load_server_settings, share_metrics

PAGES = {
    "/": "ask in a browser",
    "/rag/playground/": "LangServe's playground",
    "/docs": "every route",
    "/rag": "RemoteRunnable",
    "/v1": "OpenAI clients",
    "/mcp": "MCP clients",
    "/metrics": "Prometheus",
}


@click.command()
@click.option("--index", "-i", type=click.Path(path_type=Path), help="The Snapshot, or the store it is in.")
@click.option("--release", "-r", type=click.Path(path_type=Path), help="A release.yaml.")
@click.option("--registry", help="MLflow's tracking URI: serve what the model's aliases name.")
@click.option("--model", help="The registered model to follow. [default: warrant]")
@click.option("--host", help="Where to listen. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one. [default: 8100]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes. [default: 1]")
def serve(**told: Any) -> None:
    """Serve the graph over HTTP: LangServe, OpenAI and MCP clients, and a page to ask on."""
    quiet_libraries()
    write_privately()
    settings = load_server_settings(**{name: told[name] for name in told if name not in ("index", "release")})
    hand_on(told)
    load_settings()
    load_callers(settings)
    share_metrics(settings)
    serve_forever(settings, announce)


def announce(settings: ServerSettings, port: int) -> None:
    """Say where the pages are."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    table = Table(title=f"Warrant on http://{host}:{port}", title_justify="left", show_header=False, show_edge=False)
    for path, purpose in PAGES.items():
        table.add_row(f"http://{host}:{port}{path}", purpose)
    console = Terminal(stderr=True)
    console.print(table)
