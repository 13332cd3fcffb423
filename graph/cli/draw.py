"""warrant graph: the picture of the answering graph."""

from pathlib import Path

import click

from ..release_yaml import load_release
from ..settings import Settings
from .options import takes_settings
from .terminal import echo


@click.group()
def graph() -> None:
    """Draw the answering graph."""


@graph.command()
@takes_settings("release")
@click.option("--mermaid", type=click.Path(path_type=Path), help="Write Mermaid text here. [default: standard output]")
@click.option("--png", type=click.Path(path_type=Path), help="Write a picture here.")
def draw(settings: Settings, mermaid: Path | None, png: Path | None) -> None:
    """Draw the graph from its compiled form; dashed edges are conditional."""
    from ..drawing import drawing_of, mermaid_of, write_png

    drawing = drawing_of(load_release(settings.release))
    text = mermaid_of(drawing)
    if mermaid:
        mermaid.write_text(text, "utf-8")
    if png:
        write_png(drawing, png)
    if not mermaid and not png:
        echo(text, nl=False)
