"""warrant split and warrant shadow: which versions answer beside production."""

import click

from ..registry.promotion import shadow as shadow_version
from ..registry.promotion import split as split_versions
from ..registry.trail import Why
from .opened import opened, says, told
from .options import takes

TICKET = "The change request, if there is one."


@click.command()
@click.argument("shares", nargs=-1, metavar="[VERSION=SHARE]...")
@click.option("--off", is_flag=True, help="Production answers all questions again.")
@says(TICKET, "--note Why.")
@takes("registry", "model")
def split(shares: tuple[str, ...], off: bool, ticket: str, note: str, registry: str | None, model: str | None) -> None:
    """Give shares of production's questions to other versions, such as v13=0.1; each needs a warrant.

    What is given takes the place of the split that there is.
    """
    if off == bool(shares):
        raise click.UsageError("Give shares such as v13=0.1, or --off.")
    wanted = [_share(each) for each in shares]
    if len(dict(wanted)) < len(wanted):
        raise click.UsageError("A version has one share; one of them was named twice.")
    with opened(registry, model) as (kept, mover):
        outcome = split_versions(kept, mover, dict(wanted), Why(ticket, note))
    said = ", ".join(f"v{number} {share:.3g}" for number, share in sorted(outcome.places.split.items()))
    told(outcome, f"Of production's questions go: {said}." if said else "Production answers all questions.")


@click.command()
@click.argument("version", required=False)
@click.option("--share", type=float, help="Of production's questions, above 0 and at most 1.")
@click.option("--off", is_flag=True, help="No version answers along.")
@says(TICKET, "--note Why.")
@takes("registry", "model")
def shadow(
    version: str | None,
    share: float | None,
    off: bool,
    ticket: str,
    note: str,
    registry: str | None,
    model: str | None,
) -> None:
    """Let VERSION answer a share of production's questions, which nobody sees; it needs no warrant."""
    if off == bool(version) or (version and share is None) or (off and share is not None):
        raise click.UsageError("Give a VERSION and its --share, or --off.")
    with opened(registry, model) as (kept, mover):
        outcome = shadow_version(kept, mover, version or "", share or 0.0, Why(ticket, note))
    there = outcome.places.shadow
    said = f"v{there[0]} answers {there[1]:.3g} of the questions along." if there else "No version answers along."
    told(outcome, said)


def _share(told: str) -> tuple[str, float]:
    name, _, share = told.partition("=")
    try:
        return name, float(share)
    except ValueError:
        raise click.UsageError(f"A share looks like v13=0.1; {told!r} does not.") from None
