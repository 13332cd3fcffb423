"""Model Serving of custom models, AI Gateway and permissions: an update takes its time and then really serves."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from graph.registry import isolation

from .errors import ApiError, conflict, exists, invalid, missing

HOME = "/api/2.0/serving-endpoints"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
SIZES = {"Small", "Medium", "Large"}
LEVELS = {"serving-endpoints": ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"), "apps": ("CAN_USE", "CAN_MANAGE")}
MOST_LIMITS = 20
_environment = threading.Lock()


@dataclass
class CustomEndpoint:
    """An endpoint of models from Unity Catalog; `polls` are left until its update has ended."""

    creator: str
    config: dict[str, Any] = field(default_factory=lambda: {"served_entities": [], "traffic_config": {"routes": []}})
    pending: dict[str, Any] | None = None
    polls: int = 0
    state: str = "IN_PROGRESS"
    failed: dict[str, Any] | None = None
    """The config whose update failed, with what its container died of."""
    gateway: dict[str, Any] = field(default_factory=dict)
    loaded: dict[str, Any] = field(default_factory=dict)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    """The rows of its inference table."""
    asked: int = 0


@dataclass
class Serving:
    """Endpoints by name, AI Gateway of the workspace's model endpoints, and direct permissions by object."""

    endpoints: dict[str, CustomEndpoint] = field(default_factory=dict)
    gateways: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[int, Any] = field(default_factory=dict)
    """Models that were loaded, by their files and environment."""
    acls: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    """The members of each group."""

    def allows(self, kind: str, name: str, caller: str, level: str) -> bool:
        """Whether a caller has a level, or one above it."""
        enough = LEVELS[kind][LEVELS[kind].index(level) :]
        who = {caller, *(group for group, members in self.groups.items() if caller in members)}
        return any(each["who"] in who and each["level"] in enough for each in self.acls.get((kind, name), []))


routes = APIRouter()


@routes.post(HOME)
async def create(request: Request) -> dict[str, Any]:
    emulator, body = request.app.state.emulator, await request.json()
    caller, name = emulator.sign_in(request), body["name"]
    if not NAME.fullmatch(name):
        raise invalid(f"'{name}' is not a valid endpoint name.")
    if name in emulator.serving.endpoints or name in emulator.models.endpoints:
        raise exists(f"Endpoint '{name}'")
    _check(emulator, body["config"], caller)
    made = CustomEndpoint(caller, pending=body["config"], polls=emulator.polls)
    made.gateway = _gateway(body.get("ai_gateway") or {}, agent=True)
    emulator.serving.endpoints[name] = made
    emulator.serving.acls["serving-endpoints", f"id-{name}"] = [{"who": caller, "level": "CAN_MANAGE"}]
    return _described(name, made)


@routes.get(f"{HOME}/{{name}}")
async def describe(request: Request, name: str) -> dict[str, Any]:
    emulator = request.app.state.emulator
    if name in emulator.models.endpoints:
        about = {"id": name, "name": name, "task": emulator.models.endpoints[name].task, "route_optimized": False}
        return {**about, "ai_gateway": emulator.serving.gateways.get(name, {})}
    endpoint = _managed(request, name, "CAN_VIEW")
    if endpoint.pending is not None:
        endpoint.polls -= 1
        if endpoint.polls == -1:
            threading.Thread(target=_finish, args=(emulator, endpoint), daemon=True).start()
    return _described(name, endpoint)


@routes.put(f"{HOME}/{{name}}/config")
async def update(request: Request, name: str) -> dict[str, Any]:
    emulator, endpoint = request.app.state.emulator, _managed(request, name, "CAN_MANAGE")
    if endpoint.pending is not None:
        raise conflict(f"Endpoint '{name}' is being updated.")
    body = await request.json()
    _check(emulator, body, emulator.sign_in(request))
    endpoint.pending, endpoint.polls, endpoint.state, endpoint.failed = body, emulator.polls, "IN_PROGRESS", None
    return _described(name, endpoint)


@routes.delete(f"{HOME}/{{name}}")
async def delete(request: Request, name: str) -> dict[str, Any]:
    _managed(request, name, "CAN_MANAGE")
    del request.app.state.emulator.serving.endpoints[name]
    return {}


@routes.put(f"{HOME}/{{name}}/ai-gateway")
async def put_gateway(request: Request, name: str) -> dict[str, Any]:
    emulator, body = request.app.state.emulator, await request.json()
    if name in emulator.models.endpoints:
        emulator.serving.gateways[name] = _gateway(body, agent=False)
        calls = [each["calls"] for each in body.get("rate_limits", []) if each["key"] == "user" and "calls" in each]
        emulator.models.endpoints[name].per_minute = min(calls, default=None)
    else:
        _managed(request, name, "CAN_MANAGE").gateway = _gateway(body, agent=True)
    return dict(body)


