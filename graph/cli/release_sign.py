"""warrant release sign: a person's evidence for a version, as a file to read and to promote by."""

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..callers import Permission
from ..errors import SourceInvalid
from ..files import write_whole
from ..identity import require
from ..registry import Version
from ..registry.promotion import check_logged
from ..registry.stages import number_of
from ..registry.warrant import Champion, Warrant, WarrantScore
from ..settings import Settings
from .options import takes_settings
from .registry import ONE_LINE, registry_session
from .terminal import echo

if TYPE_CHECKING:
    from ..registry.client import Registry


@click.command()
@click.argument("version")
@click.option("--dataset", type=click.Path(path_type=Path), required=True, help="The samples that were answered.")
@click.option(
    "--score",
    "scores",
    multiple=True,
    required=True,
    metavar="METRIC=VALUE:LOW:HIGH[:CHAMPION]",
    help="A metric with its 95 % interval, and what production has; repeatable.",
)
@click.option("--judge", type=ONE_LINE, required=True, help="Who judged the answers: a model or people.")
@click.option("--approver", type=ONE_LINE, help="Who answers for it. [default: the caller of WARRANT_KEY]")
@click.option("--ticket", "-t", type=ONE_LINE, required=True, help="The change request.")
@click.option("--out", type=click.Path(path_type=Path), help="A file to write. [default: standard output]")
@takes_settings("registry", "model")
def sign(
    version: str,
    dataset: Path,
    scores: tuple[str, ...],
    judge: str,
    approver: str | None,
    ticket: str,
    out: Path | None,
    settings: Settings,
) -> None:
    """Write a warrant for VERSION: the evidence that `warrant promote --warrant FILE` takes.

    It is good for that version alone, and names the version that is in production now. With WARRANT_KEYS the approver
    is the caller of WARRANT_KEY; with WARRANT_SIGNING_KEY it is signed.
    """
    identity = require(settings, Permission.APPROVE, "release sign", settings.registered_model)
    if identity.authenticated and approver not in (None, identity.name):
        raise click.UsageError(f"The approver is {identity.name}, the caller of WARRANT_KEY.")
    approver = identity.name if identity.authenticated else approver
    for name, words in (("--judge", judge), ("--approver", approver), ("--ticket", ticket)):
        if not words:
            raise click.UsageError(f"{name} must say something.")
    found, digest = _scores(scores), _digest(dataset)
    with registry_session(settings, identity) as (versions, _):
        from ..registry.signing import signed

        chosen = versions.version(number_of(version, versions.placement()))
        check_logged(chosen)
        champion = _champion(versions, chosen)
    warrant = Warrant(
        release=chosen.digest,
        dataset=digest,
        scores=found,
        verdict="pass",
        judge=judge,
        approver=approver or "",
        authenticated=tuple(identity.authenticated),
        ticket=ticket,
        champion=champion,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    warrant = signed(warrant, settings.signing_key)
    _write(warrant.text(), out)
    echo(f"A warrant for v{chosen.number} ({chosen.label}), sha256 {warrant.digest}", err=True)


def _champion(versions: "Registry", chosen: Version) -> Champion | None:
    """What is in production, unless it is the version itself, or was not logged by us."""
    number = versions.placement().production
    if number in (None, chosen.number):
        return None
    found = versions.version(number)
    return Champion(version=number, release=found.digest) if found.digest else None


def _scores(texts: tuple[str, ...]) -> dict[str, WarrantScore]:
    found = [_score(each) for each in texts]
    if len(dict(found)) < len(found):
        raise click.UsageError("A metric has one --score; one of them was given twice.")
    return dict(found)


def _score(text: str) -> tuple[str, WarrantScore]:
    """A metric and its score; raises UsageError unless its value lies in its interval."""
    name, _, rest = text.partition("=")
    try:
        value, low, high, *more = map(float, rest.split(":"))
    except ValueError:
        value = low = high = math.nan
        more = []
    if not (name.strip() and low <= value <= high and len(more) < 2 and all(map(math.isfinite, (low, high, *more)))):
        raise click.UsageError(
            f"A score looks like groundedness=0.91:0.88:0.94, its value between low and high; {text!r} does not."
        )
    return name.strip(), WarrantScore(value=value, low=low, high=high, champion=more[0] if more else None)


def _digest(dataset: Path) -> str:
    try:
        with dataset.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceInvalid(f"--dataset must be a file; {dataset} cannot be read: {error.strerror}.") from error


def _write(text: str, out: Path | None) -> None:
    if out is None:
        echo(text, nl=False)
        return
    try:
        write_whole(out, text)
    except OSError as error:
        raise SourceInvalid(f"{out} cannot be written: {error.strerror}.") from error
