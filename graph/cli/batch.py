"""warrant batch: a table of questions becomes a table of answers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ..settings import Settings
from .options import settings_with, takes
from .terminal import Terminal, echo, json_text

if TYPE_CHECKING:
    from ..agent import Agent
    from ..batch.local import Progress, Report


@click.command()
@click.option("--input", "source", required=True, metavar="TABLE", help="The Delta table of questions.")
@click.option("--output", "target", required=True, metavar="TABLE", help="The Delta table of answers.")
@click.option("--release", "-r", help="A release.yaml, or a version: 12, v12 or an alias. [default: WARRANT_RELEASE]")
@takes("index", "registry", "model")
@click.option("--engine", type=click.Choice(["local", "spark", "databricks"]), default="local", show_default=True)
@click.option("--id", "key", default="id", show_default=True, help="The column that tells rows apart.")
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(1, 1000), help="Questions at once.")
@click.option("--part", default=500, show_default=True, type=click.IntRange(1), help="The most rows of a commit.")
@click.option("--budget", default=10.0, show_default=True, help="US dollars that need no --yes.")
@click.option("--yes", is_flag=True, help="Go on, whatever the estimate says.")
@click.option("--retry-errors", is_flag=True, help="Ask rows again whose last outcome was an error.")
@click.option("--dry-run", is_flag=True, help="Print the estimate and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def batch(
    source: str,
    target: str,
    release: str | None,
    index: Path | None,
    registry: str | None,
    model: str | None,
    engine: str,
    key: str,
    at_once: int,
    part: int,
    budget: float,
    yes: bool,
    retry_errors: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Answer every question of a table, each exactly once; interrupt at any time: the next run goes on from there.

    The input has the columns `id` and `question`, and may have `filters`, `groups` and `history`.
    """
    from ..batch.local import Plan, run

    settings = settings_with(index=index, registry=registry, registered_model=model)
    plan = Plan.of(source, key, target, retry_errors)

    async def answer() -> "Progress | None":
        agent = await _agent(settings, release)
        try:
            forecast = plan.estimate(agent, settings.prices)
            echo(forecast.text(), err=True)
            if dry_run:
                return None
            forecast.check(budget, yes=yes)
            with bar() as report:
                return await run(plan, agent.graph.ainvoke, at_once, part, settings.prices, report)
        finally:
            agent.close()

    done = asyncio.run(answer())
    if done is None:
        return
    if as_json:
        echo(json_text({**asdict(done), "there_before": len(plan.done)}))
        return
    echo(f"{done.answered} answered, {done.failed} of them with an error; {len(plan.done)} were there before.")


async def _agent(settings: Settings, release: str | None) -> "Agent":
    """The agent of a release.yaml or of a registered version."""
    from ..agent import open_agent
    from ..registry.package import open_package
    from ..release_yaml import load_release

    if release is None or Path(release).suffix in (".yaml", ".yml"):
        return await open_agent(settings, load_release(Path(release) if release else settings.release))
    return await open_package(await asyncio.to_thread(fetched, settings, release))


def fetched(settings: Settings, name: str) -> Path:
    """The package of a registered version."""
    from ..registry.stages import number_of
    from .registry import registry_session

    with registry_session(settings.registry, settings.registered_model) as (versions, _):
        version = versions.version(number_of(name, versions.placement()))
        return versions.fetch(version, settings.state / "releases" / settings.registered_model)


@contextmanager
def bar() -> Iterator["Report"]:
    """Shows on a terminal how many rows are answered."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=Terminal(stderr=True), transient=True) as shown:
        task = shown.add_task("Answering", total=None)

        def report(progress: "Progress") -> None:
            failed = f", {progress.failed} errors" if progress.failed else ""
            told = f"Answering, {progress.at_once} at once{failed}"
            shown.update(task, total=progress.expected, completed=progress.answered, description=told)

        yield report
