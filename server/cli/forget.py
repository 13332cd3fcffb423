"""warrant forget: delete what the server has stored of a caller."""

import asyncio
import hashlib

import click
from pydantic import ValidationError

from graph.audit import AuditLog
from graph.callers import Caller, Permission
from graph.cli.terminal import echo
from graph.identity import require
from graph.settings import bound_mlflow, load_settings
from server.conversations import Conversations
from server.files import wipe_deleted
from server.limits.usage import UsageStore
from server.observability.answer_store import forget_questions
from server.observability.mlflow_traces import forget_traces
from server.settings import ServerSettings, load_server_settings


@click.command()
@click.option("--caller", required=True, help="The caller's name, such as ann, oidc:ann or proxy:ann@example.com.")
def forget(caller: str) -> None:
    """Delete a caller's conversations, questions, answers, feedback and traces, and its name from the usage.

    Revoke its key first. Repeating the command is safe. The audit log keeps its records, which hold no questions;
    this one names the caller by the SHA-256 of its name.
    """
    try:
        Caller(name=caller)
    except ValidationError:
        raise click.UsageError(f"{caller!r} is no caller's name.") from None
    settings, own = load_server_settings(), load_settings()
    log = AuditLog.of(own)
    target = f"sha256:{hashlib.sha256(caller.encode()).hexdigest()}"
    who = require(own, Permission.FORGET, "forget", target).name
    log.append(who, "forget", target, "begun")
    counts = _forget(settings, caller)
    log.append(who, "forget", target, "done", **counts)
    echo(", ".join(f"{count} {what}" for what, count in counts.items()) + " deleted.")


def _forget(settings: ServerSettings, caller: str) -> dict[str, int]:
    """How much was deleted, by kind; raises StateUnavailable or what MLflow raises, and may then be repeated."""
    usage = UsageStore(settings.usage, settings.state)
    counts = {
        "conversations": asyncio.run(_forget_conversations(settings, caller)),
        "questions": forget_questions(settings.state, caller),
        "rows of usage": usage.forget_caller(caller),
    }
    usage.close()
    if settings.usage is None:
        wipe_deleted(settings.state / "usage.sqlite")
    if settings.traces:
        bound_mlflow()
        counts["traces"] = forget_traces(settings, caller)
    return counts


async def _forget_conversations(settings: ServerSettings, caller: str) -> int:
    async with Conversations(settings) as conversations:
        found = await conversations.summaries(caller)
        for each in found:
            await conversations.delete(caller, each.session_id)
    if settings.sessions is None:
        await asyncio.to_thread(wipe_deleted, settings.state / "conversations.db")
    return len(found)
