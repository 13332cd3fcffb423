"""Logs a release with MLflow as one model that holds all that answers, and registers it as a version.

A version appears whole or not at all: it is registered, with all its tags, after what was logged has been fetched again
and compared. A run that was interrupted before that leaves nothing but itself, and the same command can be given again.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.entities.model_registry import ModelVersion, PromptVersion
from mlflow.exceptions import MlflowException, RestException
from mlflow.models import ModelSignature
from mlflow.models.auth_policy import AuthPolicy, SystemAuthPolicy, UserAuthPolicy
from mlflow.models.model import ModelInfo
from mlflow.models.resources import DatabricksServingEndpoint, DatabricksVectorSearchIndex, Resource
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Object, Property
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_SOURCE_NAME, MLFLOW_SOURCE_TYPE, MLFLOW_USER

from ..errors import PackageBroken
from ..models.databricks import USER_SCOPES
from ..release import Release
from ..settings import load_settings
from . import package
from .address import from_tags, is_unity, to_tag, tracking_uri
from .isolation import digest_of
from .package import Packed
from .requirements import chat_models, requirements
from .tracing import experiment_of

DIGEST, WHO = "warrant.digest", "warrant.who"
ABOUT = "Releases of a Warrant agent: each version holds code, release.yaml and Snapshot. See its description and tags."
TEXT = DataType.string
PARTS = (package.CODE, package.RELEASE, package.SNAPSHOT, package.POINTER)


@dataclass(frozen=True)
class RunMetadata:
    """What is logged beside a release: who logs it, metrics by name, and the files that they were measured on."""

    who: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    datasets: Sequence[Path] = ()


@dataclass(frozen=True)
class LoggedModel:
    """A logged model that is not registered yet."""

    model_id: str
    run_id: str
    uri: str


def log_package(packed: Packed, uri: str, model: str, question: str, metadata: RunMetadata) -> LoggedModel:
    """Log a package and its prompts; raises PackageBroken when what was logged is not whole, or has no signature."""
    client = MlflowClient(tracking_uri(uri), uri)
    with tracking(uri):
        with mlflow.start_run(experiment_id=experiment_of(uri, model), run_name=packed.release.label) as run:
            _describe(client, run.info.run_id, packed, metadata)
            info = _log_model(packed, question)
        logged = LoggedModel(info.model_id, run.info.run_id, info.model_uri)
        _check(logged, packed, info)
        if is_unity(uri):  # Its registry of prompts is a preview; they are in the package in any case.
            return logged
        for name, text in packed.release.prompts.model_dump().items():
            prompt = _prompt_version(client, f"{model}_{name}", text)
            client.link_prompt_version_to_model(prompt.name, str(prompt.version), logged.model_id)
            client.link_prompt_version_to_run(logged.run_id, prompt)
    return logged


def _prompt_version(client: MlflowClient, name: str, text: str) -> PromptVersion:
    """The version of a prompt in the registry that has this text; the next one where none has."""
    known = client.search_prompt_versions(name) if client.get_prompt(name) else []
    same: PromptVersion | None = next((each for each in known if each.template == text), None)
    return same or client.register_prompt(name, text)


def log_agent(packed: Packed, uri: str, run_id: str) -> LoggedModel:
    """Log the same package as a ResponsesAgent, in the run that it was logged in."""
    with tracking(uri), mlflow.start_run(run_id=run_id):
        info: ModelInfo = mlflow.pyfunc.log_model(
            name="warrant-agent",
            python_model=str(packed.root / package.AGENT_ENTRY),
            code_paths=_parts(packed),
            pip_requirements=requirements(packed.release, ai_search=bool(load_settings().databricks_index)),
            metadata=version_tags(packed),
            **authorization(packed.release),
        )
    return LoggedModel(info.model_id, run_id, info.model_uri)


def register(uri: str, model: str, logged: LoggedModel, packed: Packed, who: str) -> int:
    """Make what was logged the next version of a model, which is made if it is not there; gives its number."""
    client = MlflowClient(tracking_uri(uri), uri)
    with suppress(RestException, MlflowException):
        client.create_registered_model(model, description=ABOUT)
    with tracking(uri):
        version = client.create_model_version(
            model,
            logged.uri,
            logged.run_id,
            tags={to_tag(uri, name): value for name, value in {**version_tags(packed), WHO: who}.items()},
            model_id=logged.model_id,
            description=_description(packed, who),
        )
    return int(version.version)


def _description(packed: Packed, who: str) -> str:
    """A version in a few words, as Markdown."""
    manifest = packed.manifest
    held = f"{manifest.counts.documents} documents, {manifest.counts.passages} passages, {packed.release.embedding}"
    code = f" Code of commit {packed.commit}." if packed.commit else ""
    return f"**{packed.release.label}** over the Snapshot {manifest.id} ({held}).{code} Logged by {who}."


def registered(uri: str, model: str, digest: str) -> ModelVersion | None:
    """The newest version that has this digest; None when there is none."""
    client = MlflowClient(tracking_uri(uri), uri)
    found = list(client.search_model_versions(f"name = '{model}'", max_results=1000))
    if is_unity(uri):  # A search of Unity Catalog gives no tags.
        found = [client.get_model_version(model, each.version) for each in found]
    same = (each for each in found if from_tags(uri, each.tags).get(DIGEST) == digest)
    return max(same, key=lambda each: int(each.version), default=None)


def version_tags(packed: Packed) -> dict[str, str]:
    """What a registered version says of its package."""
    return {
        DIGEST: packed.digest,
        "warrant.release": packed.release.label,
        "warrant.code": packed.code,
        "warrant.snapshot": packed.manifest.id,
        "warrant.commit": packed.commit,
    }


def params_of(release: Release) -> dict[str, str]:
    """Every field of a release by its dotted name, but for the prompts' texts."""
    return {name: str(value) for name, value in package.dotted(release.model_dump(exclude={"prompts"})).items()}


