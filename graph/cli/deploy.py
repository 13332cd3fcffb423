"""warrant deploy databricks: a registered release becomes a Model Serving endpoint, or the whole server an app."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import DeploymentFailed, SettingsInvalid
from ..models.databricks import EXTRA, ON_BEHALF, workspace
from ..registry.address import is_unity
from ..settings import Settings
from .options import Command, needs, takes_settings
from .registry import registry_change, registry_session
from .terminal import Terminal, echo, json_text

if TYPE_CHECKING:
    from ..databricks.app import AppDeployment
    from ..databricks.deployment import PlannedChange, Report
    from ..databricks.endpoint import EndpointDeployment
    from ..models.databricks import Workspace
    from ..registry.client import Registry

PATIENCE = 60
"""Seconds for which a call is tried again while the workspace is too busy."""


Open = Callable[["Workspace", "Registry", "Report"], "AppDeployment | EndpointDeployment"]


@click.group()
def databricks() -> None:
    """Deploy a registered release to Databricks: as a Model Serving endpoint, or the server as an app."""


def _options(command: Command) -> Command:
    options = (
        click.option("--file", "-f", "path", type=click.Path(path_type=Path), help="A deployment file."),
        click.option("--plan", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--minutes", type=click.FloatRange(0, 240), default=60.0, help="How long it may take. [60]"),
        takes_settings("registry", "model"),
    )
    return reduce(lambda inner, option: option(inner), reversed(options), command)


@databricks.command()
@_options
@click.option("--alias", "-a", default="production", help="The alias whose version is served. [production]")
def endpoint(path: Path | None, plan: bool, minutes: float, settings: Settings, alias: str) -> None:
    """Serve the version that an alias names, with production's split, as a Model Serving endpoint.

    A version that does not start or does not answer a question is taken out again. Run again, it changes nothing.
    """
    with needs(EXTRA):
        from ..databricks.deployment import read_deployment
        from ..databricks.endpoint import EndpointDeployment, ServingEndpoint, served_versions

    file = read_deployment(path)
    name = file.endpoint.name or ("warrant" if alias == "production" else f"warrant-{alias}")

    def open_endpoint(signed_in: "Workspace", versions: "Registry", report: "Report") -> EndpointDeployment:
        served = served_versions(versions, alias, file.endpoint.form)
        sized = file.endpoint.provisioned(settings.at_once) if "at_once" in settings.model_fields_set else file.endpoint
        wanted = ServingEndpoint(name, sized, served, _environment(settings), file.models)
        return EndpointDeployment(signed_in, wanted, report)

    _deploy(f"Endpoint {name}", open_endpoint, settings, plan, minutes)


@databricks.command()
@_options
def app(path: Path | None, plan: bool, minutes: float, settings: Settings) -> None:
    """Run the whole server as a Databricks App, which follows the model's aliases. Run again, it changes nothing."""
    with needs(EXTRA):
        from ..databricks.app import AppDeployment
        from ..databricks.deployment import read_deployment

    file = read_deployment(path).app

    def open_app(signed_in: "Workspace", versions: "Registry", report: "Report") -> AppDeployment:
        capacity = {"WARRANT_AT_ONCE": str(settings.at_once)} if "at_once" in settings.model_fields_set else {}
        return AppDeployment(signed_in, file, versions, {**capacity, **_environment(settings)}, report)

    _deploy(f"App {file.name}", open_app, settings, plan, minutes)


def _deploy(what: str, open_it: Open, settings: Settings, plan: bool, minutes: float) -> None:
    """Show what would change, and change it unless only the plan is wanted."""
    if not is_unity(settings.registry_uri):
        raise SettingsInvalid("Databricks serves what is registered in Unity Catalog; give --registry databricks-uc.")
    session = registry_session if plan else registry_change
    status = Terminal(stderr=True).status("Reading what is there")
    with _workspace_errors(), session(settings) as (versions, _), status:
        deployment = open_it(workspace(PATIENCE), versions, status.update)
        changes = deployment.plan()
        for change in changes:
            echo(_line(change))
        if changes and not plan:
            deployment.apply(minutes * 60)
    done = "would change as above" if plan else "is deployed"
    echo(f"{what} {done}." if changes else f"{what} is as it should be; nothing to change.")


def _line(change: "PlannedChange") -> str:
    before, after = (json_text(each, indent=None) for each in (change.before, change.after))
    if change.before in (None, {}):
        return f"+ {change.what}: {after}"
    return f"- {change.what}: {before}" if change.after is None else f"~ {change.what}: {before} -> {after}"


def _environment(settings: Settings) -> dict[str, str]:
    """The settings that a served release needs: where its passages are."""
    if settings.backend == "local":
        return {}
    on_behalf = {ON_BEHALF: "true"} if settings.on_behalf_of_user else {}
    return {"WARRANT_BACKEND": settings.backend, "WARRANT_DATABRICKS_INDEX": settings.databricks_index, **on_behalf}


@contextmanager
def _workspace_errors() -> Iterator[None]:
    """The workspace's errors in a sentence of ours, without its address; the SDK's are OSErrors, or ValueErrors."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = workspace(PATIENCE).clean(str(error.__cause__ or error))
        raise DeploymentFailed(f"The workspace did not do as it was asked: {why}") from error
