"""The files by which Warrant is deployed: valid by their schemas, and true to the locks and the settings."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT

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


@pytest.mark.slow
def test_the_commands_of_the_container_work_in_a_clean_environment() -> None:
    done = subprocess.run([ROOT / "scripts" / "check-container"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked: index, serve on a read-only index, health check, key, a question and SIGTERM" in done.stdout
