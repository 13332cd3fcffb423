"""warrant batch: a table of questions becomes a table of answers."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from ..batch.estimate import estimate
from ..identity import roles
from ..release_yaml import load_release
from ..safety.sensitive import policy_of
from ..settings import Settings
from .options import SPARK, needs, takes, takes_settings
from .terminal import Terminal, echo, json_text, progress_bar

if TYPE_CHECKING:
    from ..batch.columns import AnswerRows
    from ..batch.progress import BatchProgress, Report
    from ..release import Release

Agreed = Callable[[int, "Release"], bool]
"""Whether so many questions may be put to a release."""


@click.command()
@click.option("--input", "source", required=True, metavar="TABLE", help="The Delta table of questions.")
@click.option("--output", "target", required=True, metavar="TABLE", help="The Delta table of answers.")
@click.option("--release", "-r", help="A release.yaml, or a version: 12, v12 or an alias. [default: WARRANT_RELEASE]")
@takes_settings("index", "registry", "model")
@click.option("--engine", type=click.Choice(["local", "spark", "databricks"]), default="local", show_default=True)
@click.option("--master", help="Spark's master, such as spark://HOST:7077. [default: that of the cluster]")
@click.option("--endpoint", default="", help="The serving endpoint that `databricks` asks.")
@click.option("--warehouse", default="", help="The id of the SQL warehouse that it runs on.")
@click.option("--id", "key", default="id", show_default=True, help="The column that tells rows apart.")
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(1, 1000), help="Questions at once.")
@click.option(
    "--commit-rows", default=500, show_default=True, type=click.IntRange(1), help="The most rows of a commit."
)
@click.option("--budget", default=10.0, show_default=True, help="US dollars that need no --yes.")
@click.option("--yes", is_flag=True, help="Go on, whatever the estimate says.")
@click.option("--retry-errors", is_flag=True, help="Ask rows again whose last outcome was an error.")
@click.option("--dry-run", is_flag=True, help="Print the estimate, on Databricks the SQL too, and ask nothing.")
@takes("json")
def batch(
    source: str,
    target: str,
    release: str | None,
    settings: Settings,
    engine: str,
    master: str | None,
    endpoint: str,
    warehouse: str,
    key: str,
    at_once: int,
    commit_rows: int,
    budget: float,
    yes: bool,
    retry_errors: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Answer every question of a table, each exactly once; interrupt at any time: the next run goes on from there.

    The input has the columns `id` and `question`, and may have `filters`, `groups` and `history`.
    """
    options = BatchOptions(settings, source, target, key, release, at_once, commit_rows, retry_errors)

    def agreed(rows: int, asked: "Release") -> bool:
        """Print the estimate; whether to go on. Raises BudgetExceeded."""
        forecast = estimate(rows, asked, settings.prices)
        echo(forecast.text(), err=True)
        if not dry_run:
            forecast.check(budget, yes=yes)
        return not dry_run

    if engine == "spark":
        done = _on_spark(options, master, agreed)
    elif engine == "databricks":
        done = _on_databricks(options, endpoint, warehouse, agreed)
    else:
        done = asyncio.run(_here(options, agreed))
    if done and as_json:
        echo(json_text(asdict(done)))
    elif done:
        echo(f"{done.answered} answered, {done.failed} of them with an error.")


@dataclass(frozen=True)
class BatchOptions:
    """What is asked, by which release, and how."""

    settings: Settings
    source: str
    target: str
    key: str
    release: str | None
    at_once: int
    commit_rows: int
    retry_errors: bool

    @property
    def version(self) -> str | None:
        """The registered version that is named; None: a release.yaml is meant."""
        return None if self.release is None or Path(self.release).suffix in (".yaml", ".yml") else self.release

    def read_release(self) -> "Release":
        """The release.yaml that is meant."""
        return load_release(Path(self.release) if self.release else self.settings.release)

    def rows(self) -> "AnswerRows":
        """Answers as a server would show them to the caller of WARRANT_KEY."""
        from ..batch.columns import AnswerRows

        return AnswerRows(dict(self.settings.prices), policy_of(roles(self.settings), self.settings.sensitive))


async def _here(options: BatchOptions, agreed: Agreed) -> "BatchProgress | None":
    from ..agent import open_agent
    from ..batch.local import BatchPlan, run
    from ..registry.package import open_package

    plan = BatchPlan.of(options.source, options.key, options.target, options.retry_errors)
    if options.version:
        package = await asyncio.to_thread(fetched, options.settings, options.version)
        agent = await open_package(package, package.name)
    else:
        agent = await open_agent(options.settings, options.read_release())
    try:
        if not agreed(plan.count, agent.release):
            return None
        with bar() as report:
            return await run(plan, agent.graph.ainvoke, options.at_once, options.commit_rows, options.rows(), report)
    finally:
        agent.close()


def _on_spark(options: BatchOptions, master: str | None, agreed: Agreed) -> "BatchProgress | None":
    from ..registry.package import RELEASE, pack, part

    if options.retry_errors:
        raise click.UsageError("The engine spark takes no --retry-errors; use the engine local.")
    with needs(SPARK):
        from ..batch import spark
    with TemporaryDirectory() as folder:
        if options.version:
            package = fetched(options.settings, options.version)
        else:
            package = pack(Path(folder), options.read_release(), options.settings.index, external=False).root
        plan = spark.SparkPlan.of(spark.session(master), options.source, options.key, options.target)
        if not agreed(plan.count, load_release(part(package, RELEASE))):
            return None
        with bar() as report:
            return plan.run(package, options.at_once, options.commit_rows, options.rows(), report)


def _on_databricks(options: BatchOptions, endpoint: str, warehouse: str, agreed: Agreed) -> "BatchProgress | None":
    from ..batch.ai_query import Job, Warehouse
    from ..models.databricks import workspace

    if not endpoint or not warehouse or options.retry_errors or options.version:
        raise click.UsageError("The engine databricks takes --endpoint and --warehouse; no version, no --retry-errors.")
    runs = Warehouse(workspace(), warehouse)
    job = Job(options.source, options.key, options.target, endpoint, options.settings.prices)
    count = job.count(runs)
    if not agreed(count, options.read_release()):
        echo(job.merge(0, ceil(count / options.commit_rows) or 1))
        return None
    with bar() as report:
        return job.run(runs, count, options.commit_rows, report)


def fetched(settings: Settings, name: str) -> Path:
    """The package of a registered version, in a directory that has its digest for a name."""
    from ..registry.stages import number_of
    from .registry import registry_session

    with registry_session(settings) as (versions, _):
        version = versions.version(number_of(name, versions.placement()))
        return versions.fetch(version, settings.state / "releases" / settings.registered_model)


@contextmanager
def bar() -> Iterator["Report"]:
    """Shows on a terminal how many rows are answered."""
    with progress_bar(Terminal(stderr=True)) as shown:
        task = shown.add_task("Answering", total=None)

        def report(progress: "BatchProgress") -> None:
            failed = f", {progress.failed} errors" if progress.failed else ""
            shown.update(task, total=progress.expected, completed=progress.answered, description=f"Answering{failed}")

        yield report
