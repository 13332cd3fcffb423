"""A release as `warrant release log` logs it, loaded by people who have only MLflow and its requirements."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from support import ROOT

from graph.registry.log_model import tracking

pytestmark = pytest.mark.slow

HOTEL = "What is the hotel limit in the EU?"
UV = Path(sys.executable).with_name("uv")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
PREAMBLE = """
import json, logging, warnings
warnings.simplefilter("ignore")
import mlflow, pandas
logging.disable(logging.WARNING)
QUESTION = {question!r}
def told(rows):
    return [row["error"]["code"] if row["error"] else row["answer"]["text"] for row in rows]
"""
NOW = "Item: Hotel in the EU, with breakfast; Limit: EUR 145 per night. [1]"
THEN = "Item: Hotel in the EU, with breakfast; Limit: EUR 110 per night. [1]"


@dataclass(frozen=True)
class Registry:
    """Where the version was registered, what the command said, and a Python made from the version's requirements.

    These read no database, so that `model` and `agent` are folders to which the versions were fetched, as MLflow itself
    does before it serves a model in an environment of its own.
    """

    uri: str
    said: str
    place: Path
    python: Path

    @property
    def model(self) -> Path:
        return self.place / "model"

    def run(self, code: str) -> Any:
        """Run code outside of the project, in the version's own environment; gives the JSON that it prints last."""
        program = PREAMBLE.format(question=HOTEL) + code
        told = ENVIRONMENT | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        done = subprocess.run([self.python, "-c", program], capture_output=True, text=True, cwd=self.place, env=told)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])


def warrant(*arguments: str | Path, place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "warrant.py"), *map(str, arguments)]
    told = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(command, capture_output=True, text=True, cwd=place, env=told)


