"""warrant rollback: the version before answers again."""

import click

from ..registry.promotion import Outcome, roll_back
from ..registry.stages import ARCHIVED
from ..registry.trail import Why
from .opened import opened, says, told
from .options import takes
from .terminal import echo


@click.command()
@says("The change request or incident, if there is one.", "--reason Why.")
@click.option("--from", "only_from", default="", help="Only if this version is in production; safe to repeat.")
@takes("registry", "model")
def rollback(ticket: str, note: str, only_from: str, registry: str | None, model: str | None) -> None:
    """Put the release before back into production; again: the one before that."""
    with opened(registry, model) as (kept, mover):
        outcome = roll_back(kept, mover, Why(ticket, note), only_from)
    again = f"v{outcome.places.production} is in production again."
    if not outcome.changed and outcome.move.state == "under way":
        echo(f"{again} A rollback that was broken off is finished, and nothing more.")
    else:
        told(outcome, f"{again}{archived(outcome)}")


def archived(outcome: Outcome) -> str:
    """What a move took out of production, if it did."""
    before = outcome.move.before
    gone = outcome.changed and before and outcome.places.stage(before) in ("", ARCHIVED)
    return f" v{before} is archived." if gone else ""
