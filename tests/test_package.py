"""The wheel, installed where the repository is not: what is in it, and that it does its work there."""

import email
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
from support import HANDBOOK, ROOT

QUESTION = "After how many years are laptops replaced?"
LOAD = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1]); mlflow.set_registry_uri(sys.argv[1])
[reply] = mlflow.pyfunc.load_model("models:/warrant/1").predict([{"question": sys.argv[2]}])
print(json.dumps(reply["answer"]["status"]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


class Installed:
    """The wheel in a virtual environment of its own; the packages that it needs are those of this environment."""

    def __init__(self, wheel: Path, home: Path) -> None:
        self.home = home
        venv = home / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        self.bin = venv / "bin"
        install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
        subprocess.run([*install, "--python", str(self.bin / "python"), str(wheel)], check=True)
        # A path in a .pth file is searched, but the .pth files in it are not read: this repository stays out of reach.
        [packages] = venv.glob("lib/python*/site-packages")
        (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        shutil.copytree(HANDBOOK, home / "handbook")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("WARRANT_", "PYTHON"))}
        self.environment = {**kept, "PATH": f"{self.bin}:/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true"}

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.bin / arguments[0]), *arguments[1:]],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """With the sample handbook indexed."""
    there = Installed(wheel, tmp_path_factory.mktemp("elsewhere"))
    there.run("warrant", "index", "handbook", "--out", "store")
    return there


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"warrant.py", "graph", "server", "evals", "warrant_rag-0.1.0.dist-info"}
    assert [name for name in names if re.search(r"(^|/)tests?(_|/|$)", name)] == []
    assert {f"{package}/py.typed" for package in ("graph", "server", "evals")} <= set(names)
    assert {"warrant_rag-0.1.0.dist-info/licenses/LICENSE", "graph/prompts/answer.md"} <= set(names)
    assert {"server/static/index.html", "evals/thresholds.toml"} <= set(names)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        about = email.message_from_bytes(files.read("warrant_rag-0.1.0.dist-info/METADATA"))
    assert (about["Name"], about["License-Expression"], about["Requires-Python"]) == (
        "warrant-rag",
        "Apache-2.0",
        ">=3.11",
    )
    assert {"Typing :: Typed", "Programming Language :: Python :: 3.13"} <= set(about.get_all("Classifier", []))
    assert about["Description-Content-Type"] == "text/markdown"
    assert not [line for line in about.get_all("Requires-Dist", []) if "@" in line or line.startswith("warrant ")]


def test_every_install_hint_names_an_extra_that_there_is() -> None:
    extras = set(re.findall(r"^([a-z-]+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
    named: set[str] = set()
    for path in [
        ROOT / "warrant.py",
        *(path for room in ("graph", "server", "evals") for path in (ROOT / room).rglob("*.py")),
    ]:
        text = path.read_text("utf-8")
        assert "'warrant[" not in text
        named |= {each for hint in re.findall(r"warrant-rag\[([a-z,-]+)\]", text) for each in hint.split(",")}
    assert named
    assert named <= extras


@pytest.mark.slow
def test_it_tells_its_version_and_runs_code_of_its_own(installed: Installed) -> None:
    assert installed.run("warrant", "--version") == "warrant, version 0.1.0\n"
    where = installed.run(
        "python", "-c", "import graph, server, evals; print(graph.__file__, server.__file__, evals.__file__)"
    )
    assert all(Path(path).is_relative_to(installed.home) for path in where.split())


@pytest.mark.slow
def test_it_indexes_and_answers(installed: Installed) -> None:
    answer = json.loads(installed.run("warrant", "ask", QUESTION, "--index", "store", "--json"))
    assert (answer["status"], len(answer["citations"]) > 0) == ("answered", True)


@pytest.mark.slow
def test_it_serves(installed: Installed) -> None:
    command = [str(installed.bin / "warrant"), "serve", "--index", "store", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=installed.home, env=installed.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        body = json.dumps({"input": {"question": QUESTION}}).encode()
        request = urllib.request.Request(f"{url}/rag/invoke", body, {"content-type": "application/json"})
        assert _ready(url)
        with urllib.request.urlopen(request, timeout=120) as reply:
            assert json.load(reply)["output"]["status"] == "answered"
    finally:
        process.kill()
        process.communicate()


def _ready(url: str) -> bool:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=10) as reply:
                return bool(reply.status == 200)
        except OSError:
            time.sleep(0.2)
    return False


@pytest.mark.slow
def test_a_release_that_was_logged_there_is_loaded_there_by_mlflow(installed: Installed) -> None:
    registry = f"sqlite:///{installed.home}/mlflow.db"
    log = ["release", "log", "--index", "store", "--registry", registry, "--question", QUESTION]
    assert installed.run("warrant", *log) == "1\n"
    assert json.loads(installed.run("python", "-c", LOAD, registry, QUESTION)) == "answered"
