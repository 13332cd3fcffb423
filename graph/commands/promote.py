"""warrant promote and warrant rollback: which version answers."""

from pathlib import Path
from typing import cast

import click

from ..registry import STAGES, Stage
from ..registry.promotion import Evidence, Outcome, Override, roll_back
from ..registry.promotion import promote as promote_version
from ..registry.stages import ARCHIVED, PRODUCTION
from ..registry.trail import Why
from .opened import WORDS, opened, says, told, warrant_file
from .options import takes


@click.command()
@click.argument("version")
@click.option(
    "--to", "stages", type=click.Choice(STAGES), required=True, multiple=True, help="The stage that it takes."
)
@says("The change request that allows it; production needs one.", "--note Why.")
@click.option("--warrant", "file", type=click.Path(path_type=Path), help="The evidence, as `release sign` writes it.")
@click.option("--override", type=WORDS, help="An emergency: the reason to do without evidence.")
@click.option("--approver", type=WORDS, help="Who answers for an override.")
@takes("registry", "model")
def promote(
    version: str,
    stages: tuple[str, ...],
    ticket: str,
    note: str,
    file: Path | None,
    override: str | None,
    approver: str | None,
    registry: str | None,
    model: str | None,
) -> None:
    """Let VERSION (12, v12 or an alias) take a stage; the version that had it is archived.

    Production takes a version only with a warrant: the one stored with it, or --warrant, which is stored then.
    """
    if len(stages) > 1:
        raise click.UsageError("A version has one stage; give --to once.")
    stage = cast(Stage, stages[0])
    if stage == PRODUCTION and not ticket:
        raise click.UsageError("Production needs a --ticket.")
    if stage != PRODUCTION and (file or override):
        raise click.UsageError(f"{stage.capitalize()} needs no evidence; --warrant and --override are for production.")
    evidence = Evidence(warrant_file(file), _override(override, approver, ticket))
    with opened(registry, model) as (kept, mover):
        outcome = promote_version(kept, mover, version, stage, Why(ticket, note), evidence)
    told(outcome, f"v{outcome.places.aliases.get(stage)} is in {stage}.{_archived(outcome)}")


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
        click.echo(f"{again} A rollback that was broken off is finished, and nothing more.")
    else:
        told(outcome, f"{again}{_archived(outcome)}")


def _override(reason: str | None, approver: str | None, ticket: str) -> Override | None:
    if reason is not None and not reason:
        raise click.UsageError("An --override needs a reason.")
    if reason is None:
        if approver:
            raise click.UsageError("--approver is for an --override; a warrant names its own.")
        return None
    if not approver:
        raise click.UsageError("An --override needs an --approver, who answers for it.")
    return Override(reason, approver, ticket)


def _archived(outcome: Outcome) -> str:
    before = outcome.move.before
    gone = outcome.changed and before and outcome.places.stage(before) in ("", ARCHIVED)
    return f" v{before} is archived." if gone else ""
