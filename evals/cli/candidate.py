"""warrant eval candidate: a registered version against what is in production."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evals.api import HOME, ask_releases, compare, registry_of, write_report
from evals.cli import FILE, FOLDER, takes_repeats, takes_thresholds
from evals.cli.gate import show
from evals.dataset import read_dataset
from evals.gate.promotion import PromotionRequirements
from evals.gate.thresholds import read_thresholds
from evals.gate.verdict import Verdict
from evals.runner import registered
from evals.runs import EvalRun
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.registry import Version
from graph.registry.promotion import check_logged
from graph.registry.stages import number_of
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.registry.client import Registry


@dataclass(frozen=True)
class CandidatePair:
    """A registered version, and what is in production, if another version is."""

    registry: "Registry"
    candidate: Version
    champion: Version | None


@click.command()
@click.argument("version")
@click.option("--dataset", "-d", type=FILE, required=True, help="Samples, as JSON lines.")
@takes_thresholds
@click.option("--out", "-o", type=FOLDER, help="Where verdict and report are written.")
@click.option("--home", type=FOLDER, default=HOME, show_default=True)
@takes_repeats
@takes("registry", "model")
def candidate(
    version: str,
    dataset: Path,
    thresholds: Path,
    out: Path | None,
    home: Path,
    repeats: int,
    registry: str | None,
    model: str | None,
) -> None:
    """Ask VERSION (12, v12 or an alias) and what is in production every sample, and gate VERSION.

    Exit codes: 0 pass, 1 fail, 3 cannot tell, 2 wrong use. `warrant promote --verdict` takes the verdict.
    """
    required = PromotionRequirements(read_dataset(dataset), read_thresholds(thresholds))
    settings = settings_with(registry=registry, registered_model=model)
    verdict, run, champion = compare_pair(pair_of(settings, version), required, home, repeats)
    if out:
        echo(write_report(verdict, run, champion, out))
    sys.exit(verdict.code)


def pair_of(settings: Settings, version: str) -> CandidatePair:
    """The version that is named, and its champion; raises a RegistryError."""
    registry = registry_of(settings)
    places = registry.placement()
    chosen = registry.version(number_of(version, places))
    check_logged(chosen)
    alone = places.production in (None, chosen.number)
    return CandidatePair(registry, chosen, None if alone else registry.version(places.production or 0))


def compare_pair(
    pair: CandidatePair, required: PromotionRequirements, home: Path = HOME, repeats: int = 1
) -> tuple[Verdict, EvalRun, EvalRun | None]:
    """What the gate says, which is shown, and the runs of the version and its champion; asks what was not asked yet."""
    sides = [each for each in (pair.candidate, pair.champion) if each]
    packages = [registered(pair.registry, each.number, home / "packages") for each in sides]
    run, *other = ask_releases(packages, required.dataset, home, repeats=repeats)
    champion = other[0] if other else None
    verdict = compare(run, champion, required.thresholds, settings_with())
    show(verdict, Terminal(stderr=True))
    return verdict, run, champion
