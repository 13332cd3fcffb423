"""warrant release log and pack: the release and its Snapshot become a version of an MLflow model, or a directory."""

import json
import shutil
from pathlib import Path

import click

from ..callers import Permission
from ..errors import SourceInvalid
from ..identity import require
from ..registry.package import Packed, pack
from ..release_yaml import load_release
from ..settings import Settings, bound_mlflow
from .options import needs_mlflow, takes, takes_settings
from .terminal import Terminal, echo


@click.command()
@takes_settings("index", "release", "registry", "model")
@click.option("--question", "-q", "questions", multiple=True, help="The input example, and what a cross-check asks.")
@click.option("--cross-check", is_flag=True, help="Answer the questions before and after, and compare.")
@click.option("--external", is_flag=True, help="Point to the Snapshot where it lies instead of taking it along.")
@click.option("--agent", "as_agent", is_flag=True, help="Register a ResponsesAgent of it too, as MODEL-agent.")
@click.option("--metrics", type=click.Path(path_type=Path), help="A JSON object of metrics to put beside it.")
@click.option(
    "--dataset", "datasets", multiple=True, type=click.Path(path_type=Path), help="What they were measured on."
)
@click.option("--again", is_flag=True, help="Make a new version even if one is the same.")
def log(
    settings: Settings,
    questions: tuple[str, ...],
    cross_check: bool,
    external: bool,
    as_agent: bool,
    metrics: Path | None,
    datasets: tuple[Path, ...],
    again: bool,
) -> None:
    """Log the release with its code and Snapshot, and register it as the next version of the model.

    Prints the version's number. A version identical to an existing one is not logged again.
    """
    chosen = load_release(settings.release)
    bound_mlflow()
    with needs_mlflow():
        from ..registry.log_model import RunMetadata
        from ..registry.log_release import LogOptions, log_release

    who = require(settings, Permission.LOG_RELEASE, "release log", settings.registered_model).name
    metadata = RunMetadata(who, _metrics(metrics), _existing(datasets))
    options = LogOptions(questions, cross_check, external, as_agent, again, metadata)
    console, name = Terminal(stderr=True), settings.registered_model
    with console.status("Importing MLflow") as status:
        made = log_release(chosen, settings.index, settings.registry_uri, name, options, status.update)
    if not made.new:
        console.print(f"{name} v{made.number} is the same: code, release and Snapshot. --again makes another version.")
    else:
        checked = f"; {made.checked} questions answered alike before and after" if made.checked else ""
        console.print(f"{name} v{made.number}: {chosen.label} over the Snapshot {made.snapshot}{checked}")
    if made.agent:
        console.print(f"{name}-agent v{made.agent} is a ResponsesAgent of it.")
    echo(made.number)


@click.command("pack")
@takes_settings("index", "release")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="A directory to make."
)
@click.option("--external", is_flag=True, help="Point to the Snapshot where it lies instead of taking it along.")
@takes("json")
def pack_release(settings: Settings, out: Path, external: bool, as_json: bool) -> None:
    """Put code, release and Snapshot together as `release log` does, and log nothing. Prints the package's digest."""
    chosen = load_release(settings.release)
    if out.exists():
        raise SourceInvalid(f"--out must not be there yet, and {out} is. Remove it, or name another directory.")
    unfinished = out.with_name(f"{out.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    packed = pack(unfinished, chosen, settings.index, external=external)
    unfinished.replace(out)
    echo(json.dumps(_as_dict(packed)) if as_json else packed.digest)


def _metrics(path: Path | None) -> dict[str, float]:
    """The metrics of a file; raises SourceInvalid when they are not numbers by name."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(name): float(value) for name, value in found.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SourceInvalid(f"--metrics must be a JSON object of numbers; {path} is not: {error}.") from error


def _existing(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        raise SourceInvalid(f"--dataset must be a file; there is none at {missing}.")
    return paths


def _as_dict(packed: Packed) -> dict[str, str]:
    """What a package is, for programs."""
    return {
        "label": packed.release.label,
        "digest": packed.digest,
        "snapshot": packed.manifest.id,
        "code": packed.code,
        "commit": packed.commit,
    }