def _describe(client: MlflowClient, run: str, packed: Packed, metadata: RunMetadata) -> None:
    """The run's parameters, metrics, tags and inputs."""
    counts = packed.manifest.counts
    mlflow.log_params(params_of(packed.release))
    mlflow.log_metrics({"documents": counts.documents, "passages": counts.passages, **metadata.metrics})
    mlflow.set_tags({**version_tags(packed), **origin_tags("release log", metadata.who, packed.commit)})
    snapshot = dataset_input(f"snapshot-{packed.manifest.id}", packed.manifest.digest, "index")
    datasets = [dataset_input(path.name, digest_of((path.name, path)), "evaluation") for path in metadata.datasets]
    client.log_inputs(run, datasets=[snapshot, *datasets])


def origin_tags(command: str, who: str, commit: str) -> dict[str, str]:
    """Who made a run, with which command and from which commit, as MLflow shows it."""
    return {
        MLFLOW_USER: who,
        MLFLOW_SOURCE_NAME: f"warrant {command}",
        MLFLOW_SOURCE_TYPE: "LOCAL",
        MLFLOW_GIT_COMMIT: commit.partition("+")[0],
    }


def dataset_input(name: str, digest: str, context: str) -> DatasetInput:
    """A dataset as the input of a run; of its digest MLflow keeps 36 characters."""
    return DatasetInput(Dataset(name, digest[:36], "local", "{}"), tags=[InputTag("mlflow.data.context", context)])


def _log_model(packed: Packed, question: str) -> ModelInfo:
    info: ModelInfo = mlflow.langchain.log_model(
        str(packed.root / package.ENTRY),
        name="warrant",
        code_paths=_parts(packed),
        signature=signature(),
        input_example=example(question),
        pip_requirements=requirements(packed.release, ai_search=bool(load_settings().databricks_index)),
        metadata=version_tags(packed),
        resources=_resources(packed.release),
    )
    return info


def _resources(release: Release) -> list[Resource]:
    """What of a Databricks workspace a release uses: a served model may sign in to these and no others."""
    index = load_settings().databricks_index
    names = {name for name in (*chat_models(release), release.embedding) if name.startswith("databricks:")}
    found: list[Resource] = [DatabricksServingEndpoint(name.partition(":")[2]) for name in sorted(names)]
    return [*found, DatabricksVectorSearchIndex(index)] if index else found


def authorization(release: Release) -> dict[str, Any]:
    """The resources; where users are acted for, also what may be done on their behalf."""
    if not load_settings().on_behalf_of_user:
        return {"resources": _resources(release)}
    return {"auth_policy": AuthPolicy(UserAuthPolicy(list(USER_SCOPES)), SystemAuthPolicy(_resources(release)))}


def _parts(packed: Packed) -> list[str]:
    return [str(packed.root / name) for name in PARTS if (packed.root / name).exists()]


def _check(logged: LoggedModel, packed: Packed, info: ModelInfo) -> None:
    """Fetch what was logged and hold it against what was packed."""
    if info.signature is None:
        raise PackageBroken("MLflow logged the release without a signature: it did not answer its input example.")
    with tempfile.TemporaryDirectory() as home:
        fetched = Path(mlflow.artifacts.download_artifacts(logged.uri, dst_path=home))
        if package.package_digest(fetched) != packed.digest:
            raise PackageBroken(f"What MLflow holds at {logged.uri} is not what was logged. Log the release again.")


def signature() -> ModelSignature:
    """A text, a question with an optional filter and history, or a conversation; the Answer, or the error in its place.

    MLflow calls the column of plain texts 0. What has any shape has a column of any type. Because `history` is an array
    MLflow takes a single object for one row; rows of one table either all have a history (it may be empty) or none has.
    """
    turn, anything = Object([Property("role", TEXT), Property("content", TEXT)]), AnyType()  # type: ignore[no-untyped-call]
    columns: dict[Any, Any] = {0: TEXT, "question": TEXT, "filters": anything, "history": Array(turn)}
    columns |= dict.fromkeys(("messages", "input", "custom_inputs"), anything)
    asked: list[ColSpec | TensorSpec] = [ColSpec(kind, name, required=False) for name, kind in columns.items()]
    return ModelSignature(Schema(asked), Schema([ColSpec(anything, "answer"), ColSpec(anything, "error")]))


def example(question: str) -> dict[str, Any]:
    """An input example that has every field of a question."""
    return {"question": question, "filters": {}, "history": []}


@contextmanager
def tracking(uri: str) -> Iterator[None]:
    """MLflow's own settings, which are the process's, for a while.

    A model that is loaded meanwhile becomes the active one, to which MLflow links every later metric: not after this.
    """
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    active = mlflow.get_active_model_id()
    mlflow.set_tracking_uri(tracking_uri(uri))
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
        if active is None and mlflow.get_active_model_id() is not None:
            mlflow.clear_active_model()
