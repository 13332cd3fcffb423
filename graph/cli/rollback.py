"""warrant rollback: the version before answers again."""

import click

from ..registry.promotion import TransitionResult, roll_back
from ..registry.stages import ARCHIVED
from ..registry.transitions import Reason
from ..settings import Settings
from .options import takes_settings
from .registry import echo_result, note_options, registry_change
from .terminal import echo


@click.command()
@note_options("The change request or incident, if there is one.", "--reason Why.")
@click.option("--from", "only_from", default="", help="Only if this version is in production; safe to repeat.")
@takes_settings("registry", "model")
def rollback(ticket: str, note: str, only_from: str, settings: Settings) -> None:
    """Return production to the previous release; repeat to go back further."""
    with registry_change(settings) as (versions, actor):
        result = roll_back(versions, actor, Reason(ticket, note), only_from)
    again = f"v{result.placement.production} is in production again."
    if not result.changed and result.transition.state == "under way":
        echo(f"{again} An interrupted rollback is finished, and nothing more was done.")
    else:
        echo_result(result, f"{again}{archived(result)}")


def archived(result: TransitionResult) -> str:
    """What a transition took out of production, if it did."""
    before = result.transition.before
    gone = result.changed and before and result.placement.stage(before) in ("", ARCHIVED)
    return f" v{before} is archived." if gone else ""
