"""The Databricks job: its tasks' own commands, in their order, on a registry here."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import QUICK, ROOT, run_index
from versions_under_test import ENVIRONMENT, MODEL, Made, command

from evals.dataset import Sample, write_dataset
from graph.registry.client import open_registry
from graph.release import Release

pytestmark = pytest.mark.slow
JOB = ROOT / "deploy" / "databricks" / "databricks.yml"
VOLUME = "/Volumes/${var.catalog}/${resources.schemas.warrant.name}/files"
LIMITS = '[[threshold]]\nmetric = "context_recall"\nfloor = 0.5\nmargin = 0.5\n'


def tasks() -> dict[str, dict[str, Any]]:
    told = yaml.safe_load(JOB.read_text("utf-8"))["resources"]["jobs"]["promote"]["tasks"]
    return {task["task_key"]: task for task in told}


def run_task(made: Made, key: str, version: str) -> subprocess.CompletedProcess[str]:
    """Run one task as Databricks would, with its references resolved."""
    told = tasks()[key]["spark_python_task"]
    known = {
        "{{job.parameters.model_version}}": version,
        "{{job.parameters.model_name}}": MODEL,
        "{{job.parameters.approver}}": "ann",
        "{{job.run_id}}": "77",
        "{{task.name}}": key,
        VOLUME: str(made.place),
        "--registry=databricks-uc": f"--registry={made.uri}",
    }
    line = [sys.executable, str(JOB.parent / told["python_file"]), *told["parameters"]]
    for name, value in known.items():
        line = [part.replace(name, value) for part in line]
    assert not [part for part in line if "{{" in part or "${" in part]
    world = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "WARRANT_USER": "job", "WARRANT_THREADS": "1", "COLUMNS": "160"}
    return subprocess.run(line, cwd=made.place, env=world, capture_output=True, text=True, timeout=300)


@pytest.fixture
def logged(made: Made) -> Made:
    """Two real versions of a release over two documents, the first in production, and what they are asked."""
    docs = made.place / "docs"
    docs.mkdir()
    for number, name in enumerate(("Pumps", "Seals"), 1):
        (docs / f"{name}.md").write_text(f"# {name}\n\n{name} are replaced every {number} years.\n", "utf-8")
    run_index(docs, made.place / "store")
    for each in (QUICK, Release(name="better", embedding="wordllama-256")):
        (made.place / "release.yaml").write_text(yaml.safe_dump({"name": each.name, "embedding": each.embedding}))
        done = command(
            *("release", "log", "--release", "release.yaml", "--index", "store", "--registry", made.uri),
            place=made.place,
        )
        assert done.returncode == 0, done.stderr
    first = ("--to", "production", "-t", "A-1", "--override", "first", "--approver", "ann")
    assert made.run("promote", 1, *first).returncode == 0
    samples = [
        Sample(
            id=f"s{n}",
            question=f"How often are {name} replaced? ({n})",
            answerable=True,
            documents=(f"docs/{name}.md",),
            cluster=f"s{n}",
        )
        for n, name in enumerate(["Pumps", "Seals"] * 6)
    ]
    write_dataset(made.place / "dataset.jsonl", samples)
    (made.place / "thresholds.toml").write_text(LIMITS, "utf-8")
    return made


def test_a_version_is_evaluated_waits_for_a_person_and_is_promoted(logged: Made) -> None:
    assert list(tasks()) == ["evaluate", "approval", "deploy", "endpoint"]
    evaluated = run_task(logged, "evaluate", "2")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "PASS  better@" in evaluated.stderr
    waiting = run_task(logged, "approval", "2")
    assert waiting.returncode != 0
    assert "v2 is not approved: it has no tag 'approval'" in waiting.stderr
    logged.client.set_model_version_tag(MODEL, "2", "approval", "Approved")
    assert run_task(logged, "approval", "2").returncode == 0
    deployed = run_task(logged, "deploy", "2")
    assert deployed.returncode == 0, deployed.stderr
    registry = open_registry(logged.uri, MODEL)
    warrant = registry.warrant(registry.version(2))
    assert registry.placement().production == 2
    assert warrant is not None
    assert (warrant.approver, warrant.ticket, warrant.champion and warrant.champion.version) == ("ann", "job-77", 1)


def test_a_task_fails_when_its_command_does(made: Made) -> None:
    made.add(QUICK)
    made.client.set_model_version_tag(MODEL, "1", "approval", "rejected")
    done = run_task(made, "approval", "1")
    assert done.returncode != 0
    assert "its tag 'approval' says 'rejected'" in done.stderr
    assert "warrant release approved ended with 1." in done.stderr


def test_each_task_waits_for_the_one_before() -> None:
    told = tasks()
    assert [[each["task_key"] for each in task.get("depends_on", [])] for task in told.values()] == [
        [],
        ["evaluate"],
        ["approval"],
        ["deploy"],
    ]
    environments = yaml.safe_load(JOB.read_text("utf-8"))["resources"]["jobs"]["promote"]["environments"]
    assert {task["environment_key"] for task in told.values()} == {each["environment_key"] for each in environments}


def test_the_file_that_runs_a_task_is_there() -> None:
    assert {task["spark_python_task"]["python_file"] for task in tasks().values()} == {"run_warrant.py"}
    assert Path(JOB.parent / "run_warrant.py").is_file()
