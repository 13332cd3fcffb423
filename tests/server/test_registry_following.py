"""`warrant serve` over a real MLflow registry: every worker follows its aliases."""

import os
from collections import Counter
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient
from server_under_test import until, warrant_serve
from versions_under_test import MODEL, Made

from graph.registry.log_model import tracking, version_tags
from graph.registry.package import pack
from graph.release import Prompts, Release

pytestmark = pytest.mark.slow
PENSION = {"input": {"question": "Do penguins like music?"}}


def log(made: Made, release: Release, index: Path) -> int:
    """Register a package that answers, without the examples that MLflow would ask first."""
    root = made.place / release.name
    root.mkdir()
    packed = pack(root, release, index, external=False)
    (root / "code").mkdir()
    for name in ("graph", "release.yaml", "snapshot"):
        (root / name).rename(root / "code" / name)
    client, artifacts = MlflowClient(made.uri, made.uri), (made.place / "artifacts").as_uri()
    found = client.get_experiment_by_name(MODEL)
    experiment = found.experiment_id if found else client.create_experiment(MODEL, artifact_location=artifacts)
    run = client.create_run(experiment).info.run_id
    model = client.create_logged_model(experiment, name=MODEL, source_run_id=run).model_id
    client.log_model_artifacts(model, str(root))
    client.finalize_logged_model(model, "READY")
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL)
    with tracking(made.uri):
        tags = version_tags(packed)
        return int(client.create_model_version(MODEL, f"models:/{model}", run, tags=tags, model_id=model).version)


def promote(made: Made, number: int) -> None:
    done = made.run("promote", number, "--to", "production", "-t", "CHG-1", "--override", "a test", "--approver", "ann")
    assert done.returncode == 0, done.stderr


def answers(url: str, count: int) -> Counter[str]:
    """How often each version answered, each question on a connection of its own."""
    found: Counter[str] = Counter()
    for _ in range(count):
        reply = httpx.post(f"{url}/rag/invoke", json=PENSION, timeout=60)
        assert reply.status_code == 200, reply.text
        answer = reply.json()["output"]
        assert answer["text"] == f"{answer['release'].partition('@')[0]} does not know."
        found[answer["version"]] += 1
    return found


def test_every_worker_follows_promotion_and_rollback_and_starts_without_the_registry(
    made: Made, quick_handbook: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        prompts = Prompts(declined=f"{name} does not know.")
        log(made, Release(name=name, embedding="wordllama-256", prompts=prompts), quick_handbook)
    promote(made, 1)
    environment = {
        "WARRANT_REGISTRY": made.uri,
        "WARRANT_POLL": "0.5",
        "WARRANT_STATE": str(tmp_path / "state"),
        "WARRANT_THREADS": "1",
    }
    with warrant_serve("--workers", "2", **environment) as (url, _):
        assert set(answers(url, 12)) == {"1"}
        promote(made, 2)
        until(lambda: set(answers(url, 12)) == {"2"}, seconds=60)
        assert made.run("rollback", "--reason", "worse").returncode == 0
        until(lambda: set(answers(url, 12)) == {"1"}, seconds=60)
    away = {**environment, "WARRANT_REGISTRY": "http://localhost:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    with warrant_serve(**away) as (url, _):
        assert set(answers(url, 3)) == {"1"}
        ready = httpx.get(f"{url}/readyz", timeout=60).json()
        assert (ready["registry"], ready["override"]) == ("away", "a test")


def test_a_server_that_may_serve_nothing_says_why(made: Made, quick_handbook: Path, tmp_path: Path) -> None:
    log(made, Release(name="one", embedding="wordllama-256"), quick_handbook)
    made.client.set_registered_model_alias(MODEL, "production", "1")
    environment = {"WARRANT_REGISTRY": made.uri, "WARRANT_STATE": str(tmp_path / "state")}
    with (
        pytest.raises(AssertionError, match=r"There is nothing to serve: production: v1 may not be served"),
        warrant_serve(**{**os.environ, **environment}),
    ):
        pass
