"""The Model Serving endpoint of a release: what it should be, what would change, and the change itself.

An endpoint knows no alias. The alias is resolved to a version here, and the endpoint is updated to that version; the
one that it serves goes on answering until the new one is ready.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from databricks.sdk.errors import NotFound, ResourceConflict
from databricks.sdk.service import serving

from ..errors import DeploymentFailed, SettingsInvalid, VersionUnknown
from ..models.databricks import ON_BEHALF
from ..registry import Version
from ..registry.client import open_registry
from ..registry.promotion import require_warrant
from ..registry.stages import PRODUCTION, STAGING, number_of
from .deployment import (
    ROLL_BACK_SECONDS,
    STEP,
    EndpointFile,
    ModelGateway,
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

FAILED = (serving.EndpointStateConfigUpdate.UPDATE_FAILED, serving.EndpointStateConfigUpdate.UPDATE_CANCELED)
QUESTION = "What can you answer questions about?"
"""What a version is asked before it is left in service; declining is an answer too."""
INPUTS = serving.ServedEntityInput.__annotations__


@dataclass(frozen=True)
class ServedVersion:
    """A version of a model as an endpoint serves it, with its percentage of the requests."""

    version: Version
    model: str
    number: int
    percentage: int

    @property
    def name(self) -> str:
        return f"v{self.version.number}"


def served_versions(registry: "Registry", alias: str, form: str) -> tuple[ServedVersion, ...]:
    """The versions that an alias stands for: production with its split, each with the form that is served.

    Raises PromotionRefused for production without a warrant, VersionUnknown for what is not registered.
    """
    placement = registry.placement()
    shares = {number: max(1, round(share * 100)) for number, share in placement.split.items()}
    shares = shares if alias == PRODUCTION else {}
    percentages = {number_of(alias, placement): 100 - sum(shares.values()), **shares}
    versions = [(registry.version(number), percentage) for number, percentage in percentages.items()]
    for version, _ in versions if alias != STAGING else ():
        require_warrant(registry, version)
    if form == "graph":
        return tuple(ServedVersion(each, registry.model, each.number, share) for each, share in versions)
    model = f"{registry.model}-agent"
    agents = {each.digest: each.number for each in reversed(open_registry(registry.uri, model).versions())}
    for each, _ in versions:
        if each.digest not in agents:
            raise VersionUnknown(f"{model} has no version of v{each.number}; log it with `release log --agent`.")
    return tuple(ServedVersion(each, model, agents[each.digest], share) for each, share in versions)


@dataclass(frozen=True)
class ServingEndpoint:
    """What an endpoint should be; `environment` is added to the file's."""

    name: str
    file: EndpointFile
    versions: tuple[ServedVersion, ...]
    environment: Mapping[str, str]
    models: Mapping[str, ModelGateway]

    def config(self) -> dict[str, Any]:
        """The served entities and their traffic."""
        variables = {**self.environment, **self.file.environment}
        more = {**self.file.capacity, "environment_vars": variables}
        entities = [
            {"name": each.name, "entity_name": each.model, "entity_version": str(each.number), **more}
            for each in self.versions
        ]
        routes = [{"served_model_name": each.name, "traffic_percentage": each.percentage} for each in self.versions]
        return {"served_entities": entities, "traffic_config": {"routes": routes}}

    def gateway(self) -> dict[str, Any]:
        """AI Gateway of the endpoint: an agent's has inference tables alone."""
        table = self.file.inference_table
        if table is None:
            return {}
        names = {"catalog_name": table.catalog, "schema_name": table.schema_, "table_name_prefix": table.prefix}
        return {"inference_table_config": {**names, "enabled": True}}


def model_gateway(gateway: ModelGateway) -> dict[str, Any]:
    """AI Gateway of a model endpoint."""
    limits = [{**each.model_dump(exclude_none=True), "renewal_period": "minute"} for each in gateway.limits]
    return {"rate_limits": limits, "usage_tracking_config": {"enabled": gateway.usage_tracking}}


