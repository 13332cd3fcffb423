"""warrant eval ci: what a change does to the answers, as a check of a pull request."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from evals.api import ask_releases, compare, write_report
from evals.cli import FOLDER, takes_repeats
from evals.cli.gate import show
from evals.dataset import Dataset, read_dataset
from evals.documents import check_dataset, read_documents
from evals.errors import RevisionInvalid
from evals.gate.thresholds import DEFAULT, Thresholds, read_thresholds
from evals.gate.verdict import Verdict
from evals.metrics.catalog import figure
from evals.revisions import ReleaseRecipe, Revision, build, changed, check_untracked, export, file_of, git, inside
from evals.runs import EvalRun, PackagedRelease
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal
from graph.registry.package import snapshot_of

INSIDE = click.Path(path_type=Path)
CODE, NEW_SAMPLES = Path("evals"), "new-samples"
Gated = tuple[Verdict, EvalRun, EvalRun]
"""A verdict, and the runs of the release and the champion."""


@dataclass(frozen=True)
class RevisionPair:
    """The base, which is the champion, and the head that is to take its place."""

    base: Revision
    head: Revision

    def base_file(self, path: Path, what: str) -> Path:
        """A file of the base, or the head's where the base has none; raises RevisionInvalid when neither has one."""
        if found := file_of(self.base, path) or file_of(self.head, path):
            return found
        raise RevisionInvalid(f"Neither {self.base.name} nor {self.head.name} has {what} {path}. Is it committed?")

    def check_release(self, recipe: ReleaseRecipe) -> None:
        """Raises RevisionInvalid when a release is named that neither has."""
        if recipe.release:
            self.base_file(recipe.release, "the release")


@click.command()
@click.option("--base", required=True, help="The revision that stands: the champion.")
@click.option("--head", default="HEAD", show_default=True, help="The revision that is to take its place.")
@click.option("--dataset", "-d", type=INSIDE, required=True, help="The samples, a path in both revisions.")
@click.option("--release", "-r", type=INSIDE, help="The release.yaml in each revision. [default: Warrant's own]")
@click.option("--documents", "-D", type=INSIDE, multiple=True, help="What each revision indexes; repeatable.")
@click.option(
    "--index", "-i", type=click.Path(path_type=Path, exists=True), help="A Snapshot for both, in their place."
)
@click.option("--thresholds", "-t", type=INSIDE, help="What to reach, a path in both. [default: Warrant's own]")
@click.option("--allow-evals-change", is_flag=True, help="Let the head change evals, dataset or thresholds.")
@click.option("--out", "-o", type=FOLDER, help="Where verdict and report are written.")
@click.option("--home", type=FOLDER, help="Where answers are kept for the next time. [default: nowhere]")
@takes_repeats
def ci(
    base: str,
    head: str,
    dataset: Path,
    release: Path | None,
    documents: tuple[Path, ...],
    index: Path | None,
    thresholds: Path | None,
    allow_evals_change: bool,
    out: Path | None,
    home: Path | None,
    repeats: int,
) -> None:
    """Compare what two git revisions would release, on the same questions, and gate the head.

    Each revision's documents are indexed, and its questions answered, by its own code. What judges them is the base's:
    the code of the evaluation where the repository has it, the dataset and the thresholds. Samples that are new in the
    head are asked too and reported apart. A head that changes any of these fails without --allow-evals-change. With
    --home, what was asked before is not asked again. Exit codes: 0 pass, 1 fail, 3 cannot tell, 2 wrong use.
    """
    repository = Path(git(Path.cwd(), "rev-parse", "--show-toplevel"))
    home = _checked(repository, home)
    dataset = inside(repository, dataset)
    release, thresholds = (path and inside(repository, path) for path in (release, thresholds))
    pair = RevisionPair(export(repository, base, home), export(repository, head, home))
    recipe = ReleaseRecipe(release, tuple(inside(repository, path) for path in documents), index and index.resolve())
    _leave_to_other_evaluator(pair.base, home)
    pair.check_release(recipe)
    samples = read_dataset(pair.base_file(dataset, "the dataset"))
    limits = read_thresholds(pair.base_file(thresholds, "the thresholds") if thresholds else DEFAULT)
    settings = settings_with()
    judging = [CODE, dataset, *([thresholds] if thresholds else []), *_beside(repository, settings.evals, index)]
    altered = changed(repository, pair.base, pair.head, judging)

    packages = [_built(each, recipe, home) for each in (pair.head, pair.base)]
    new = _new_samples(pair.head, dataset, samples, packages[0])

    def gated(asked: Dataset) -> Gated:
        run, champion = ask_releases(packages, asked, home / "runs", repeats=repeats)
        return compare(run, champion, limits, settings), run, champion

    apart = gated(new) if new.samples else None
    notes = (*_note_of_changes(pair, altered), *(_note_of_new(apart[0], limits) if apart else ()))
    verdict, run, champion = gated(samples)
    if altered and not allow_evals_change:
        verdict = _refused(verdict)
    _tell((verdict, run, champion), apart, notes, out)
    sys.exit(verdict.code)


