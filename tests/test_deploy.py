"""The files by which Warrant is deployed: valid by their schemas, and true to the locks and the settings."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from support import ROOT

from warrant import warrant

BIN = Path(sys.executable).parent
DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml" for name in ("bug", "feature")]


def schema(name: str, *files: Path) -> list[str]:
    return ["check-jsonschema", "--builtin-schema", f"vendor.{name}", *map(str, files)]


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "warrant.yaml").read_text("utf-8")))


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", str(DEPLOY / "Dockerfile")],
        ["kubernetes-validate", "--strict", str(DEPLOY / "kubernetes" / "warrant.yaml")],
        schema("compose-spec", DEPLOY / "compose.yaml"),
        schema("github-workflows", *WORKFLOWS),
        schema("github-issue-forms", *FORMS),
    ],
    ids=lambda command: f"{command[0]} {Path(command[-1]).name}",
)
def test_a_linter_finds_nothing(command: list[str]) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_builds_with_what_the_lock_holds() -> None:
    pins = dict(re.findall(r"^([a-z-]+)==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"\b(uv|hatchling)==(\S+)", (DEPLOY / "Dockerfile").read_text("utf-8"))
    assert dict(named) == {name: pins[name] for name in ("uv", "hatchling")}


def test_the_servers_lock_holds_versions_of_the_whole_lock() -> None:
    whole, server = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-serve.lock")
    )
    assert len(server) > 100
    assert server <= whole


def test_the_container_copies_all_that_the_wheel_holds() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for name in ("warrant.py", "graph", "server", "evals", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"):
        assert re.search(rf"^COPY .*\b{re.escape(name)}", text, re.MULTILINE), name
        assert f"!{name}" in ignored


def test_a_pod_has_time_to_drain_and_mounts_the_index_read_only() -> None:
    [deployment] = [each for each in documents() if each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    drain = next(int(each["value"]) for each in container["env"] if each["name"] == "WARRANT_DRAIN")
    wait = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > wait + drain
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert next(each for each in container["volumeMounts"] if each["name"] == "index")["readOnly"] is True
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}


def test_compose_gives_the_server_time_to_drain() -> None:
    from server.settings import ServerSettings

    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["warrant"]
    assert int(service["stop_grace_period"].removesuffix("s")) > ServerSettings.model_fields["drain"].default


def test_every_setting_that_is_deployed_is_one() -> None:
    from graph.settings import Settings
    from server.settings import ServerSettings

    known = {f"WARRANT_{name.upper()}" for kind in (Settings, ServerSettings) for name in kind.model_fields}
    files = [DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", DEPLOY / "kubernetes" / "warrant.yaml"]
    named = {name for file in files for name in re.findall(r"\bWARRANT_[A-Z_]+", file.read_text("utf-8"))}
    assert named - known == set()


BUNDLE = yaml.safe_load((DEPLOY / "databricks" / "databricks.yml").read_text("utf-8"))
DOCUMENTED = {
    "bundle",
    "variables",
    "resources",
    "targets",
    "include",
    "permissions",
    "run_as",
    "workspace",
    "artifacts",
}
OF_A_TARGET = {"mode", "default", "variables", "run_as", "workspace", "permissions", "resources", "presets"}


def bundle_jobs() -> dict[str, dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = BUNDLE["resources"]["jobs"]
    return jobs


def test_each_resource_of_the_bundle_is_what_its_api_takes() -> None:
    """A bundle's resources have the fields of the API that creates them, which the SDK knows."""
    pytest.importorskip("databricks.sdk")
    from databricks.sdk.service import catalog, jobs

    apis: dict[str, Any] = {
        "jobs": jobs.JobSettings,
        "schemas": catalog.SchemaInfo,
        "volumes": catalog.VolumeInfo,
        "registered_models": catalog.RegisteredModelInfo,
    }
    assert set(BUNDLE) <= DOCUMENTED
    assert list(BUNDLE["targets"]) == ["dev", "staging", "prod"]
    assert all(set(target) <= OF_A_TARGET for target in BUNDLE["targets"].values())
    for kind, resources in BUNDLE["resources"].items():
        for name, resource in resources.items():
            plain = {key: value for key, value in resource.items() if key not in ("permissions", "grants")}
            assert apis[kind].from_dict(plain).as_dict() == plain, name
            for grant in resource.get("grants", []):
                assert set(grant["privileges"]) <= set(catalog.Privilege.__members__)
            for each in resource.get("permissions", []):
                assert each["level"] in jobs.JobPermissionLevel.__members__


def test_what_the_bundle_refers_to_is_in_it() -> None:
    text = (DEPLOY / "databricks" / "databricks.yml").read_text("utf-8")
    assert {name for name in re.findall(r"\$\{var\.(\w+)\}", text)} <= set(BUNDLE["variables"])
    for kind, name in re.findall(r"\$\{resources\.(\w+)\.(\w+)\.", text):
        assert name in BUNDLE["resources"][kind]


@pytest.mark.parametrize("job", ["index", "promote", "app"])
def test_each_task_of_the_bundle_is_a_command(job: str) -> None:
    for task in bundle_jobs()[job]["tasks"]:
        words = [each for each in task["spark_python_task"]["parameters"] if not each.startswith("WARRANT_")]
        for line in " ".join(words).replace("{{job.parameters.model_version}}", "7").split(" + "):
            check_command(line.split())


def check_command(words: list[str]) -> None:
    """Raises UsageError for a command that is not there, or has no such option."""
    command: click.Command | None = warrant
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None
    command.make_context(str(command.name), words)


def test_the_deployment_file_of_the_bundle_is_one() -> None:
    from graph.databricks.deployment import read_deployment

    file = read_deployment(DEPLOY / "databricks" / "deployment.yaml")
    assert file.endpoint.capacity["max_provisioned_concurrency"] == 16


@pytest.mark.parametrize(
    ("file", "concurrency"),
    [
        ({}, (4, 12)),
        ({"scale_to_zero": True}, (0, 12)),
        ({"size": "Medium"}, None),
        ({"min_workers": 1, "max_workers": 1}, (4, 4)),
    ],
)
def test_an_endpoint_is_provisioned_for_the_questions_of_a_worker(
    file: dict[str, Any], concurrency: tuple[int, int] | None
) -> None:
    from graph.databricks.deployment import EndpointFile

    sent = EndpointFile(**file).provisioned(10).capacity
    found = (sent.get("min_provisioned_concurrency"), sent.get("max_provisioned_concurrency"))
    assert found == (concurrency or (None, None))


@pytest.mark.slow
def test_the_commands_of_the_container_work_in_a_clean_environment() -> None:
    done = subprocess.run([ROOT / "scripts" / "check-container"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked: index, serve on a read-only index, health check, key, a question and SIGTERM" in done.stdout
