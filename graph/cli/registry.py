"""The registry as commands open it, and the options and messages that several of them share."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..audit import AuditLog
from ..callers import Permission
from ..identity import Identity, require
from ..registry.promotion import TransitionResult
from ..registry.transitions import Actor, State, Transition
from ..settings import Settings, bound_mlflow
from .options import Command, needs_mlflow
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
def registry_session(settings: Settings, identity: Identity | None = None) -> Iterator[tuple["Registry", Actor]]:
    """The registry, and who uses it; a terminal shows that MLflow is waited for."""
    bound_mlflow()
    with Terminal(stderr=True).status("Asking MLflow"):
        with needs_mlflow():
            from ..registry.client import open_registry
            from ..registry.signing import signature_check
            from ..registry.warrant import WarrantRules

        who, log = identity.name if identity else settings.who, AuditLog.of(settings)
        opened = open_registry(settings.registry_uri, settings.registered_model)
        opened.is_signed, opened.rules = signature_check(settings.signers), WarrantRules.of(settings)
        opened.on_end = lambda transition, state: _record(log, settings, who, transition, state)
        yield opened, Actor(who, socket.gethostname(), os.getpid())


@contextmanager
def registry_change(settings: Settings) -> Iterator[tuple["Registry", Actor]]:
    """A session that needs the permission to promote, and is recorded in the audit log before it changes anything.

    Each transition that it ends is recorded too. Raises AccessRefused, or AuditUnavailable when it cannot be recorded,
    and then nothing is changed.
    """
    context = click.get_current_context()
    log, act, target = AuditLog.of(settings), str(context.info_name), settings.registered_model
    identity = require(settings, Permission.PROMOTE, act, target)
    given = {name: str(value) for name, value in context.params.items() if value and name != "registry"}
    log.append(identity.name, act, target, "begun", known_by=identity.by, **given)
    try:
        with registry_session(settings, identity) as session:
            yield session
    except BaseException as error:
        log.append(identity.name, act, target, "failed", error=type(error).__name__)
        raise
    log.append(identity.name, act, target, "done")
    if not identity.authenticated:
        echo(f"Done as {identity.name}, unchecked: WARRANT_KEYS names no key file.", err=True)


def _record(log: AuditLog, settings: Settings, who: str, transition: Transition, state: State) -> None:
    """Record a transition in the audit log: who made it, and who ended it, perhaps after a crash."""
    detail = {
        "made_by": transition.actor.who,
        "stage": transition.stage,
        "from": transition.before,
        "to": transition.version,
        "id": transition.id,
        "detail": transition.detail,
        **asdict(transition.reason),
    }
    kept = {name: str(value) for name, value in detail.items() if value}
    log.append(who, f"transition {transition.action}", settings.registered_model, state, **kept)


def echo_result(result: TransitionResult, done: str) -> None:
    """Say what is so now, and whether it was before."""
    echo(done if result.changed else f"{done} It was so already; nothing was changed.")
