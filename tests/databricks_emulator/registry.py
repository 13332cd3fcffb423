"""Models in Unity Catalog, the Files API, grants, and MLflow's tracking server as a workspace has it."""

import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from .errors import ApiError, exists, invalid, missing

UNITY = "/api/2.0/mlflow/unity-catalog"
MODEL = re.compile(r"[^\s./]+\.[^\s./]+\.[^\s./]+")
KEY = re.compile(r"[^.,\-=/:]{1,255}")
LONGEST_TAG, MOST_TAGS = 1000, 50
EXPERIMENT = re.compile(r"/(Shared|Users|Workspace|Repos)/.+")
OWNS = "MANAGE"
PRIVILEGES = {
    "catalog": {"USE_CATALOG", "USE_SCHEMA", "EXECUTE", "SELECT"},
    "schema": {"USE_SCHEMA", "EXECUTE", "SELECT", "CREATE_MODEL"},
    "table": {"SELECT", "MODIFY"},
    "function": {"EXECUTE", OWNS},
}


@dataclass
class UnityModel:
    """A registered model with its versions by number."""

    owner: str
    description: str = ""
    aliases: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = field(default_factory=lambda: round(time.time() * 1000))


@dataclass
class Unity:
    """Schemas, models, grants and files. `grants`: privileges by securable and principal."""

    schemas: set[str] = field(default_factory=lambda: {"main.docs", "main.warrant"})
    models: dict[str, UnityModel] = field(default_factory=dict)
    grants: dict[tuple[str, str], dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    files: dict[str, bytes] = field(default_factory=dict)
    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="emulated-tracking-")))

    def model(self, name: str, caller: str) -> UnityModel:
        """A model that the caller may read; raises ApiError."""
        if not MODEL.fullmatch(name):
            raise invalid(f"Registered model name '{name}' is not of the form catalog.schema.model.")
        if name not in self.models:
            raise missing(f"Registered model '{name}'")
        catalog, schema, _ = name.split(".")
        needed = {
            ("catalog", catalog): "USE_CATALOG",
            ("schema", f"{catalog}.{schema}"): "USE_SCHEMA",
            ("function", name): "EXECUTE",
        }
        lacks = [where for where, what in needed.items() if what not in self.grants[where].get(caller, set())]
        if self.models[name].owner != caller and lacks:
            raise ApiError(403, "PERMISSION_DENIED", f"User does not have {needed[lacks[0]]} on '{lacks[0][1]}'.")
        return self.models[name]

    def version(self, name: str, number: str, caller: str) -> dict[str, Any]:
        found = self.model(name, caller).versions.get(str(number))
        if found is None:
            raise missing(f"Model version '{name}' {number}")
        return found

    def files_of(self, name: str, number: str) -> dict[str, bytes]:
        """A version's files by their paths in it."""
        root = f"/Models/{name.replace('.', '/')}/{number}/"
        return {path.removeprefix(root): held for path, held in self.files.items() if path.startswith(root)}


routes = APIRouter()


def _asked(request: Request) -> tuple[Unity, str]:
    emulator = request.app.state.emulator
    return emulator.unity, emulator.sign_in(request)


async def _body(request: Request) -> dict[str, Any]:
    found = await request.json() if await request.body() else {}
    return {**request.query_params, **found}


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    """Tags as the catalog takes them; raises ApiError."""
    for each in tags:
        if not KEY.fullmatch(each["key"]) or len(each.get("value", "")) > LONGEST_TAG:
            raise invalid(
                f"Tag '{each['key']}' is not valid: a key has none of . , - = / : and a value 1000 characters."
            )
    if len(tags) > MOST_TAGS:
        raise invalid("A securable has at most 50 tags.")
    return {each["key"]: each.get("value", "") for each in tags}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _model(name: str, model: UnityModel, *, whole: bool = True) -> dict[str, Any]:
    aliases = [{"alias": alias, "version": number} for alias, number in model.aliases.items()]
    more = {"aliases": aliases, "tags": _pairs(model.tags)} if whole else {}
    times = {"creation_timestamp": model.made, "last_updated_timestamp": model.made}
    return {"name": name, "user_id": model.owner, "description": model.description, **times, **more}


