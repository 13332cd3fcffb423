"""A real `mlflow server` over HTTP: releases are logged to it, and its webhook tells ours that an alias was moved."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from cryptography.fernet import Fernet
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent
from server_under_test import free_port, key_file, until, warrant_serve
from versions_under_test import ENVIRONMENT, MODEL, command

from graph.registry.client import Registry
from graph.release import Prompts, Release

pytestmark = pytest.mark.slow
PENSION = {"input": {"question": "Do penguins like music?"}}
ANN = {"authorization": "Bearer key-of-ann"}
LOCAL = {
    "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
"""MLflow sends to https on public addresses alone, and sees new webhooks after a minute, unless told otherwise."""


@contextmanager
def mlflow_server(empty: Path, place: Path) -> Iterator[str]:
    """MLflow's own server on a free port, with artifacts through it."""
    (place / "mlflow.db").write_bytes(empty.read_bytes())
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri"]
    stores = [f"sqlite:///{place}/mlflow.db", "--artifacts-destination", str(place / "artifacts")]
    line = [sys.executable, "-m", "mlflow", "server", *arguments, *stores]
    with (place / "mlflow.log").open("w") as log:
        process = subprocess.Popen(line, env={**os.environ, **LOCAL}, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: _answers(f"http://127.0.0.1:{port}/health"), seconds=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def log(uri: str, name: str, index: Path, place: Path) -> None:
    """Log a release that says its own name when it declines, by the command."""
    release = Release(name=name, embedding="wordllama-256", prompts=Prompts(declined=f"{name} does not know."))
    (place / f"{name}.yaml").write_text(yaml.safe_dump(release.model_dump(mode="json")), "utf-8")
    arguments = ("--release", f"{name}.yaml", "--index", index, "--registry", uri)
    done = command("release", "log", *arguments, place=place)
    assert done.returncode == 0, done.stdout + done.stderr


def promote(uri: str, version: str, place: Path) -> None:
    arguments = ("--to", "production", "-t", "CHG-1", "--override", "a test", "--approver", "ann", "--registry", uri)
    done = command("promote", version, *arguments, place=place)
    assert done.returncode == 0, done.stderr


def served(url: str) -> str:
    reply = httpx.post(f"{url}/rag/invoke", json=PENSION, headers=ANN, timeout=60)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["output"]["text"])


def test_a_moved_alias_reaches_the_server_by_mlflows_webhook(empty: Path, quick_handbook: Path, tmp_path: Path) -> None:
    with mlflow_server(empty, tmp_path) as uri:
        for name in ("one", "two"):
            log(uri, name, quick_handbook, tmp_path)
        promote(uri, "v1", tmp_path)
        environment = {
            **ENVIRONMENT,
            "WARRANT_REGISTRY": uri,
            "WARRANT_POLL": "3600",
            "WARRANT_STATE": str(tmp_path / "state"),
            "WARRANT_KEYS": str(key_file(tmp_path / "keys.yaml", ann="key-of-ann")),
            "WARRANT_WEBHOOK_SECRET": "s3cret",
            "WARRANT_THREADS": "1",
            "WARRANT_LOG_LEVEL": "error",
        }
        with warrant_serve("--workers", "2", **environment) as (url, _):
            assert served(url) == "one does not know."
            moved = WebhookEvent(WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED)
            MlflowClient(uri, uri).create_webhook("warrant", f"{url}/admin/webhook", [moved], secret="s3cret")
            promote(uri, "v2", tmp_path)
            until(lambda: {served(url) for _ in range(8)} == {"two does not know."}, seconds=60)
    trail = Registry(f"sqlite:///{tmp_path}/mlflow.db", MODEL).transitions()
    assert [(move.action, move.version, move.state) for move in trail] == [
        ("promote", 1, "done"),
        ("promote", 2, "done"),
    ]
