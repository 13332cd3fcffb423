"""Prints text from outside on a terminal: documents, file names, questions and replies may hold commands to it."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Progress

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""What turns the direction of writing, so that a text reads otherwise than it is."""
UNSAFE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f{BIDI}\ud800-\udfff]")


def printable(text: str) -> str:
    """A text of the same length without control characters: ␛ for an escape, � for what has no picture."""
    return UNSAFE.sub(lambda found: _picture(found.group()), text)


def _picture(character: str) -> str:
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "�"


def json_text(value: Any, *, indent: int | None = 1) -> str:
    """A value as JSON that people can read, with control characters escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def echo(text: object, *, nl: bool = True, err: bool = False) -> None:
    """Print a text, whatever is in it."""
    click.echo(printable(str(text)), nl=nl, err=err)


class Terminal(Console):
    """A console on which no text is a command: only what rich itself writes is one."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def table_of(headings: Sequence[str], rows: Iterable[Sequence[object]] = (), **options: Any) -> Table:
    """A table without a frame; texts in it are never read as markup."""
    table = Table(show_edge=False, **options)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(each if isinstance(each, Text) else Text(str(each)) for each in row))
    return table


@contextmanager
def progress_bar(console: Console) -> Iterator["Progress"]:
    """A bar with what is done and how long the rest will take; gone when it ends."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        yield progress
