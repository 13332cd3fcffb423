"""What several commands take: the Snapshot, the Release, the filter, the groups."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from ..errors import ExtraMissing
from ..filters import ColumnType, parse_option
from ..release import Release
from ..release_yaml import load_release
from ..settings import Settings, load_settings, quiet_libraries

Command = TypeVar("Command", bound=Callable[..., Any])
SPARK = "The engine spark needs PySpark: run it on a cluster, or pip install pyspark."

DECORATORS = {
    "index": click.option(
        "--index", "-i", "index", type=click.Path(path_type=Path), help="The Snapshot, or the store it is in."
    ),
    "release": click.option("--release", "-r", type=click.Path(path_type=Path), help="A release.yaml."),
    "filter": click.option(
        "--filter",
        "-f",
        "filters",
        multiple=True,
        help="region=EU, region=EU,US, effective_date>=2025-01-01; repeatable.",
    ),
    "registry": click.option("--registry", help="MLflow's tracking URI. [default: a SQLite file under .warrant]"),
    "model": click.option("--model", "-m", help="The registered model. [default: warrant]"),
    "group": click.option("--group", "-g", "groups", multiple=True, help="An access group of the caller; repeatable."),
    "json": click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
}
SETTINGS = {"index": "index", "release": "release", "registry": "registry", "model": "registered_model"}
"""The options that take the place of a setting."""


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command the named options."""
    return lambda command: reduce(lambda inner, name: DECORATORS[name](inner), reversed(names), command)


def takes_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command options that take the place of settings; it is called with `settings` instead of their values."""

    def add(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> Any:
            settings = settings_with(**{SETTINGS[name]: given.pop(name) for name in names})
            return command(settings=settings, **given)

        return takes(*names)(cast(Command, run))

    return add


def settings_and_release(index: Path | None, release: Path | None) -> tuple[Settings, Release]:
    """The settings with what the command line says in place of the environment's, and the Release."""
    settings = settings_with(index=index, release=release)
    return settings, load_release(settings.release)


def settings_with(**options: object) -> Settings:
    """The settings with what the command line says in place of the environment's; raises SettingsInvalid."""
    quiet_libraries()
    return load_settings(**{name: value for name, value in options.items() if value})


@contextmanager
def needs(message: str) -> Iterator[None]:
    """Around an import; raises ExtraMissing with the message when what is imported is not installed."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing(message) from error


@contextmanager
def needs_mlflow() -> Iterator[None]:
    """Around the import of what needs MLflow; raises ExtraMissing when it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mlflow", "packaging", "langchain"):
            raise
        raise ExtraMissing("Releases are kept by MLflow; pip install 'warrant-rag[serve]'.") from error


def filter_of(options: tuple[str, ...], columns: Mapping[str, ColumnType]) -> dict[str, Any]:
    """One filter that asks for all that the options ask for."""
    parts = [parse_option(option, columns) for option in options]
    return {"and": parts} if len(parts) > 1 else (parts[0] if parts else {})
