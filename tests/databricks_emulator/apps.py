"""Databricks Apps and workspace files: an app gets a service principal, and its command really runs."""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter, Request, Response
from packaging.requirements import InvalidRequirement, Requirement

from .errors import ApiError, conflict, exists, invalid, missing

ROOT = Path(__file__).parent.parent.parent
HOME = "/api/2.0/apps"
NAME = re.compile(r"[a-z0-9-]{2,30}")
START = 60.0


@dataclass
class RunningApp:
    """An app; `polls` are left until its compute is there, or its deployment has ended."""

    about: dict[str, Any]
    principal: str
    polls: int
    deployments: list[dict[str, Any]] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """What app.yaml puts into the environment of its process."""
    log: Path = Path()
    """What its process prints."""
    url: str = ""
    """Where its process listens, which in a workspace only the platform's proxy could reach."""


@dataclass
class Apps:
    """Apps by name and workspace files by path. Without `run` a deployment only checks what it would run."""

    apps: dict[str, RunningApp] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    run: bool = False

    def stop(self) -> None:
        for each in self.apps.values():
            if each.process is not None:
                each.process.kill()
                each.process.wait()


routes = APIRouter()


def _app(request: Request, name: str, level: str = "CAN_MANAGE") -> RunningApp:
    emulator = request.app.state.emulator
    caller = emulator.sign_in(request)
    if name not in emulator.apps.apps:
        raise missing(f"App with name {name}")
    if not emulator.serving.allows("apps", name, caller, level):
        raise ApiError(403, "PERMISSION_DENIED", f"{caller} does not have {level} on app '{name}'.")
    found: RunningApp = emulator.apps.apps[name]
    return found


@routes.post(HOME)
async def create(request: Request) -> dict[str, Any]:
    emulator, body = request.app.state.emulator, await request.json()
    caller, name = emulator.sign_in(request), body["name"]
    if not NAME.fullmatch(name):
        raise invalid("An app's name has 2 to 30 lower-case letters, digits and hyphens.")
    if name in emulator.apps.apps:
        raise exists(f"App {name}")
    principal = f"app-{name}"
    emulator.clients[principal] = secrets.token_hex(16)
    emulator.serving.acls["apps", name] = [{"who": caller, "level": "CAN_MANAGE"}]
    emulator.apps.apps[name] = RunningApp(body, principal, emulator.polls)
    _grant(emulator, emulator.apps.apps[name])
    return _described(emulator.apps.apps[name])


@routes.get(f"{HOME}/{{name}}")
async def describe(request: Request, name: str) -> dict[str, Any]:
    app = _app(request, name)
    _look(request.app.state.emulator, app)
    return _described(app)


@routes.patch(f"{HOME}/{{name}}")
async def update(request: Request, name: str) -> dict[str, Any]:
    app = _app(request, name)
    app.about = await request.json()
    _grant(request.app.state.emulator, app)
    return _described(app)


@routes.post(f"{HOME}/{{name}}/deployments")
async def deploy(request: Request, name: str) -> dict[str, Any]:
    app, body = _app(request, name), await request.json()
    if app.polls > 0:
        raise invalid("The app's compute is not active.")
    if _under_way(app):
        raise conflict(f"A deployment of app {name} is in progress.")
    made = {**body, "deployment_id": secrets.token_hex(8), "status": {"state": "IN_PROGRESS", "message": "Preparing"}}
    app.deployments.append(made)
    app.polls = request.app.state.emulator.polls
    return made


@routes.get(f"{HOME}/{{name}}/deployments/{{deployment}}")
async def deployment(request: Request, name: str, deployment: str) -> dict[str, Any]:
    app = _app(request, name)
    found = next((each for each in app.deployments if each["deployment_id"] == deployment), None)
    if found is None:
        raise missing(f"Deployment {deployment}")
    _look(request.app.state.emulator, app)
    return found


@routes.post("/api/2.0/workspace/mkdirs")
async def make_directory() -> dict[str, Any]:
    return {}


@routes.post("/api/2.0/workspace/import")
async def upload(request: Request) -> dict[str, Any]:
    emulator = request.app.state.emulator
    form = await request.form()
    path, content = str(form["path"]), form["content"]
    if not path.startswith(f"/Workspace/Users/{emulator.sign_in(request)}/"):
        raise ApiError(403, "PERMISSION_DENIED", f"No permission to write '{path}'.")
    if path in emulator.apps.files and form.get("overwrite") != "true":
        raise exists(path)
    emulator.apps.files[path] = content.encode() if isinstance(content, str) else await content.read()
    await form.close()
    return {}


@routes.get("/api/2.0/workspace/export")
async def download(request: Request, path: str) -> Response:
    files = request.app.state.emulator.apps.files
    if path not in files:
        raise missing(f"Path ({path})")
    return Response(files[path], media_type="application/octet-stream")