def _version(name: str, model: UnityModel, version: dict[str, Any], *, whole: bool = True) -> dict[str, Any]:
    """A version; a search gives neither tags nor aliases."""
    aliases = [{"alias": alias, "version": at} for alias, at in model.aliases.items() if at == version["version"]]
    more = {"aliases": aliases, "tags": _pairs(version["tags"])} if whole else {}
    plain = {key: value for key, value in version.items() if key not in ("tags", "aliases")}
    return {**plain, "name": name, **more}


@routes.post(f"{UNITY}/registered-models/create")
async def create_model(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    name = body["name"]
    if not MODEL.fullmatch(name):
        raise invalid(f"Registered model name '{name}' is not of the form catalog.schema.model.")
    if name.rpartition(".")[0] not in unity.schemas:
        raise missing(f"Schema '{name.rpartition('.')[0]}'")
    if name in unity.models:
        raise exists(f"Registered model '{name}'")
    unity.models[name] = UnityModel(caller, body.get("description", ""), tags=_tags(body.get("tags", [])))
    return {"registered_model": _model(name, unity.models[name])}


@routes.get(f"{UNITY}/registered-models/get")
async def get_model(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    return {"registered_model": _model(body["name"], unity.model(body["name"], caller))}


@routes.post(f"{UNITY}/registered-models/set-tag")
@routes.delete(f"{UNITY}/registered-models/delete-tag")
@routes.post(f"{UNITY}/model-versions/set-tag")
@routes.delete(f"{UNITY}/model-versions/delete-tag")
async def tag(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    number = body.get("version")
    tags = unity.version(body["name"], number, caller)["tags"] if number else unity.model(body["name"], caller).tags
    if request.method == "DELETE":
        tags.pop(body["key"], None)
    else:
        tags.update(_tags([*_pairs(tags), body]))
    return {}


@routes.post(f"{UNITY}/registered-models/alias")
@routes.delete(f"{UNITY}/registered-models/alias")
@routes.get(f"{UNITY}/registered-models/alias")
async def alias(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    model = unity.model(body["name"], caller)
    if request.method == "POST":
        unity.version(body["name"], body["version"], caller)
        model.aliases[body["alias"]] = str(body["version"])
    elif request.method == "DELETE":
        model.aliases.pop(body["alias"], None)
    elif body["alias"] in model.aliases:
        found = model.versions[model.aliases[body["alias"]]]
        return {"model_version": _version(body["name"], model, found)}
    else:
        raise missing(f"Alias '{body['alias']}'")
    return {}


@routes.post(f"{UNITY}/model-versions/create")
async def create_version(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    model = unity.model(body["name"], caller)
    number, now = str(len(model.versions) + 1), round(time.time() * 1000)
    location = f"/Models/{body['name'].replace('.', '/')}/{number}"
    model.versions[number] = {
        **{key: body[key] for key in ("source", "run_id", "description", "model_id") if key in body},
        "version": number,
        "status": "PENDING_REGISTRATION",
        "storage_location": location,
        "creation_timestamp": now,
        "last_updated_timestamp": now,
        "tags": _tags(body.get("tags", [])),
        "model_version_dependencies": body.get("model_version_dependencies", []),
    }
    return {"model_version": _version(body["name"], model, model.versions[number])}


@routes.post(f"{UNITY}/model-versions/finalize")
async def finalize(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    version = unity.version(body["name"], body["version"], caller)
    if f"{version['storage_location']}/MLmodel" not in unity.files:
        raise invalid("The model version has no MLmodel file.")
    version["status"] = "READY"
    return {"model_version": _version(body["name"], unity.models[body["name"]], version)}


@routes.get(f"{UNITY}/model-versions/get")
async def get_version(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    version = unity.version(body["name"], body["version"], caller)
    return {"model_version": _version(body["name"], unity.models[body["name"]], version)}


@routes.get(f"{UNITY}/model-versions/search")
async def search_versions(request: Request) -> dict[str, Any]:
    (unity, caller), body = _asked(request), await _body(request)
    named = re.fullmatch(r"name='([^']+)'", body.get("filter", "").replace(" ", ""))
    if not named:
        raise invalid("A search for model versions takes a filter on the name alone.")
    if named[1] not in unity.models:
        return {"model_versions": []}
    model = unity.model(named[1], caller)
    return {"model_versions": [_version(named[1], model, each, whole=False) for each in model.versions.values()]}


@routes.get(f"{UNITY}/registered-models:is-databricks-sdk-models-artifact-repository-enabled")
async def by_files_api() -> dict[str, Any]:
    return {"is_databricks_sdk_models_artifact_repository_enabled": True}


@routes.post(f"{UNITY}/model-versions/emit-lineage")
async def lineage() -> dict[str, Any]:
    return {}


@routes.patch("/api/2.1/unity-catalog/permissions/{kind}/{name}")
@routes.get("/api/2.1/unity-catalog/permissions/{kind}/{name}")
async def grants(request: Request, kind: str, name: str) -> dict[str, Any]:
    (unity, _), body = _asked(request), await _body(request)
    held = unity.grants[kind, name]
    for change in body.get("changes", []):
        if wrong := {*change.get("add", []), *change.get("remove", [])} - PRIVILEGES[kind]:
            raise invalid(f"Privilege {min(wrong)} is not applicable to {kind} '{name}'.")
        left = held.get(change["principal"], set()) - set(change.get("remove", []))
        held[change["principal"]] = left | set(change.get("add", []))
    return {"privilege_assignments": [{"principal": who, "privileges": sorted(what)} for who, what in held.items()]}


@routes.put("/api/2.0/fs/files/{path:path}")
async def put_file(request: Request, path: str) -> Response:
    unity, caller = _asked(request)
    _readable(unity, f"/{path}", caller)
    unity.files[f"/{path}"] = await request.body()
    return Response(status_code=204)


@routes.get("/api/2.0/fs/files/{path:path}")
@routes.head("/api/2.0/fs/files/{path:path}")
async def get_file(request: Request, path: str) -> Response:
    unity, caller = _asked(request)
    _readable(unity, f"/{path}", caller)
    if f"/{path}" not in unity.files:
        raise missing(f"File '/{path}'")
    headers = {"last-modified": "Mon, 23 Nov 2026 00:00:00 GMT"}
    return Response(unity.files[f"/{path}"], media_type="application/octet-stream", headers=headers)


@routes.get("/api/2.0/fs/directories/{path:path}")
@routes.head("/api/2.0/fs/directories/{path:path}")
async def directory(request: Request, path: str) -> dict[str, Any]:
    unity, caller = _asked(request)
    root = f"/{path.rstrip('/')}/"
    _readable(unity, root, caller)
    below = {name.removeprefix(root): content for name, content in unity.files.items() if name.startswith(root)}
    if not below:
        raise missing(f"Directory '{root}'")
    folders = {name.partition("/")[0] for name in below if "/" in name}
    entries = [{"path": f"{root}{name}", "name": name, "is_directory": True} for name in sorted(folders)]
    for name, content in below.items():
        if "/" not in name:
            plain = {"is_directory": False, "file_size": len(content), "last_modified": 0}
            entries.append({"path": f"{root}{name}", "name": name, **plain})
    return {"contents": entries}


def _readable(unity: Unity, path: str, caller: str) -> None:
    """Raises ApiError for a file of a model that the caller may not read."""
    if found := re.match(r"/Models/([^/]+)/([^/]+)/([^/]+)/", path):
        unity.model(".".join(found.groups()), caller)


@routes.api_route("/api/2.0/mlflow/{path:path}", methods=["GET", "POST", "PATCH", "DELETE"])
async def tracking(request: Request, path: str) -> Response:
    """MLflow's own server, with the paths that experiments and artifacts have in a workspace."""
    unity, _ = _asked(request)
    body = await request.body()
    if path == "experiments/create" and not EXPERIMENT.fullmatch((await request.json())["name"]):
        raise invalid("Experiment name must be an absolute path to a workspace folder.")
    reply = await run_in_threadpool(_tracked, unity.home, request, body)
    content = reply.data.replace(b"/models/m-", b"/logged_models/m-")
    headers = {"x-databricks-org-id": "1"}
    return Response(content, reply.status_code, headers, media_type="application/json")


def _tracked(home: Path, request: Request, body: bytes) -> Any:
    from mlflow.server import app, handlers
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    uri = f"sqlite:///{home / 'tracking.db'}"
    if getattr(handlers._tracking_store, "db_uri", "") != uri:
        store: Any = SqlAlchemyStore(uri, "dbfs:/databricks/mlflow-tracking")  # type: ignore[no-untyped-call]
        handlers._tracking_store = store
    address = f"{request.url.path}?{request.url.query}"
    return app.test_client().open(address, method=request.method, data=body, content_type="application/json")
