"""warrant rollback, split and shadow: which version answers for production, and which beside it."""

import click

from ..registry.promotion import TransitionResult, roll_back
from ..registry.promotion import shadow as shadow_version
from ..registry.promotion import split as split_versions
from ..registry.stages import ARCHIVED
from ..registry.transitions import Reason
from ..settings import Settings
from .options import takes_settings
from .registry import echo_result, note_options, registry_change
from .terminal import echo

TICKET = "The change request, if there is one."


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


@click.command()
@click.argument("shares", nargs=-1, metavar="[VERSION=SHARE]...")
@click.option("--off", is_flag=True, help="Production answers all questions again.")
@note_options(TICKET, "--note Why.")
@takes_settings("registry", "model")
def split(shares: tuple[str, ...], off: bool, ticket: str, note: str, settings: Settings) -> None:
    """Give shares of production's questions to other versions, such as v13=0.1; each needs a warrant.

    What is given takes the place of the split that there is.
    """
    if off == bool(shares):
        raise click.UsageError("Give shares such as v13=0.1, or --off.")
    wanted = [_share(each) for each in shares]
    if len(dict(wanted)) < len(wanted):
        raise click.UsageError("A version has one share; one of them was named twice.")
    with registry_change(settings) as (versions, actor):
        result = split_versions(versions, actor, dict(wanted), Reason(ticket, note))
    shares_now = ", ".join(f"v{number} {share:.3g}" for number, share in sorted(result.placement.split.items()))
    echo_result(
        result, f"Of production's questions go: {shares_now}." if shares_now else "Production answers all questions."
    )


@click.command()
@click.argument("version", required=False)
@click.option("--share", type=float, help="Of production's questions, above 0 and at most 1.")
@click.option("--off", is_flag=True, help="Stop the shadow.")
@note_options(TICKET, "--note Why.")
@takes_settings("registry", "model")
def shadow(version: str | None, share: float | None, off: bool, ticket: str, note: str, settings: Settings) -> None:
    """Send a share of production's questions to VERSION too, and discard its answers; it needs no warrant."""
    if off == bool(version) or (version and share is None) or (off and share is not None):
        raise click.UsageError("Give a VERSION and its --share, or --off.")
    with registry_change(settings) as (versions, actor):
        result = shadow_version(versions, actor, version or "", share or 0.0, Reason(ticket, note))
    there = result.placement.shadow
    text = f"v{there[0]} answers {there[1]:.3g} of the questions too." if there else "There is no shadow."
    echo_result(result, text)


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise click.UsageError(f"A share looks like v13=0.1; {text!r} does not.") from None