@routes.post("/serving-endpoints/{name}/served-models/{entity}/invocations")
async def invoke_entity(request: Request, name: str, entity: str) -> dict[str, Any]:
    endpoint = _managed(request, name, "CAN_QUERY")
    if entity not in endpoint.loaded:
        raise missing(f"Served model '{entity}'")
    body = await request.json()
    return await run_in_threadpool(_predict, endpoint, entity, body, _token(request))


async def invoke(request: Request, name: str) -> dict[str, Any]:
    """Ask the entity whose turn it is by the traffic."""
    endpoint = _managed(request, name, "CAN_QUERY")
    routes_ = endpoint.config["traffic_config"]["routes"]
    turns = [each["served_model_name"] for each in routes_ for _ in range(each["traffic_percentage"])]
    if not turns:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Endpoint '{name}' has no ready model.")
    endpoint.asked += 7
    turn, body = turns[endpoint.asked % 100], await request.json()
    return await run_in_threadpool(_predict, endpoint, turn, body, _token(request))


@routes.get("/api/2.0/permissions/{kind}/{name}")
@routes.put("/api/2.0/permissions/{kind}/{name}")
async def permissions(request: Request, kind: str, name: str) -> dict[str, Any]:
    emulator = request.app.state.emulator
    caller = emulator.sign_in(request)
    if (kind, name) not in emulator.serving.acls:
        raise missing(f"{kind} '{name}'")
    if not emulator.serving.allows(kind, name, caller, "CAN_MANAGE"):
        raise ApiError(403, "PERMISSION_DENIED", f"{caller} does not have Manage permission on '{name}'.")
    if request.method == "PUT":
        asked = (await request.json())["access_control_list"]
        emulator.serving.acls[kind, name] = [_grant(emulator, kind, each) for each in asked]
    entries = []
    for each in emulator.serving.acls[kind, name]:
        held = [{"permission_level": each["level"], "inherited": False}]
        entries.append({each.get("as", "user_name"): each["who"], "all_permissions": held})
    inherited = [{"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": [f"/{kind}/"]}]
    entries.append({"group_name": "admins", "all_permissions": inherited})
    return {"object_id": f"/{kind}/{name}", "object_type": kind, "access_control_list": entries}


def _grant(emulator: Any, kind: str, asked: Mapping[str, str]) -> dict[str, str]:
    if asked["permission_level"] not in LEVELS[kind]:
        raise invalid(f"'{asked['permission_level']}' is not a permission level of {kind}.")
    kind_of = next(each for each in ("group_name", "user_name", "service_principal_name") if each in asked)
    who = asked[kind_of]
    if kind_of == "group_name" and who not in emulator.serving.groups:
        raise missing(f"Group '{who}'")
    return {"who": who, "as": kind_of, "level": asked["permission_level"]}


def _managed(request: Request, name: str, level: str) -> CustomEndpoint:
    """An endpoint on which the caller has a level; raises ApiError."""
    emulator = request.app.state.emulator
    caller = emulator.sign_in(request)
    if name not in emulator.serving.endpoints:
        raise missing(f"Endpoint with name '{name}'")
    if not emulator.serving.allows("serving-endpoints", f"id-{name}", caller, level):
        raise ApiError(403, "PERMISSION_DENIED", f"{caller} does not have {level} on '{name}'.")
    found: CustomEndpoint = emulator.serving.endpoints[name]
    return found


def _check(emulator: Any, config: Mapping[str, Any], caller: str) -> None:
    """Raises ApiError for a config that Model Serving would not take."""
    names = set()
    for each in config["served_entities"]:
        emulator.unity.version(each["entity_name"], each["entity_version"], caller)
        names.add(each["name"])
        low, high = each.get("min_provisioned_concurrency"), each.get("max_provisioned_concurrency")
        if ("workload_size" in each) == (high is not None):
            raise invalid("Exactly one of workload_size and provisioned concurrency is needed.")
        if high is None and each["workload_size"] not in SIZES:
            raise invalid(f"'{each['workload_size']}' is not a workload size.")
        if high is not None and (low % 4 or high % 4 or low > high):
            raise invalid("Provisioned concurrency is in multiples of 4.")
    routes_ = config["traffic_config"]["routes"]
    if sum(each["traffic_percentage"] for each in routes_) != 100:
        raise invalid("Traffic percentages must add up to 100.")
    if {each["served_model_name"] for each in routes_} != names or len(names) != len(config["served_entities"]):
        raise invalid("Each served entity needs a name of its own and a route.")