class EndpointDeployment:
    """Compares an endpoint with the workspace's and makes it so; raises DeploymentFailed."""

    def __init__(self, signed_in: "Workspace", wanted: ServingEndpoint, report: Report, step: float = STEP) -> None:
        self._workspace, self._api = signed_in, signed_in.client.serving_endpoints
        self._wanted, self._report, self._step = wanted, report, step
        if wanted.file.form == "graph" and ON_BEHALF in wanted.environment:
            raise SettingsInvalid(f"{ON_BEHALF} needs `form: responses`: the graph itself is not given users' tokens.")
        self._permissions = Permissions(signed_in.client, "serving-endpoints", wanted.file.permissions)
        self._found = self._get(wanted.name)

    def plan(self) -> list[PlannedChange]:
        """What would be different, in the order in which it is changed."""
        wanted, found = self._wanted, self._found
        have = found.as_dict() if found else {}
        changes = [] if found else [PlannedChange(f"endpoint {wanted.name}", None, "created")]
        changes += differences("config", _comparable(have.get("config", {})), _comparable(wanted.config()))
        if wanted.gateway():
            changes += differences("ai_gateway", have.get("ai_gateway", {}), wanted.gateway())
        if (now := self._permissions.now(found.id if found else None)) != self._permissions.wanted:
            changes.append(PlannedChange("permissions", now, self._permissions.wanted))
        for name, gateway in wanted.models.items():
            changes += differences(f"models.{name}", self._gateway_of(name), model_gateway(gateway))
        return changes

    def apply(self, seconds: float) -> None:
        """Make it so, within so many seconds; a version that fails is taken out of service again."""
        wanted, before, changes = self._wanted, self._found, [change.what for change in self.plan()]
        deadline = time.monotonic() + seconds

        def changed(area: str) -> bool:
            return any(each == area or each.startswith(f"{area}.") for each in changes)

        if changed("config"):
            self._serve(before, deadline)
        if before is not None and changed("ai_gateway"):
            self._put_gateway(wanted.name, wanted.gateway())
        if changed("permissions"):
            found = self._get(wanted.name)
            self._permissions.set(str(found.id) if found else wanted.name)
        for name, each in wanted.models.items():
            if changed(f"models.{name}"):
                self._put_gateway(name, model_gateway(each))

    def _serve(self, before: serving.ServingEndpointDetailed | None, deadline: float) -> None:
        """Make the new config serve, and wait until it has answered; otherwise put back what was there, and raise."""
        config, gateway = self._wanted.config(), self._wanted.gateway()
        if before is None:
            made = serving.EndpointCoreConfigInput.from_dict(config)
            ai_gateway = serving.AiGatewayConfig.from_dict(gateway) if gateway else None
            self._api.create(self._wanted.name, config=made, ai_gateway=ai_gateway)
        else:
            self._update(config, deadline)
        try:
            self._wait(deadline)
            for each in self._wanted.versions:
                self._ask(each)
        except (DeploymentFailed, OSError) as error:
            self._report("Rolling back")
            raise DeploymentFailed(f"{reason(error, self._workspace)} {self._roll_back(before)}") from error

    def _roll_back(self, before: serving.ServingEndpointDetailed | None) -> str:
        """Put back what was served; says what is served now."""
        if before is None:
            self._api.delete(self._wanted.name)
            return "The endpoint was deleted again."
        config = _inputs(before.as_dict().get("config", {}))
        deadline = time.monotonic() + ROLL_BACK_SECONDS
        self._update(config, deadline)
        self._wait(deadline)
        return f"{', '.join(each['name'] for each in config['served_entities'])} is served again, as before."

    def _update(self, config: dict[str, Any], deadline: float) -> None:
        """Start an update, once the one under way, if any, has ended."""
        entities = [serving.ServedEntityInput.from_dict(each) for each in config["served_entities"]]
        traffic = serving.TrafficConfig.from_dict(config["traffic_config"])
        while True:
            try:
                self._api.update_config(self._wanted.name, served_entities=entities, traffic_config=traffic)
            except ResourceConflict:
                self._pause(f"Waiting for another update: {_messages(self._get(self._wanted.name))}", deadline)
            else:
                return

    def _wait(self, deadline: float) -> None:
        while True:
            found = self._get(self._wanted.name)
            state = found.state if found else None
            if found is None or state is None or state.config_update in FAILED:
                raise DeploymentFailed(f"Model Serving could not update {self._wanted.name}: {_messages(found)}.")
            if state.config_update == serving.EndpointStateConfigUpdate.NOT_UPDATING:
                return
            self._pause(f"{self._wanted.name}: {_messages(found)}", deadline)

    def _pause(self, message: str, deadline: float) -> None:
        self._report(message)
        pause(self._wanted.name, message, deadline, self._step)

    def _ask(self, served: ServedVersion) -> None:
        """Ask one version a question; raises DeploymentFailed unless it answers as the release that was logged."""
        self._report(f"Asking {served.name} a question")
        path = f"/serving-endpoints/{self._wanted.name}/served-models/{served.name}/invocations"
        responses = self._wanted.file.form == "responses"
        body: dict[str, Any] = {"input": [{"role": "user", "content": QUESTION}]} if responses else {}
        body = body or {"dataframe_records": [{"question": QUESTION}]}
        try:
            reply: Any = self._workspace.client.api_client.do("POST", path, body=body)
            answer = reply["custom_outputs"] if responses else reply["predictions"][0]["answer"]
            if answer["release"] != served.version.label:
                raise DeploymentFailed(f"{served.name} answers as {answer['release']}, not as {served.version.label}.")
        except (KeyError, IndexError, TypeError) as error:
            raise DeploymentFailed(f"{served.name} did not answer a question.") from error
        except OSError as error:
            why = self._workspace.clean(str(error.__cause__ or error))
            raise DeploymentFailed(f"{served.name} did not answer a question: {why}.") from error

    def _get(self, name: str) -> serving.ServingEndpointDetailed | None:
        try:
            return self._api.get(name)
        except NotFound:
            return None

    def _gateway_of(self, name: str) -> dict[str, Any]:
        found = self._get(name)
        if found is None:
            raise DeploymentFailed(f"There is no model endpoint {name}; correct `models` of the deployment file.")
        return found.ai_gateway.as_dict() if found.ai_gateway else {}

    def _put_gateway(self, name: str, gateway: dict[str, Any]) -> None:
        """Change the parts that are named; what else the endpoint's AI Gateway has is sent back as it was."""
        whole = {**self._gateway_of(name), **gateway}
        config = serving.AiGatewayConfig.from_dict(whole)
        self._api.put_ai_gateway(name, **{part: getattr(config, part) for part in whole})


def _inputs(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config that was read, as it is sent."""
    entities = [{k: v for k, v in each.items() if k in INPUTS} for each in config.get("served_entities", [])]
    return {"served_entities": entities, "traffic_config": config.get("traffic_config", {})}


def _comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config by the names of its entities."""
    entities = {each["name"]: {"environment_vars": {}, **each} for each in _inputs(config)["served_entities"]}
    routes = config.get("traffic_config", {}).get("routes", [])
    traffic = {
        each.get("served_model_name") or each["served_entity_name"]: each["traffic_percentage"] for each in routes
    }
    return {"entities": entities, "traffic": traffic}


def _messages(found: serving.ServingEndpointDetailed | None) -> str:
    """What Model Serving says of the entities that it is working on."""
    config = found and (found.pending_config or found.config)
    entities = (config.served_entities or []) if config else []
    said = {each.state.deployment_state_message or "" for each in entities if each.state}
    return "; ".join(sorted(said - {""})) or "updating"
