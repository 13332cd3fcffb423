"""Versions of a model in MLflow as `warrant release log` leaves them, but made in milliseconds: nothing can answer."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from support import ROOT

from graph.callers import Caller, Role
from graph.keys import change_keys, new_key
from graph.registry.log_model import tracking
from graph.release import Release
from graph.settings import bound_mlflow

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("WARRANT_")}
MODEL = "warrant"


@dataclass(frozen=True)
class Made:
    """A registry in a SQLite file, and a folder beside it."""

    place: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.place}/mlflow.db"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri, self.uri)

    def add(self, release: Release, metrics: dict[str, float] | None = None, snapshot: str = "s1") -> int:
        """Register a version of a release; gives its number."""
        return add_version(self.client, (self.place / "artifacts").as_uri(), release, metrics or {}, snapshot)

    def run(self, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
        """A command of ours on this registry."""
        return command(*arguments, "--registry", self.uri, place=self.place, **more)

    def json(self, *arguments: object) -> Any:
        """What a command prints as JSON."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def command(*arguments: object, place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    told = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "WARRANT_USER": "alice", "COLUMNS": "160", **more}
    whole = [sys.executable, str(ROOT / "warrant.py"), *map(str, arguments)]
    return subprocess.run(whole, capture_output=True, text=True, cwd=place, env=told, timeout=120)


def add_version(
    client: MlflowClient, artifacts: str | None, release: Release, metrics: dict[str, float], snapshot: str
) -> int:
    bound_mlflow()
    found = client.get_experiment_by_name(MODEL)
    experiment = found.experiment_id if found else client.create_experiment(MODEL, artifact_location=artifacts)
    run = client.create_run(experiment).info.run_id
    for name, value in metrics.items():
        client.log_metric(run, name, value)
    client.log_param(run, "name", release.name)
    model = client.create_logged_model(experiment, name=MODEL, source_run_id=run).model_id
    _log(client, model, yaml.safe_dump(release.model_dump()))
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL)
    tags = {
        "warrant.digest": digest_of(release),
        "warrant.release": release.label,
        "warrant.code": "c" * 64,
        "warrant.snapshot": snapshot,
        "warrant.commit": "f" * 40,
    }
    with tracking(client.tracking_uri):
        return int(client.create_model_version(MODEL, f"models:/{model}", run, tags=tags, model_id=model).version)


def add_key(file: Path, name: str, role: str) -> str:
    """Add a caller to a key file; gives its key."""
    key, added = new_key(Caller(name=name, roles=frozenset((Role(role),))), None)
    change_keys(file, name, added)
    return key


def digest_of(release: Release) -> str:
    """What stands for the digest of a package that is not there."""
    return hashlib.sha256(release.label.encode()).hexdigest()


def _log(client: MlflowClient, model: str, release: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "code").mkdir()
        (Path(folder) / "code" / "release.yaml").write_text(release, "utf-8")
        client.log_model_artifacts(model, folder)
    client.finalize_logged_model(model, "READY")
