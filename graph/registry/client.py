"""The registry in MLflow: versions, aliases, transitions and warrants; every error of MLflow becomes one of ours.

Nothing of MLflow's process-wide settings is used, so that it may be called from any thread.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from ..errors import PackageBroken, RegistryUnavailable, SettingsInvalid, VersionUnknown, WarrantInvalid
from ..settings import model_name
from . import Version
from .address import (
    check_address,
    check_reach,
    experiment_name,
    from_tags,
    is_unity,
    shown,
    to_tag,
    tracking_uri,
    trouble,
)
from .log_model import DIGEST, tracking
from .package import cached_package
from .stages import SHADOW_TAG, SPLIT_TAG, Placement, RegistryChange
from .tracing import experiment_of
from .transitions import State, Transition, read_transition, transition_tags
from .warrant import NO_RULES, SignatureCheck, Warrant, any_signature, read_warrant

LABEL, WARRANT, STAGE = "warrant.release", "warrant.warrant", "warrant.stage"
FOLDER = "warrants"
"""Where a run keeps the warrants of its versions, each under its SHA-256."""
STATES: dict[str, State] = {"FINISHED": "done", "KILLED": "withdrawn", "FAILED": "withdrawn"}
ENDED: dict[State, str] = {"done": "FINISHED", "withdrawn": "KILLED"}
LOGGED = "models:/m-"
PAGE = 500


class Registry:
    """A registered model and its versions. Every method blocks; none is tried before the first call.

    Raises RegistryUnavailable when MLflow does not answer or does not allow it, VersionUnknown for what is not there.
    """

    def __init__(self, uri: str, model: str) -> None:
        self.uri, self.model = uri, model
        self.is_signed: SignatureCheck = any_signature
        self.rules = NO_RULES
        self.on_end: Callable[[Transition, State], None] = lambda transition, state: None
        """Told of each transition that has ended."""
        self._client: MlflowClient | None = None

    def placement(self) -> Placement:
        """Where versions stand."""
        model = self._model()
        found = from_tags(self.uri, model.tags)
        tags = {name: str(found[name]) for name in (SPLIT_TAG, SHADOW_TAG) if name in found}
        return Placement({name: int(number) for name, number in model.aliases.items()}, tags)

    def version(self, number: int) -> Version:
        """A version; raises VersionUnknown when there is none of this number."""
        return self._version(self._registered(number))

    def versions(self) -> list[Version]:
        """Every version, newest first."""
        self._model()
        found: list[ModelVersion] = []
        token: str | None = ""
        while token is not None:
            with self._connected() as client:
                page = client.search_model_versions(f"name = '{self.model}'", PAGE, page_token=token or None)
            found += page
            token = page.token or None
        if is_unity(self.uri):  # A search of Unity Catalog gives no tags.
            return sorted((self.version(int(each.version)) for each in found), key=lambda version: -version.number)
        return sorted(map(self._version, found), key=lambda version: -version.number)

    def fetch(self, version: Version, home: Path) -> Path:
        """The directory `home/DIGEST` with the version's package; one that is there and whole is not fetched again."""
        if not version.digest:
            raise PackageBroken(f"{self.model} v{version.number} was not logged by `warrant release log`: no digest.")

        def download(folder: Path) -> Path:
            source = f"models:/{self.model}/{version.number}"
            with tracking(self.uri):
                return Path(mlflow.artifacts.download_artifacts(source, dst_path=str(folder)))

        with self._connected():
            return cached_package(home, version.digest, download)

    def measured(self, number: int) -> tuple[dict[str, str], dict[str, float]]:
        """Parameters and metrics of the run that logged a version; none when there is no run."""
        run = self._registered(number).run_id
        if not run:
            return {}, {}
        with self._connected() as client:
            data = client.get_run(run).data
        return dict(data.params), dict(data.metrics)

    def configuration(self, number: int) -> str:
        """The release.yaml in a version's package; raises PackageBroken when there is none."""
        source = f"models:/{self.model}/{number}" if is_unity(self.uri) else self._source(number)
        text = self._downloaded(f"{source}/code/release.yaml")
        if text is None:
            raise PackageBroken(f"{self.model} v{number} was not logged by `warrant release log`: no release.yaml.")
        return text.decode("utf-8", "replace")

    def warrant(self, version: Version) -> Warrant | None:
        """The evidence stored with a version; raises WarrantInvalid when it is not there, or not what was stored."""
        found = self._registered(version.number)
        digest = from_tags(self.uri, found.tags).get(WARRANT, "")
        if not digest:
            return None
        where = f"The warrant of {self.model} v{version.number}"
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise WarrantInvalid(f"{where} cannot be found: the tag {WARRANT} is not a SHA-256.")
        text = self._downloaded(f"runs:/{found.run_id}/{FOLDER}/{digest}.json")
        if text is None:
            raise WarrantInvalid(f"{where} is not where it was stored: {FOLDER}/{digest}.json of its run is missing.")
        if hashlib.sha256(text).hexdigest() != digest:
            raise WarrantInvalid(f"{where} is not what was stored: its digest is another.")
        return read_warrant(text, where)

    def store(self, version: Version, warrant: Warrant) -> None:
        """Store the evidence with a version, in place of what it had; raises WarrantInvalid when it has no run."""
        run = self._run_of(version)
        with self._connected() as client:
            client.log_text(run, warrant.text(), f"{FOLDER}/{warrant.digest}.json")
            client.set_model_version_tag(self.model, str(version.number), to_tag(self.uri, WARRANT), warrant.digest)

    def attach(self, version: Version, name: str, text: str) -> None:
        """Keep a text under a name beside the version's warrants; raises WarrantInvalid when it has no run."""
        with self._connected() as client:
            client.log_text(self._run_of(version), text, f"{FOLDER}/{name}")

    def _run_of(self, version: Version) -> str:
        run = self._registered(version.number).run_id
        if not run:
            raise WarrantInvalid(f"{self.model} v{version.number} has no run in which a warrant could be kept.")
        return str(run)

    def transitions(self) -> list[Transition]:
        """Every transition, oldest first."""
        with self._connected() as client:
            experiment = client.get_experiment_by_name(experiment_name(self.uri, self._experiment))
        if experiment is None:
            return []
        found = [each for run in self._runs(experiment.experiment_id) if (each := _transition(run))]
        return sorted(found, key=lambda each: (each.made, each.id))

    def begin(self, transition: Transition) -> Transition:
        """Write an intent down, all in one call."""
        name = f"{transition.action} v{transition.version}" if transition.version else transition.action
        with self._connected() as client:
            experiment = experiment_of(self.uri, self._experiment)
            run = client.create_run(
                experiment, start_time=transition.made, tags=transition_tags(transition), run_name=name
            )
        begun = _transition(run)
        if begun is None:
            raise RegistryUnavailable(f"MLflow at {shown(self.uri)} did not keep the transition that was written.")
        return begun

    def apply(self, change: RegistryChange) -> None:
        """Take one step; taking it again does no harm."""
        name, value = change.name, change.value
        with self._connected() as client:
            if change.kind == "stage":
                client.set_model_version_tag(self.model, name, to_tag(self.uri, STAGE), value)
            elif change.kind == "tag" and value is not None:
                client.set_registered_model_tag(self.model, to_tag(self.uri, name), value)
            elif change.kind == "tag":
                client.delete_registered_model_tag(self.model, to_tag(self.uri, name))
            elif value is not None:
                client.set_registered_model_alias(self.model, name, value)
            else:
                client.delete_registered_model_alias(self.model, name)

    def end(self, transition: Transition, state: State) -> None:
        """Write down what became of a transition."""
        with self._connected() as client:
            client.set_terminated(transition.id, ENDED[state])
        self.on_end(transition, state)

    def _version(self, found: ModelVersion) -> Version:
        tags = from_tags(self.uri, found.tags)
        label, digest = (tags.get(name, "") for name in (LABEL, DIGEST))
        return Version(int(found.version), label, digest, tags, found.creation_timestamp or 0)

    @property
    def _experiment(self) -> str:
        return f"{self.model}-moves"

    def _model(self) -> RegisteredModel:
        unknown = f"There is no model {self.model} at {shown(self.uri)}. Log a release first."
        with self._connected(unknown) as client:
            return client.get_registered_model(self.model)

    def _registered(self, number: int) -> ModelVersion:
        with self._connected(
            f"There is no v{number} of {self.model}; `warrant release list` shows what there is."
        ) as client:
            return client.get_model_version(self.model, str(number))

    def _source(self, number: int) -> str:
        """Where a version's files lie; MLflow itself would look a logged model up in the process-wide settings."""
        source = self._registered(number).source or ""
        with self._connected() as client:
            if source.startswith(LOGGED):
                return str(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
        return source

    def _runs(self, experiment: str) -> Iterator[Run]:
        token: str | None = ""
        while token is not None:
            with self._connected() as client:
                page = client.search_runs([experiment], max_results=PAGE, page_token=token or None)
            yield from page
            token = page.token or None

    def _downloaded(self, artifact: str) -> bytes | None:
        """The content of one artifact; None when there is none."""
        # For a model in Unity Catalog MLflow looks at the process-wide settings, whatever it is given.
        settings = tracking(self.uri) if is_unity(self.uri) else nullcontext()
        with tempfile.TemporaryDirectory() as folder, self._connected(), settings:
            try:
                path = mlflow.artifacts.download_artifacts(
                    artifact, dst_path=folder, tracking_uri=tracking_uri(self.uri), registry_uri=self.uri
                )
                return Path(path).read_bytes()
            except FileNotFoundError:
                return None
            except MlflowException as error:
                if _is_missing(error):
                    return None
                raise

    @contextmanager
    def _connected(self, missing: str = "") -> Iterator[MlflowClient]:
        """Around every call; `missing` is said when what was asked for is not there."""
        try:
            if self._client is None:
                check_reach(self.uri, self.model)
                self._client = MlflowClient(tracking_uri(self.uri), self.uri)
            yield self._client
        except MlflowException as error:
            if _is_missing(error):
                raise VersionUnknown(missing or trouble(error.message, self.uri)) from None
            raise RegistryUnavailable(trouble(error.message, self.uri)) from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise RegistryUnavailable(f"The registry at {shown(self.uri)} cannot be read or written: {why}.") from None
        except ModuleNotFoundError as error:
            raise RegistryUnavailable(f"{shown(self.uri)} needs the package {error.name}, which is missing.") from None


def open_registry(uri: str, model: str) -> Registry:
    """The registry at a tracking URI, which is not asked yet; raises SettingsInvalid when it cannot be one."""
    try:
        check_address(uri)
        if is_unity(uri) and model.count(".") != 2:
            raise ValueError(f"a model in Unity Catalog is named catalog.schema.model, not {model}")
        return Registry(uri, model_name(model))
    except ValueError as error:
        raise SettingsInvalid(f"The registry cannot be opened: {error}.") from None


def _is_missing(error: MlflowException) -> bool:
    return error.error_code in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")


def _transition(run: Run) -> Transition | None:
    state = STATES.get(run.info.status, "under way")
    return read_transition(run.info.run_id, run.info.start_time, state, run.data.tags)