def _gateway(config: dict[str, Any], *, agent: bool) -> dict[str, Any]:
    if agent and set(config) - {"inference_table_config"}:
        raise invalid("Agent endpoints support inference tables alone.")
    limits = config.get("rate_limits", [])
    if len(limits) > MOST_LIMITS or any(each.get("renewal_period") != "minute" for each in limits):
        raise invalid("At most 20 rate limits, each by the minute.")
    return config


def _described(name: str, endpoint: CustomEndpoint) -> dict[str, Any]:
    updating = endpoint.pending is not None
    state = "IN_PROGRESS" if updating else endpoint.state
    ready = "READY" if endpoint.config["served_entities"] else "NOT_READY"
    found: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "creator": endpoint.creator,
        "state": {"ready": ready, "config_update": state},
        "ai_gateway": endpoint.gateway,
        "config": {**deepcopy(endpoint.config), "config_version": 1},
    }
    if not endpoint.config["served_entities"]:
        del found["config"]
    if endpoint.pending is not None:
        found["pending_config"] = deepcopy(endpoint.pending)
        for each in found["pending_config"]["served_entities"]:
            each["state"] = {"deployment": "DEPLOYMENT_CREATING", "deployment_state_message": "Building the container"}
    elif endpoint.failed is not None:
        found["pending_config"] = deepcopy(endpoint.failed)
    return found


def _finish(emulator: Any, endpoint: CustomEndpoint) -> None:
    """Load what is to be served; a model that cannot be loaded fails the update, and the old one goes on."""
    config = endpoint.pending
    assert config is not None
    try:
        endpoint.loaded = {each["name"]: _load(emulator, each) for each in config["served_entities"]}
        endpoint.config, endpoint.state = config, "NOT_UPDATING"
    except Exception as error:  # noqa: BLE001 - whatever a container dies of fails the update
        why = {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": f"{type(error).__name__}: {error}"}
        endpoint.failed = {**config, "served_entities": [{**each, "state": why} for each in config["served_entities"]]}
        endpoint.state = "UPDATE_FAILED"
    endpoint.pending = None


def _load(emulator: Any, entity: Mapping[str, Any]) -> Any:
    import mlflow.pyfunc

    variables, images = entity.get("environment_vars") or {}, emulator.serving.images
    files = emulator.unity.files_of(entity["entity_name"], entity["entity_version"])
    key = hash((frozenset(variables.items()), frozenset(files.items())))
    if key not in images:
        folder = Path(tempfile.mkdtemp(prefix="emulated-container-"))
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        with _variables(variables):
            _forget_modules()
            images[key] = mlflow.pyfunc.load_model(str(folder))
    return images[key]


def _forget_modules() -> None:
    """A container is a process of its own: the same code in another one may have signed in to another workspace."""
    for name in {module.partition(".")[0] for module in sys.modules if module.startswith("graph_")}:
        isolation.forget(name)


@contextmanager
def _variables(given: Mapping[str, str]) -> Iterator[None]:
    """The environment of a container: no WARRANT_ variable but its own, while the model is loaded."""
    with _environment, pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("WARRANT_")]:
            patch.delenv(name)
        for name, value in {**given, "WARRANT_THREADS": "1", "MLFLOW_TRACKING_URI": "databricks"}.items():
            patch.setenv(name, value)
        yield


def _token(request: Request) -> str:
    return request.headers["authorization"].partition(" ")[2]


@contextmanager
def _for_user(token: str) -> Iterator[None]:
    """What Model Serving tells a model that acts on behalf of whoever asks it."""
    agent_utils = ModuleType("mlflowserving.scoring_server.agent_utils")
    agent_utils.fetch_obo_token = lambda: token  # type: ignore[attr-defined]
    with _environment, pytest.MonkeyPatch.context() as patch:
        patch.setenv("IS_IN_DB_MODEL_SERVING_ENV", "true")
        for name in ("mlflowserving", "mlflowserving.scoring_server"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, agent_utils.__name__, agent_utils)
        yield


def _predict(endpoint: CustomEndpoint, entity: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    model = endpoint.loaded[entity]
    responses = "input" in body
    with _for_user(token) if model.metadata.auth_policy else nullcontext():
        reply = model.predict(body if responses else body["dataframe_records"])
    if endpoint.gateway.get("inference_table_config", {}).get("enabled"):
        endpoint.payloads.append({"served_entity": entity, "request": body, "response": reply})
    return dict(reply) if responses else {"predictions": list(reply)}
