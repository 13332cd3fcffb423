"""What `warrant release log` leaves in MLflow, and what its models take, in a process that has MLflow already."""

import importlib.util
import json
import py_compile
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pytest
from mlflow import MlflowClient
from support import QUICK

from graph.errors import PackageBroken
from graph.registry import isolation
from graph.registry.log_model import RunMetadata, tracking
from graph.release import Prompts, Release
from graph.settings import bound_mlflow

if TYPE_CHECKING:
    from graph.registry.log_release import LoggedVersion

# MLflow warns of its own type hints when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore")

HOTEL = "What is the hotel limit in the EU?"
LIMIT = "Item: Hotel in the EU, with breakfast; Limit: EUR 145 per night. [1]"
SAID = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Who approves travel?"},
    {"role": "assistant", "content": "The manager. [1]"},
    {"role": "user", "content": [{"type": "input_text", "text": HOTEL}]},
]
OTHER = QUICK.model_copy(update={"prompts": Prompts(declined="I found nothing.\n")})


@dataclass(frozen=True)
class Logging:
    """A registry in a SQLite file and a Snapshot to log releases over."""

    uri: str
    index: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri, self.uri)

    def log(self, release: Release = QUICK, model: str = "warrant", **options: Any) -> "LoggedVersion":
        from graph.registry.log_release import LogOptions, log_release

        whole = LogOptions(questions=[HOTEL], metadata=RunMetadata(who="ann@host"), **options)
        return log_release(release, self.index, self.uri, model, whole, lambda _: None)