def _checked(repository: Path, home: Path | None) -> Path:
    """A folder outside of the checkout, whose files are the head's; without one, for as long as the command runs."""
    if home is None:
        home = Path(click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="warrant-ci-")))
    check_untracked(repository, home)
    return home


def _beside(repository: Path, *paths: Path | None) -> list[Path]:
    """Of what is read from this directory, `.env` too, all that a revision can bring along."""
    found = [path.resolve() for path in (Path(".env"), *paths) if path]
    return [inside(repository, path) for path in found if path.is_relative_to(repository.resolve())]


def _tell(found: Gated, apart: Gated | None, notes: tuple[str, ...], out: Path | None) -> None:
    """Print the notes and the verdict, and write the reports."""
    console = Terminal(stderr=True)
    for note in notes:
        console.print(note, style="yellow", highlight=False, markup=False)
    show(found[0], Terminal())
    if out:
        console.print(f"The report is {write_report(*found, out, notes)}")
    if out and apart:
        write_report(*apart, out / NEW_SAMPLES)


def _leave_to_other_evaluator(base: Revision, home: Path) -> None:
    """Let the evaluation code of a revision go on, and end with its exit code, unless that is what runs here."""
    own = Path(__file__).resolve()
    there = (base.tree / "warrant.py").is_file() and (base.tree / CODE / "cli" / own.name).is_file()
    if there and not own.is_relative_to(base.tree):
        sys.exit(subprocess.run([*base.command, *sys.argv[1:], "--home", home]).returncode)


def _built(revision: Revision, recipe: ReleaseRecipe, home: Path) -> PackagedRelease:
    with Terminal(stderr=True).status(f"Making the release of {revision.name}"):
        return build(revision, recipe, home)


def _new_samples(head: Revision, path: Path, known: Dataset, package: PackagedRelease) -> Dataset:
    """The head's samples that the base does not have so; raises DatasetInvalid when its dataset does not fit."""
    name = f"{known.name}-new"
    if not (found := file_of(head, path)):
        return Dataset(name, ())
    check_dataset(found, asyncio.run(read_documents(snapshot_of(package.root))))
    there = {sample.canonical for sample in known.samples}
    return Dataset(name, tuple(sample for sample in read_dataset(found).samples if sample.canonical not in there))


def _note_of_changes(pair: RevisionPair, altered: Sequence[str]) -> Iterator[str]:
    if altered:
        yield (
            f"This change alters how releases are judged: {', '.join(altered)}. "
            f"Evaluator, dataset and thresholds of {pair.base.name} judged both revisions."
        )


def _note_of_new(verdict: Verdict, limits: Thresholds) -> Iterator[str]:
    asked = {threshold.metric for threshold in limits.threshold}
    means = ", ".join(
        f"{each.metric} {figure(each.mean.value, each.metric)} "
        f"(base {figure(each.champion.value if each.champion else None, each.metric)})"
        for each in verdict.measures
        if each.metric in asked and not each.slice and each.mean
    )
    yield f"{verdict.samples} samples are new or changed in the head; they decide nothing: {means}."


def _refused(verdict: Verdict) -> Verdict:
    why = "The change alters how releases are judged; somebody has to allow that with --allow-evals-change."
    return verdict.model_copy(update={"says": "fail", "why": (why, *verdict.why)})