def _under_way(app: RunningApp) -> dict[str, Any] | None:
    return next((each for each in app.deployments if each["status"]["state"] == "IN_PROGRESS"), None)


def _look(emulator: Any, app: RunningApp) -> None:
    """Each look brings on what is under way."""
    app.polls -= 1
    if (pending := _under_way(app)) is None:
        app.polls = max(0, app.polls)
    elif app.polls == -1:
        threading.Thread(target=_start, args=(emulator, app, pending), daemon=True).start()


def _described(app: RunningApp) -> dict[str, Any]:
    done = [each for each in app.deployments if each["status"]["state"] == "SUCCEEDED"]
    found: dict[str, Any] = {
        **app.about,
        "service_principal_client_id": app.principal,
        "compute_status": {"state": "STARTING" if app.polls > 0 and not app.deployments else "ACTIVE"},
    }
    pending = _under_way(app)
    found |= {"pending_deployment": pending} if pending else {}
    return {**found, "active_deployment": done[-1]} if done else found


def _grant(emulator: Any, app: RunningApp) -> None:
    """Give the app's principal what its resources name."""
    for each in app.about.get("resources", []):
        if table := each.get("uc_securable"):
            name = table["securable_full_name"]
            if name not in emulator.search.indexes:
                raise missing(f"Table '{name}'")
            allowed = emulator.search.indexes[name].allowed
            if allowed is not None:
                allowed.add(app.principal)
        if endpoint := each.get("serving_endpoint"):
            if endpoint["name"] not in emulator.models.endpoints:
                raise missing(f"Endpoint '{endpoint['name']}'")
            known = emulator.models.endpoints[endpoint["name"]]
            if known.allowed is not None:
                known.allowed.add(app.principal)


def _start(emulator: Any, app: RunningApp, deployment: dict[str, Any]) -> None:
    """Run the command of app.yaml, and say what came of it in the deployment's status."""
    status = _started(emulator, app, deployment)
    app.polls, deployment["status"] = 0, status


def _started(emulator: Any, app: RunningApp, deployment: dict[str, Any]) -> dict[str, str]:
    source = deployment["source_code_path"]
    config = yaml.safe_load(emulator.apps.files.get(f"{source}/app.yaml", b""))
    if not config or f"{source}/requirements.txt" not in emulator.apps.files:
        return {"state": "FAILED", "message": "app.yaml or requirements.txt is missing"}
    try:
        Requirement(emulator.apps.files[f"{source}/requirements.txt"].decode().strip())
    except InvalidRequirement:
        return {"state": "FAILED", "message": "pip could not read requirements.txt"}
    resources = {each["name"]: each for each in app.about.get("resources", [])}
    variables = {}
    for each in config["env"]:
        if "valueFrom" in each and each["valueFrom"] not in resources:
            return {"state": "FAILED", "message": f"There is no resource {each['valueFrom']}"}
        given = resources.get(each.get("valueFrom", ""), {})
        secret, table = given.get("secret"), given.get("uc_securable", {}).get("securable_full_name")
        told = f"the secret {secret['scope']}/{secret['key']}" if secret else table
        variables[each["name"]] = told or each["value"]
    app.variables = variables
    if not emulator.apps.run:
        return {"state": "SUCCEEDED", "message": "App started"}
    return _run(emulator, app, config["command"], variables)


def _run(emulator: Any, app: RunningApp, command: list[str], variables: dict[str, str]) -> dict[str, str]:
    if app.process is not None:
        app.process.kill()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    app.url = f"http://127.0.0.1:{port}"
    platform = {
        "DATABRICKS_HOST": emulator.url,
        "DATABRICKS_CLIENT_ID": app.principal,
        "DATABRICKS_CLIENT_SECRET": emulator.clients[app.principal],
        "DATABRICKS_APP_NAME": app.about["name"],
        "DATABRICKS_APP_PORT": str(port),
        "DATABRICKS_CONFIG_FILE": "/nonexistent",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    kept |= {"PATH": f"{Path(sys.executable).parent}:{kept['PATH']}", "PYTHONPATH": str(ROOT)}
    folder = tempfile.mkdtemp(prefix="emulated-app-")
    app.log = Path(folder, "log")
    with app.log.open("wb") as log:
        app.process = subprocess.Popen(
            command, cwd=folder, env={**kept, **platform, **variables}, stdout=log, stderr=subprocess.STDOUT
        )
    until = time.monotonic() + START
    while time.monotonic() < until and app.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return {"state": "SUCCEEDED", "message": "App started"}
    return {"state": "FAILED", "message": app.log.read_text("utf-8")[-500:] or "App exited"}
