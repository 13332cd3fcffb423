"""warrant eval ci: what a change does to the answers, as a check of a pull request."""

import sys
from pathlib import Path

import click
from rich.console import Console

from evals.cli.gate import show
from evals.cli.steps import AT_ONCE, HOME, ask_release, compare, write_comparison
from evals.dataset import Dataset, read_dataset
from evals.errors import RevisionInvalid
from evals.gate.thresholds import DEFAULT, Thresholds, read_thresholds
from evals.revisions import ReleaseRecipe, Revision, build, export, file_of, git
from evals.runs import EvalRun
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal

INSIDE = click.Path(path_type=Path)


@click.command()
@click.option("--base", required=True, help="The revision that stands: the champion.")
@click.option("--head", default="HEAD", show_default=True, help="The revision that is to take its place.")
@click.option("--dataset", "-d", type=INSIDE, required=True, help="The samples, as the head has them.")
@click.option("--release", "-r", type=INSIDE, help="The release.yaml in each revision. [default: Warrant's own]")
@click.option("--documents", "-D", type=INSIDE, multiple=True, help="What each revision indexes; repeatable.")
@click.option(
    "--index", "-i", type=click.Path(path_type=Path, exists=True), help="A Snapshot for both, in their place."
)
@click.option("--thresholds", "-t", type=INSIDE, help="What to reach, as the base has it. [default: Warrant's own]")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), help="Where verdict and report are written."
)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), default=HOME / "ci", show_default=True)
@click.option("--at-once", type=click.IntRange(1, 64), default=AT_ONCE, show_default=True)
@click.option("--repeats", type=click.IntRange(1, 20), default=1, show_default=True, help="How often each is asked.")
def ci(
    base: str,
    head: str,
    dataset: Path,
    release: Path | None,
    documents: tuple[Path, ...],
    index: Path | None,
    thresholds: Path | None,
    out: Path | None,
    home: Path,
    at_once: int,
    repeats: int,
) -> None:
    """Compare what two git revisions would release, on the same questions, and gate the head.

    Each revision's documents are indexed, and its questions answered, by its own code. No secret is needed where its
    release needs none. The thresholds are the base's, so that a change cannot lower its own bar. What was asked before
    is not asked again. Exit codes: 0 pass, 1 fail, 3 cannot tell, 2 wrong use.
    """
    settings, console = settings_with(), Terminal(stderr=True)
    recipe = ReleaseRecipe(release, documents, index.resolve() if index else None)
    repository = Path(git(Path.cwd(), "rev-parse", "--show-toplevel"))
    champion, candidate = (export(repository, ref, home) for ref in (base, head))
    samples, limits = _dataset(candidate, dataset), _thresholds(champion, candidate, thresholds, console)
    runs = [_ask(each, recipe, samples, home, at_once, repeats, console) for each in (candidate, champion)]
    found = compare(runs[0], runs[1], limits, settings, console)
    show(found.verdict, Terminal())
    if out:
        console.print(f"The report is {write_comparison(found, out, settings)}")
    sys.exit(found.verdict.code)


def _ask(
    revision: Revision,
    recipe: ReleaseRecipe,
    samples: Dataset,
    home: Path,
    at_once: int,
    repeats: int,
    console: Console,
) -> EvalRun:
    with console.status(f"Making the release of {revision.ref} ({revision.commit[:12]})"):
        package = build(revision, recipe, home)
    return ask_release(package, samples, home / "runs", console, at_once, repeats=repeats)


def _dataset(head: Revision, path: Path) -> Dataset:
    found = path if path.is_absolute() else file_of(head, path)
    if found is None:
        raise RevisionInvalid(f"{head.ref} ({head.commit[:12]}) has no dataset {path}. Is it committed?")
    return read_dataset(found)


def _thresholds(base: Revision, head: Revision, path: Path | None, console: Console) -> Thresholds:
    """The base's; the head's where the base has none yet, which is said."""
    if path is None or path.is_absolute():
        return read_thresholds(path or DEFAULT)
    found, proposed = file_of(base, path), file_of(head, path)
    if found is None and proposed is None:
        raise RevisionInvalid(f"Neither {base.ref} nor {head.ref} has thresholds {path}.")
    if found is None or (proposed and proposed.read_bytes() != found.read_bytes()):
        whose = "are the head's: the base has none" if found is None else "are the base's; the head changes them"
        console.print(f"The thresholds {path} {whose}.", style="yellow")
    return read_thresholds(found or proposed or path)