@pytest.fixture(scope="module")
def logging(empty: Path, quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Logging:
    bound_mlflow()
    place = tmp_path_factory.mktemp("logging")
    shutil.copy(empty, place / "mlflow.db")
    logging = Logging(f"sqlite:///{place}/mlflow.db", quick_handbook)
    assert (logging.log().new, logging.log().new) == (True, False)
    return logging


@pytest.fixture(scope="module")
def model(logging: Logging) -> Iterator[Any]:
    with tracking(logging.uri):
        yield mlflow.pyfunc.load_model("models:/warrant/1")


@pytest.fixture(scope="module")
def fetched(logging: Logging, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with tracking(logging.uri):
        return Path(
            mlflow.artifacts.download_artifacts("models:/warrant/1", dst_path=str(tmp_path_factory.mktemp("model")))
        )


@pytest.mark.parametrize(
    "name",
    [
        "code/graph/__init__.py",
        "code/graph/packaged.py",
        "code/graph/registry/isolation.py",
        "code/lancedb.py",
        "code/release.yaml",
        "code/snapshot/manifest.json",
    ],
)
def test_mlflow_runs_none_of_the_code_of_an_altered_package(
    logging: Logging, fetched: Path, tmp_path: Path, name: str
) -> None:
    root, proof = Path(shutil.copytree(fetched, tmp_path / "model")), tmp_path / "ran"
    before = (root / name).read_text("utf-8") if (root / name).exists() else ""
    (root / name).write_text(f"{before}\nopen({str(proof)!r}, 'w').close()\n", "utf-8")
    for load in (mlflow.langchain.load_model, mlflow.pyfunc.load_model):
        with tracking(logging.uri), pytest.raises(Exception, match="is not what was logged: it was altered"):
            load(str(root))
    assert not proof.exists()


def test_mlflow_does_not_run_compiled_code_that_was_planted(logging: Logging, fetched: Path, tmp_path: Path) -> None:
    root, proof = Path(shutil.copytree(fetched, tmp_path / "model")), tmp_path / "ran"
    (tmp_path / "planted.py").write_text(f"open({str(proof)!r}, 'w').close()\n", "utf-8")
    planted = importlib.util.cache_from_source(str(root / "code" / "graph" / "packaged.py"))
    py_compile.compile(
        str(tmp_path / "planted.py"), planted, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    # Python keeps a module that was imported already.
    for name in {module.partition(".")[0] for module in sys.modules if module.startswith("graph_")}:
        isolation.forget(name)
    with tracking(logging.uri):
        assert mlflow.langchain.load_model(str(root)).invoke({"question": HOTEL})["answer"]["text"] == LIMIT
    assert not proof.exists()


def texts(replies: list[dict[str, Any]]) -> list[str]:
    return [each["error"]["code"] if each["error"] else each["answer"]["text"] for each in replies]


@pytest.mark.parametrize(
    "asked",
    [
        HOTEL,
        [HOTEL],
        {"question": HOTEL},
        {"question": HOTEL, "filters": {}, "history": []},
        {"messages": SAID},
        {"input": SAID},
        {"input": HOTEL},
        {"input": HOTEL, "custom_inputs": {"filters": {"effective_date": {"gte": "2024-01-01"}}}},
    ],
)
def test_predict_takes_a_text_a_question_and_a_conversation(model: Any, asked: Any) -> None:
    assert texts(model.predict(asked)) == [LIMIT]


def test_one_batch_may_mix_the_forms_and_a_wrong_row_fails_alone(model: Any) -> None:
    rows = [{"messages": SAID}, {"question": HOTEL}, {"input": SAID[:3]}, {"input": ""}]
    assert texts(model.predict(rows)) == [LIMIT, LIMIT, "QuestionInvalid", "QuestionInvalid"]


def test_filters_of_a_conversation_count(model: Any) -> None:
    before = {"custom_inputs": {"filters": {"effective_date": {"lt": "2024-01-01"}}}}
    assert "EUR 110" in texts(model.predict({"input": SAID, **before}))[0]


def test_predict_stream_yields_the_public_items_and_nothing_else(model: Any) -> None:
    items = list(model.predict_stream({"messages": SAID}))
    assert {item["event"] for item in items} == {"status", "token", "citation", "final"}
    assert "".join(item["text"] for item in items if item["event"] == "token") == LIMIT
    assert items[-1]["answer"]["text"] == LIMIT
    assert set(items[-1]) == {"event", "answer"}
    assert list(model.predict_stream(HOTEL))[-1]["answer"]["text"] == LIMIT


@pytest.mark.parametrize(("asked", "code"), [({"input": SAID[:3]}, "QuestionInvalid"), ("", "QuestionInvalid")])
def test_a_stream_ends_with_what_is_wrong(model: Any, asked: Any, code: str) -> None:
    last = list(model.predict_stream(asked))[-1]
    assert (last["event"], last["error"]["code"]) == ("error", code)


def test_the_graph_itself_takes_them_too_and_streams_its_own_modes(model: Any) -> None:
    graph = model.get_raw_model()
    assert graph.invoke({"messages": SAID})["answer"]["text"] == LIMIT
    assert list(graph.stream(HOTEL, stream_mode="values"))[-1]["answer"]["text"] == LIMIT


def test_a_version_says_what_it_is_and_who_made_it(logging: Logging) -> None:
    version = logging.client.get_model_version("warrant", "1")
    said = str(version.description)
    assert said.startswith(f"**{QUICK.label}** over the Snapshot {version.tags['warrant.snapshot']} (45 ")
    assert said.endswith("Logged by ann@host.")
    assert version.tags["warrant.who"] == "ann@host"
    run = logging.client.get_run(str(version.run_id))
    tags = {name: run.data.tags[f"mlflow.{name}"] for name in ("user", "source.name", "source.git.commit")}
    assert tags == {
        "user": "ann@host",
        "source.name": "warrant release log",
        "source.git.commit": version.tags["warrant.commit"].partition("+")[0],
    }
    assert "code, release.yaml and Snapshot" in logging.client.get_registered_model("warrant").description


def prompts_of(logging: Logging, number: int) -> dict[str, str]:
    """The versions of prompts that a model version is linked to, by name."""
    source = str(logging.client.get_model_version("warrant", str(number)).source)
    linked = logging.client.get_logged_model(source.removeprefix("models:/")).tags["mlflow.linkedPrompts"]
    return {each["name"]: each["version"] for each in json.loads(linked)}


def test_the_prompts_are_in_the_registry_once_for_each_text_and_linked_to_the_version(logging: Logging) -> None:
    names = {f"warrant_{name}" for name in Prompts.model_fields}
    assert prompts_of(logging, 1) == dict.fromkeys(names, "1")
    assert logging.log(OTHER).number == 2
    assert prompts_of(logging, 2) == {**dict.fromkeys(names, "1"), "warrant_declined": "2"}
    found = logging.client.get_prompt_version("warrant_declined", "2")
    assert found is not None
    assert found.template == "I found nothing.\n"
    assert logging.log(again=True).number == 3
    assert prompts_of(logging, 3) == prompts_of(logging, 1)


def test_the_agent_of_a_version_that_is_there_is_registered_once(logging: Logging) -> None:
    first = logging.log(as_agent=True)
    assert (first.new, first.agent) == (False, 1)
    assert logging.log(as_agent=True).agent == 1
    version = logging.client.get_model_version("warrant-agent", "1")
    assert version.run_id == logging.client.get_model_version("warrant", str(first.number)).run_id


def test_a_version_without_a_run_says_why_it_has_no_agent(logging: Logging) -> None:
    tags = logging.client.get_model_version("warrant", "1").tags
    logging.client.create_registered_model("runless")
    logging.client.create_model_version("runless", "file:///nowhere", tags=tags)
    with pytest.raises(PackageBroken, match="runless-agent cannot be logged: the version that is there has no run"):
        logging.log(model="runless", as_agent=True)