@pytest.fixture(scope="module")
def registry(handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    place = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{place}/mlflow.db"
    (place / "metrics.json").write_text('{"groundedness": 0.93}')
    (place / "samples.jsonl").write_text('{"question": "Who?"}\n')
    told = ("--metrics", "metrics.json", "--dataset", "samples.jsonl", "--cross-check", "--agent")
    done = warrant("release", "log", "-i", handbook, "--registry", uri, "-q", HOTEL, *told, place=place)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "1\n"
    with tracking(uri):
        for name, folder in (("warrant", "model"), ("warrant-agent", "agent")):
            mlflow.artifacts.download_artifacts(f"models:/{name}/1", dst_path=str(place / folder))
    return Registry(uri, done.stderr, place, _own_environment(place))


def _own_environment(place: Path) -> Path:
    """A virtual environment with nothing but the version's requirements, from what `make setup` fetched."""
    requirements = next(place.rglob("requirements.txt"))
    python = place / "venv" / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", place / "venv", "--python", sys.executable], check=True)
    options = ["--quiet", "--offline", "--no-deps", "--python", str(python), "-r", str(requirements)]
    command = [str(UV), "pip", "install", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"uv's cache does not have all wheels: {done.stderr.strip()[-200:]}")
    return python


def test_the_command_says_what_it_did(registry: Registry) -> None:
    assert "warrant v1: default@" in registry.said
    assert "1 questions answered alike" in " ".join(registry.said.split())


def test_the_same_release_is_not_logged_twice(registry: Registry, handbook: Path) -> None:
    done = warrant("release", "log", "-i", handbook, "--registry", registry.uri, place=registry.place)
    assert done.stdout == "1\n"
    assert "is the same" in done.stderr


OUTSIDE = """
import asyncio
graph = mlflow.langchain.load_model("model")
async def ask():
    whole = await graph.ainvoke({"question": QUESTION})
    parts = [part async for part in graph.astream({"question": QUESTION}, stream_mode="values")]
    return [whole["answer"]["text"], parts[-1]["answer"]["text"]]
found = {"graph": [graph.invoke({"question": QUESTION})["answer"]["text"], *asyncio.run(ask())]}
found["name"] = type(graph).__module__

model = mlflow.pyfunc.load_model("model")
before = {"effective_date": {"lt": "2024-01-01"}}
found["object"] = [
    told(model.predict({"question": QUESTION})),
    told(model.predict({"question": QUESTION, "filters": before})),
    told(model.predict({"question": "And in Switzerland?", "history": []})),
]
found["list"] = told(model.predict([{"question": QUESTION, "filters": before}, {"question": QUESTION}]))
found["table"] = told(model.predict(pandas.DataFrame({"question": [QUESTION, QUESTION], "filters": [before, None]})))
found["bad rows"] = told(model.predict(
    [{"question": QUESTION}, {"question": "?"}, {"question": None}, {"question": "x" * 33_000}]
))
found["bad filter"] = told(model.predict(
    [{"question": QUESTION, "filters": {"nowhere": 1}}, {"question": QUESTION, "filters": {}}]
))
found["nothing asked"] = model.predict({"query": QUESTION})
found["refused"] = []
for wrong in ({"question": 5}, {"question": QUESTION, "history": "yes"}):
    try:
        found["refused"].append(str(model.predict(wrong)))
    except mlflow.MlflowException as error:
        found["refused"].append(str(error).partition("Error: ")[2])

agent = mlflow.pyfunc.load_model("agent")
asked = {"input": [{"role": "user", "content": QUESTION}]}
found["agent"] = [agent.predict(asked), agent.predict(asked | {"custom_inputs": {"filters": before}})]
found["events"] = list(agent.predict_stream(asked))

print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def outside(registry: Registry) -> Any:
    """What a program found that has MLflow and the version's requirements, and nothing of the project."""
    return registry.run(OUTSIDE)


def test_the_graph_answers_in_every_way_outside_of_the_project(outside: Any) -> None:
    assert outside["graph"] == [NOW] * 3
    assert outside["name"].startswith("graph_")


def test_pyfunc_takes_an_object_a_list_and_a_table(outside: Any) -> None:
    now, then = NOW, THEN
    assert outside["object"][:2] == [[now], [then]]
    assert len(outside["object"][2]) == 1
    assert outside["list"] == outside["table"] == [then, now]


def test_one_bad_row_does_not_fail_the_others(outside: Any) -> None:
    assert outside["bad rows"] == [NOW, *["QuestionInvalid"] * 3]
    assert outside["bad filter"] == ["FilterInvalid", NOW]


def test_the_signature_refuses_what_is_no_question_and_says_why(outside: Any) -> None:
    number, history = outside["refused"]
    assert outside["nothing asked"] == []
    assert "Incompatible input types for column question" in number
    assert "Expected data to be list" in history


def test_the_version_says_what_it_is(registry: Registry) -> None:
    client = MlflowClient(registry.uri, registry.uri)
    version = client.get_model_version("warrant", "1")
    run = client.get_run(str(version.run_id))
    names = ("digest", "release", "code", "snapshot", "commit", "who")
    assert set(version.tags) == {f"warrant.{name}" for name in names}
    wanted = {"reranking.passages": "6", "generation.temperature": "0.0", "chunking.target_tokens": "256"}
    assert wanted.items() <= run.data.params.items()
    assert run.data.params["models.simple"] == "extractive"
    assert run.data.metrics["groundedness"] == 0.93
    assert run.data.metrics["documents"] > 40
    assert run.inputs
    inputs = {each.dataset.name: each.tags[0].value for each in run.inputs.dataset_inputs}
    assert inputs == {f"snapshot-{version.tags['warrant.snapshot']}": "index", "samples.jsonl": "evaluation"}
    about = mlflow.models.Model.load(str(registry.model))
    assert about.signature
    assert about.signature.inputs.input_names()[:4] == [0, "question", "filters", "history"]
    assert about.saved_input_example_info
    assert not [*registry.model.rglob("*.pkl")]


def test_its_environment_is_small(registry: Registry) -> None:
    lines = (registry.model / "requirements.txt").read_text().splitlines()
    assert len(lines) < 110
    assert not {line.partition("==")[0] for line in lines} & {
        "mlflow",
        "scipy",
        "matplotlib",
        "kreuzberg",
        "sqlalchemy",
    }


def test_the_same_release_answers_as_a_responses_agent(outside: Any) -> None:
    whole, then = outside["agent"]
    content = whole["output"][0]["content"][0]
    assert content["text"] == NOW
    assert content["annotations"][0]["url"] == whole["custom_outputs"]["citations"][0]["file"]
    assert content["annotations"][0]["start_index"] == len(NOW) - len("[1]")
    assert then["output"][0]["content"][0]["text"] == THEN
    deltas = [event["delta"] for event in outside["events"] if event["type"] == "response.output_text.delta"]
    assert "".join(deltas) == NOW
    assert outside["events"][-1]["item"]["content"][0]["text"] == NOW


@pytest.fixture(scope="module")
def endpoint(registry: Registry) -> Iterator[str]:
    """`mlflow models serve` over the version, in its own environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    binaries = registry.python.parent
    told = ENVIRONMENT | {"PATH": f"{binaries}:{os.environ['PATH']}"}
    told["MLFLOW_DISABLE_TELEMETRY"] = "true"
    options = ["-m", str(registry.model), "--env-manager", "local", "--port", str(port)]
    command = [str(binaries / "mlflow"), "models", "serve", *options]
    with (registry.place / "served.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=registry.place, env=told, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _await(f"http://127.0.0.1:{port}/ping", process, registry.place / "served.log")
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(process.pid, 9)
            process.wait()


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url, timeout=60).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise AssertionError(log.read_text()[-3000:])


def test_mlflow_serves_it_over_http(endpoint: str) -> None:
    asked = {"dataframe_records": [{"question": HOTEL}, {"question": "?"}]}
    rows = httpx.post(endpoint, json=asked, timeout=60).json()
    rows = rows["predictions"] if isinstance(rows, dict) else rows
    assert rows[0]["answer"]["text"] == NOW
    assert rows[0]["answer"]["citations"][0]["quote"]
    assert rows[1]["error"]["code"] == "QuestionInvalid"


def test_mlflow_tells_over_http_what_is_wrong(endpoint: str) -> None:
    reply = httpx.post(endpoint, json={"question": HOTEL}, timeout=60)
    assert reply.status_code == 400
    assert "inputs" in reply.text


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"role": "user", "content": HOTEL}]},
        {"input": [{"role": "user", "content": HOTEL}]},
        {"inputs": [HOTEL]},
    ],
)
def test_conversations_and_texts_are_asked_over_http(endpoint: str, asked: Any) -> None:
    rows = httpx.post(endpoint, json=asked, timeout=60).json()
    rows = rows["predictions"] if isinstance(rows, dict) else rows
    assert rows[0]["answer"]["text"] == NOW


def test_a_log_that_is_killed_leaves_no_version_and_can_be_repeated(handbook: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    command = [sys.executable, str(ROOT / "warrant.py"), "release", "log", "-i", str(handbook), "--registry", uri]
    told = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=tmp_path, env=told, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list(tmp_path.glob("artifacts/models/*/artifacts/MLmodel")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, 9)
    process.wait()
    assert MlflowClient(uri, uri).search_model_versions() == []
    done = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    versions = MlflowClient(uri, uri).search_model_versions("name = 'warrant'")
    assert [str(each.version) for each in versions] == ["1"]
    assert len(versions[0].tags["warrant.digest"]) == 64
