"""The registry as commands open it, and the options and messages that several of them share."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..audit import AuditLog
from ..errors import WarrantInvalid
from ..registry.promotion import TransitionResult
from ..registry.transitions import Actor
from ..registry.warrant import Warrant, read_warrant
from ..settings import Settings, bound_mlflow
from .options import Command, needs_mlflow, settings_with
from .terminal import Terminal, echo

if TYPE_CHECKING:
    from ..registry.client import Registry

LONGEST = 2000
"""Characters of what people say of a transition."""


class OneLine(click.ParamType[str]):
    """A line of text that fits into a tag."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        words = str(value).strip()
        if len(words) > LONGEST or re.search(r"[\x00-\x1f\x7f]", words):
            self.fail(f"one line of at most {LONGEST} characters is wanted.", param, ctx)
        return words


ONE_LINE = OneLine()


def note_options(ticket: str, note: str) -> Callable[[Command], Command]:
    """Give a command `--ticket` and an option for a person's words; the texts are their help."""

    def add(command: Command) -> Command:
        name, _, purpose = note.partition(" ")
        spoken = click.option(name, "note", type=ONE_LINE, default="", help=purpose)(command)
        return click.option("--ticket", "-t", type=ONE_LINE, default="", help=ticket)(spoken)

    return add


@contextmanager
def registry_session(registry: str | None, model: str | None) -> Iterator[tuple["Registry", Actor]]:
    """The registry, and who changes it; a terminal shows that MLflow is waited for."""
    settings = settings_with(registry=registry, registered_model=model)
    bound_mlflow()
    with Terminal(stderr=True).status("Asking MLflow"):
        with needs_mlflow():
            from ..registry.client import open_registry

        yield open_registry(settings.registry_uri, settings.registered_model), _actor(settings)


@contextmanager
def registry_change(registry: str | None, model: str | None) -> Iterator[tuple["Registry", Actor]]:
    """A session whose command is recorded in the audit log before it changes anything, and what came of it.

    Raises AuditUnavailable when it cannot be recorded, and then nothing is changed.
    """
    settings, context = settings_with(registry=registry, model=model), click.get_current_context()
    log, act = AuditLog.of(settings), str(context.info_name)
    given = {name: str(value) for name, value in context.params.items() if value}
    log.append(settings.who, act, settings.registered_model, "begun", **given)
    try:
        with registry_session(registry, model) as session:
            yield session
    except BaseException as error:
        log.append(settings.who, act, settings.registered_model, "failed", error=type(error).__name__)
        raise
    log.append(settings.who, act, settings.registered_model, "done")


def _actor(settings: Settings) -> Actor:
    """The person and the process that make a transition."""
    return Actor(settings.who, socket.gethostname(), os.getpid())


def warrant_file(path: Path | None) -> Warrant | None:
    """The warrant in a file; raises WarrantInvalid."""
    if path is None:
        return None
    try:
        return read_warrant(path.read_bytes(), str(path))
    except OSError as error:
        raise WarrantInvalid(f"{path} cannot be read: {error.strerror}.") from error


def echo_result(result: TransitionResult, done: str) -> None:
    """Say what is so now, and whether it was before."""
    echo(done if result.changed else f"{done} It was so already; nothing was changed.")
