"""warrant serve: the HTTP server."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from graph.cli.terminal import Terminal
from graph.registry.address import shown
from graph.settings import REGISTRY, load_settings, quiet_libraries
from server.auth.authentication import Authenticator
from server.files import set_private_umask
from server.serving import serve_forever
from server.settings import ServerSettings, export_settings, load_server_settings, share_metrics

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
@click.option("--index", "-i", type=click.Path(path_type=Path), help="The index directory, or one Snapshot.")
@click.option("--release", "-r", type=click.Path(path_type=Path), help="A release.yaml.")
@click.option("--registry", help="MLflow's tracking URI: serve what the model's aliases name.")
@click.option("--model", "registered_model", help="The registered model to follow. [default: warrant]")
@click.option("--host", help="The address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 picks a free one. [default: 8100]")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes. [default: 1]")
def serve(**options: Any) -> None:
    """Serve the graph over HTTP: LangServe, OpenAI and MCP clients, and a page to ask on."""
    quiet_libraries()
    set_private_umask()
    registry = options["registry"] or load_server_settings().registry
    if options["index"] and registry:
        raise click.UsageError(f"--index and the registry {shown(registry)} name two things to serve: leave one out.")
    settings = load_server_settings(**{name: options[name] for name in options if name not in ("index", "release")})
    export_settings(options)
    load_settings()
    Authenticator(settings)
    share_metrics(settings)
    serve_forever(settings, announce)


def announce(settings: ServerSettings, port: int) -> None:
    """Print the addresses, and that a registry which is there is not followed."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    table = Table(title=f"Warrant on http://{host}:{port}", title_justify="left", show_header=False, show_edge=False)
    for path, purpose in PAGES.items():
        table.add_row(f"http://{host}:{port}{path}", purpose)
    console = Terminal(stderr=True)
    console.print(table)
    if settings.registry is None and REGISTRY.exists():
        console.print(f"Answers from the index. For what is in production: --registry sqlite:///{REGISTRY.resolve()}")
