"""The whole server as a Databricks App: its resources, its files, its permissions, and its deployment.

The app follows the aliases of the registered model, as any server does: it is deployed again only when its files or
resources change. Its files lie in a folder that is named by their content: the one of the deployment before stays.
"""

import hashlib
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from databricks.sdk.errors import NotFound
from databricks.sdk.service import apps
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.workspace import ImportFormat

from ..errors import DeploymentFailed
from ..models.databricks import ON_BEHALF, USER_SCOPES
from ..registry.address import experiment_name
from ..registry.requirements import chat_models
from ..release_yaml import parse_release
from .deployment import (
    ROLL_BACK_SECONDS,
    SECRET,
    STEP,
    AppFile,
    PlannedChange,
    Report,
    differences,
    pause,
    reason,
)
from .permissions import Permissions

if TYPE_CHECKING:
    from ..models.databricks import Workspace
    from ..registry.client import Registry

INDEX = "index"
"""The resource by which the app is told the name of its index."""
SCOPES = ["iam.current-user:read"]
"""What the app may do on behalf of a user in any case: ask for the user's name and groups."""
FAILED = (apps.AppDeploymentState.FAILED, apps.AppDeploymentState.CANCELLED)


class AppDeployment:
    """Compares an app with the workspace's and makes it so; raises DeploymentFailed."""

    def __init__(
        self,
        signed_in: "Workspace",
        file: AppFile,
        registry: "Registry",
        environment: Mapping[str, str],
        report: Report,
        step: float = STEP,
    ) -> None:
        self._workspace, self._client, self._file, self._registry = signed_in, signed_in.client, file, registry
        self._environment, self._report, self._step = environment, report, step
        self._permissions = Permissions(self._client, "apps", file.permissions)
        self._home = f"/Workspace/Users/{self._client.current_user.me().user_name}/apps/{file.name}"
        self._resources = _by_name(self._wanted_resources())
        self._found = self._get()

    def plan(self) -> list[PlannedChange]:
        """What would be different, in the order in which it is changed."""
        found, permissions = self._found, self._permissions
        changes = [] if found else [PlannedChange(f"app {self._file.name}", None, "created")]
        changes += differences("resources", _by_name(found.resources or [] if found else []), self._resources)
        if found and (found.user_api_scopes or []) != self._scopes:
            changes.append(PlannedChange("user_api_scopes", found.user_api_scopes, self._scopes))
        grants = {securable: privilege.value for (_, securable), privilege in self._grants().items()}
        changes += differences("grants", self._granted(found) if found else {}, grants)
        files, runs = self._files(), found.active_deployment if found else None
        now_run = {path: self._read(f"{runs.source_code_path}/{path}") for path in files} if runs else {}
        changes += differences("files", now_run, files)
        if (now := permissions.now(self._file.name if found else None)) != permissions.wanted:
            changes.append(PlannedChange("permissions", now, permissions.wanted))
        return changes

    def apply(self, seconds: float) -> None:
        """Make it so, within so many seconds."""
        areas = {change.what.partition(".")[0].partition(" ")[0] for change in self.plan()}
        deadline, name = time.monotonic() + seconds, self._file.name
        resources = [*self._resources.values()]
        wanted = apps.App.from_dict({"name": name, "resources": resources, "user_api_scopes": self._scopes})
        if self._found is None:
            self._client.apps.create(wanted)
            self._wait_for_compute(deadline)
        elif areas & {"resources", "user_api_scopes"}:
            self._client.apps.update(name, wanted)
        if areas - {"permissions"}:
            try:
                self._grant()
                self._deploy(deadline)
            except (DeploymentFailed, OSError) as error:
                raise DeploymentFailed(f"{reason(error, self._workspace)} {self._roll_back()}") from error
        if "permissions" in areas:
            self._permissions.set(name)

    @property
    def _scopes(self) -> list[str]:
        if ON_BEHALF in self._environment:
            return [*SCOPES, *USER_SCOPES]
        return SCOPES if self._file.user_groups else []

    def _wanted_resources(self) -> list[apps.AppResource]:
        """The index, model endpoints of the releases that are served, secrets, and the warrants, which runs keep."""
        found = []
        if index := self._environment.get("WARRANT_DATABRICKS_INDEX"):
            kind, may = (
                apps.AppResourceUcSecurableUcSecurableType.TABLE,
                apps.AppResourceUcSecurableUcSecurablePermission,
            )
            found.append(apps.AppResource(INDEX, uc_securable=apps.AppResourceUcSecurable(index, kind, may.SELECT)))
        for name in sorted(self._endpoints()):
            asked = {"name": name, "permission": "CAN_QUERY"}
            found.append(apps.AppResource.from_dict({"name": name, "serving_endpoint": asked}))
        for name, (scope, key) in self._secrets().items():
            secret = {"scope": scope, "key": key, "permission": "READ"}
            found.append(apps.AppResource.from_dict({"name": _secret_resource(name), "secret": secret}))
        where = experiment_name(self._registry.uri, self._registry.model)
        experiment = self._client.experiments.get_by_name(where).experiment
        if experiment is None or experiment.experiment_id is None:
            raise DeploymentFailed(f"There is no experiment {where}; log a release first.")
        runs = {"experiment_id": experiment.experiment_id, "permission": "CAN_READ"}
        return [*found, apps.AppResource.from_dict({"name": "experiment", "experiment": runs})]

    def _secrets(self) -> dict[str, tuple[str, str]]:
        """The scope and the key of the secret that each variable is to hold."""
        found = {name: SECRET.fullmatch(value) for name, value in self._file.environment.items()}
        return {name: (match[1], match[2]) for name, match in found.items() if match}

    def _endpoints(self) -> set[str]:
        """The model endpoints that the versions behind the aliases ask."""
        names: set[str] = set()
        for number in set(self._registry.placement().aliases.values()):
            release = parse_release(self._registry.configuration(number), f"v{number}")
            names.update((*chat_models(release), release.embedding))
        return {name.partition(":")[2] for name in names if name.startswith("databricks:")}

    def _grants(self) -> dict[tuple[str, str], Privilege]:
        """What the app's service principal needs to read the model; for grants, a model is a function."""
        catalog, schema, _ = self._registry.model.split(".")
        return {
            ("catalog", catalog): Privilege.USE_CATALOG,
            ("schema", f"{catalog}.{schema}"): Privilege.USE_SCHEMA,
            ("function", self._registry.model): Privilege.EXECUTE,
        }

    def _granted(self, app: apps.App) -> dict[str, str]:
        """What the app's service principal has of that."""
        held: dict[str, str] = {}
        for (kind, securable), privilege in self._grants().items():
            found = self._client.grants.get(kind, securable, principal=app.service_principal_client_id)
            for each in found.privilege_assignments or []:
                if each.principal == app.service_principal_client_id and privilege in (each.privileges or []):
                    held[securable] = privilege.value
        return held

    def _grant(self) -> None:
        app = self._client.apps.get(self._file.name)
        held = self._granted(app)
        for (kind, securable), privilege in self._grants().items():
            if securable not in held:
                change = PermissionsChange(add=[privilege], principal=app.service_principal_client_id)
                self._client.grants.update(kind, securable, changes=[change])

    def _files(self) -> dict[str, str]:
        """The app's files: what is run, with which settings, and what pip installs for it."""
        settings = {
            "WARRANT_DATABRICKS_APP": "true",
            "WARRANT_REGISTRY": self._registry.uri,
            "WARRANT_REGISTERED_MODEL": self._registry.model,
            **self._environment,
            **self._file.environment,
        }
        named = {"WARRANT_DATABRICKS_INDEX": {"valueFrom": INDEX}}
        named |= {name: {"valueFrom": _secret_resource(name)} for name in self._secrets()}
        variables = [{"name": name, **named.get(name, {"value": value})} for name, value in settings.items()]
        text = yaml.safe_dump({"command": ["warrant", "serve"], "env": variables}, sort_keys=False)
        return {"app.yaml": text, "requirements.txt": f"{self._file.requirement}\n"}

    def _read(self, path: str) -> str | None:
        try:
            with self._client.workspace.download(path) as file:
                return str(file.read().decode())
        except NotFound:
            return None

    def _deploy(self, deadline: float) -> None:
        files = self._files()
        source = f"{self._home}/{hashlib.sha256(repr(files).encode()).hexdigest()[:12]}"
        self._client.workspace.mkdirs(source)
        for path, text in files.items():
            content = io.BytesIO(text.encode())
            self._client.workspace.upload(f"{source}/{path}", content, format=ImportFormat.AUTO, overwrite=True)
        self._start(source, deadline)

    def _start(self, source: str, deadline: float) -> None:
        """Deploy the files of a folder, once the deployment under way, if any, has ended."""
        while self._client.apps.get(self._file.name).pending_deployment:
            self._pause("Waiting for another deployment", deadline)
        request = apps.AppDeployment(source_code_path=source, mode=apps.AppDeploymentMode.SNAPSHOT)
        made: Any = self._client.apps.deploy(self._file.name, request).response
        while True:
            status = self._client.apps.get_deployment(self._file.name, str(made.deployment_id)).status
            said = (status and status.message) or "deploying"
            if status and status.state in FAILED:
                raise DeploymentFailed(f"The app {self._file.name} did not start: {said}.")
            if status and status.state == apps.AppDeploymentState.SUCCEEDED:
                return
            self._pause(said, deadline)

    def _roll_back(self) -> str:
        """Deploy again what ran before, with its resources; says what runs now."""
        before = self._found
        if before is None or before.active_deployment is None:
            return "Nothing ran there before."
        self._report("Rolling back")
        kept = apps.App(before.name, resources=before.resources, user_api_scopes=before.user_api_scopes)
        self._client.apps.update(before.name, kept)
        self._start(str(before.active_deployment.source_code_path), time.monotonic() + ROLL_BACK_SECONDS)
        return "The app runs again as before."

    def _wait_for_compute(self, deadline: float) -> None:
        while True:
            app = self._client.apps.get(self._file.name)
            status = app.compute_status
            if status and status.state == apps.ComputeState.ERROR:
                raise DeploymentFailed(f"The app {self._file.name} has no compute: {status.message}.")
            if status and status.state == apps.ComputeState.ACTIVE:
                return
            self._pause("Waiting for compute", deadline)

    def _pause(self, message: str, deadline: float) -> None:
        self._report(f"{self._file.name}: {message}")
        pause(f"The app {self._file.name}", message, deadline, self._step)

    def _get(self) -> apps.App | None:
        try:
            return self._client.apps.get(self._file.name)
        except NotFound:
            return None


def _secret_resource(variable: str) -> str:
    return f"secret-{variable.lower().replace('_', '-')}"


def _by_name(resources: list[apps.AppResource]) -> dict[str, Any]:
    return {each.name: each.as_dict() for each in resources}
