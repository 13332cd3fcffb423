"""Where we run: the only reader of the environment in this package."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .callers import Role
from .errors import SettingsInvalid
from .invalid import problem
from .prices import Price
from .safety.sensitive import Actions

REGISTRY = Path(".warrant/mlflow/mlflow.db")
MODEL = r"[a-z0-9][a-z0-9._-]{0,62}"
TESSDATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/opt/homebrew/share/tessdata")


def model_name(name: str) -> str:
    """A registered model's name; raises ValueError for one that is not lower case."""
    if not re.fullmatch(MODEL, name):
        raise ValueError(
            "a model's name is lower-case letters, digits, dots, dashes and underscores, such as `warrant`"
        )
    return name


def sha256_list(digests: str) -> str:
    """Digests separated by commas, in lower case; raises ValueError for what is no SHA-256."""
    told = digests.replace(" ", "").lower()
    if told and not re.fullmatch(r"[0-9a-f]{64}(,[0-9a-f]{64})*", told):
        raise ValueError("digests are 64 hexadecimal digits each, as `sha256sum FILE` prints them")
    return told


FROM_ENVIRONMENT = SettingsConfigDict(
    env_prefix="WARRANT_", env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True
)


class StateSettings(BaseSettings):
    """What commands and servers share: state, audit log, callers, and who may sign warrants."""

    model_config = FROM_ENVIRONMENT

    state: Path = Path(".warrant/server")
    """The directory of conversations, feedback, packages, the workers' metrics and the audit log."""
    audit: Path | None = None
    """The audit log: key changes, promotions, reloads and refused access; none: audit.jsonl under WARRANT_STATE."""
    audit_anchor: Path | None = None
    """A file elsewhere, such as on another machine's share, that gets the number and digest of each newest record."""
    on_behalf_of_user: bool = False
    """Whether, on Databricks, each caller's own token searches and asks models; nothing is cached then."""
    audit_webhook: str | None = None
    """An address elsewhere that gets the same by POST; a record that it does not take counts as not written."""
    keys: Path | None = None
    """The file of callers that `warrant keys` writes; none: no key is checked, and only loopback is served."""
    at_once: Annotated[int, Field(ge=1)] = 100
    """Questions that a worker of the server answers at once, and those that a deployed endpoint is provisioned for."""
    sensitive: dict[Role | Literal["*"], Actions] = {}
    """What happens to sensitive data in answers, as JSON: `{"app_team": {"EMAIL_ADDRESS": "mask", "US_SSN": "block"}}`.

    `*` is for roles, or types, that are not named; numbers of cards, accounts and identities and secrets are masked.
    """
    signers: Path | None = None
    """Public keys (Ed25519, PEM) of which one must have signed a warrant; none: warrants count without a signature."""
    two_persons: bool = False
    """Whether a warrant counts only if two persons, both known by their keys, approved and promoted the version."""
    thresholds_sha256: Annotated[str, AfterValidator(sha256_list)] = ""
    """SHA-256 of the thresholds files by which a warrant must have been gained, separated by commas; empty: any."""

    @property
    def audit_path(self) -> Path:
        """Where the audit log is."""
        return self.audit or self.state / "audit.jsonl"


def index_name(name: str) -> str:
    """The name of an AI Search index, or none; raises ValueError for one that has not three levels."""
    if name and not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}", name):
        raise ValueError("an index is named catalog.schema.index")
    return name


class Settings(StateSettings, BaseSettings):
    """Read once from WARRANT_* variables and a .env file, then frozen."""

    model_config = FROM_ENVIRONMENT

    backend: Literal["local", "databricks"] = "local"
    """Where passages are searched: a Snapshot on disk, or an AI Search index of Databricks."""
    index: Path = Path(".warrant/index")
    """The index: a store that `warrant index` writes, or one of its Snapshots."""
    release: Path | None = None
    """The release.yaml to use; none: the default release."""
    default_groups: str = ""
    """Groups, separated by commas, of documents that name none when they are indexed; empty: they are public."""
    chat_url: str | None = None
    """Where `openai:` chat models are called; none: as OPENAI_BASE_URL says."""
    chat_key: SecretStr | None = None
    """The key for them; none: OPENAI_API_KEY, unless WARRANT_CHAT_URL is set."""
    embedding_url: str | None = None
    """Where `openai:` embeddings are called; none: WARRANT_CHAT_URL."""
    embedding_key: SecretStr | None = None
    """The key for them."""
    rerank_url: str | None = None
    """Where a remote reranker is called: this URL with `/rerank` behind it."""
    rerank_key: SecretStr | None = None
    """The key for it."""
    rerank_form: Literal["cohere", "tei"] = "cohere"
    """The form of its requests: Cohere's, which most have, or that of Text Embeddings Inference."""
    databricks_index: Annotated[str, AfterValidator(index_name)] = ""
    """The AI Search index that `warrant sync` fills and `databricks` searches: catalog.schema.index."""
    databricks_seconds: float = Field(default=10.0, gt=0, le=600)
    """Seconds for one call to it, with its retries."""
    registry: str | None = None
    """MLflow's tracking URI, where releases are logged and registered; none: a SQLite file under .warrant."""
    registered_model: Annotated[str, AfterValidator(model_name)] = "warrant"
    """The registered MLflow model whose versions are releases, in lower case."""
    user: str = ""
    """Who acts without a key file, as the audit log has it; empty: the user of this machine."""
    key: SecretStr | None = None
    """The key of who runs a command, where WARRANT_KEYS names a key file."""
    approver_key: SecretStr | None = None
    """The key of who approves a promotion; its caller is the approver."""
    signing_key: Path | None = None
    """The private key (Ed25519, PEM) that signs warrants."""
    ticket_pattern: str = ""
    """A regular expression that the whole ticket of a promotion to production matches; empty: any ticket."""
    ticket_url: str | None = None
    """An address that is asked by POST whether a ticket allows a promotion: 2xx allows it, 4xx refuses it."""
    prices: dict[str, tuple[Price, Price]] = {}
    """US dollars for a million tokens sent and a million received, as JSON: `{"gpt-4o-mini": [0.15, 0.6]}`."""
    judge_model: str | None = None
    """The model that judges answers in evaluations, at an OpenAI-compatible endpoint."""
    judge_url: str | None = None
    """Where it is called; none: WARRANT_CHAT_URL."""
    judge_key: SecretStr | None = None
    """The key for it."""
    judge_temperature: float = Field(default=0.0, ge=0, le=2)
    """Its sampling temperature."""
    judge_seconds: float = Field(default=60.0, gt=0, le=600)
    """Seconds for one reply of it; waiting for its rate limit is not counted."""
    judge_at_once: int = Field(default=8, ge=1, le=256)
    """Calls to it at the same time."""
    evals: Path | None = None
    """A folder with metrics of your own (`metrics.toml`) and judge prompts (`prompts/NAME.md`); none: Warrant's."""
    threads: int = Field(default=0, ge=0)
    """Threads that embed at the same time; 0: one for each core."""
    cache_answers: int = Field(default=1000, ge=0)
    """Answers kept in memory; 0 keeps none."""
    cache_retrieval: int = Field(default=1000, ge=0)
    """Results of searches kept in memory; 0 keeps none."""
    cache_embeddings: int = Field(default=5000, ge=0)
    """Vectors of questions kept in memory, and as many of sentences; 0 keeps none."""
    cache_seconds: float = Field(default=3600, ge=0)
    """Seconds that each of them is kept; 0 keeps none."""

    @property
    def registry_uri(self) -> str:
        """Where releases are registered; the folder of a SQLite file is made. Raises SettingsInvalid."""
        if self.registry:
            return self.registry
        try:
            REGISTRY.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"{REGISTRY.parent} cannot be made: {error.strerror}"
            raise SettingsInvalid(f"{problem}. Set WARRANT_REGISTRY to where releases are registered.") from error
        return f"sqlite:///{REGISTRY.absolute()}"

    @property
    def who(self) -> str:
        """Who acts without a key file: WARRANT_USER, or the user and the name of this machine."""
        if self.user:
            return self.user
        try:
            import pwd

            name = pwd.getpwuid(os.getuid()).pw_name
        except (KeyError, ImportError):
            name = "somebody"
        return f"{name}@{socket.gethostname()}"

    @property
    def cores(self) -> int:
        return self.threads or os.cpu_count() or 1


def load_settings(**overrides: object) -> Settings:
    """Read the environment, `overrides` in its place; raises SettingsInvalid naming the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise refused_variable(error) from error


def refused_variable(error: ValidationError) -> SettingsInvalid:
    """The error that names the first variable that is wrong."""
    first = error.errors()[0]
    name, *rest = first["loc"]
    return SettingsInvalid(f"{problem({**first, 'loc': (f'WARRANT_{name}'.upper(), *rest)})}; correct it or unset it.")


@contextmanager
def no_kept_answers() -> Iterator[None]:
    """Releases that are opened in the block ask anew what they were asked before."""
    name, before = "WARRANT_CACHE_SECONDS", os.environ.get("WARRANT_CACHE_SECONDS")
    os.environ[name] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def bound_mlflow(seconds: int = 30, retries: int = 2) -> None:
    """Bound the calls to a tracking server that does not answer, and quiet MLflow, unless the user says otherwise."""
    bounds = {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries),
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds),
        "MLFLOW_DATABRICKS_ENDPOINT_HTTP_RETRY_TIMEOUT": str(seconds * retries),
        "MLFLOW_ENABLE_UC_NATIVE_MODEL_REGISTRY": "false",
        "MLFLOW_CONFIGURE_LOGGING": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    for name, value in bounds.items():
        os.environ.setdefault(name, value)


def point_to_tessdata(language: str) -> None:
    """Tell Tesseract where its data for a language lie; raises SettingsInvalid when they are nowhere to be found."""
    prefix = os.environ.get("TESSDATA_PREFIX")
    places = [Path(prefix)] if prefix else [Path(place) for pattern in TESSDATA for place in sorted(glob(pattern))]
    found = next((place for place in places if (place / f"{language}.traineddata").is_file()), None)
    if found is None:
        where = prefix or ", ".join(TESSDATA)
        raise SettingsInvalid(
            f"OCR needs {language}.traineddata, which is not in {where}; install Tesseract's data for that language "
            "(Debian: tesseract-ocr-eng) or set TESSDATA_PREFIX."
        )
    os.environ["TESSDATA_PREFIX"] = str(found)


def quiet_libraries() -> None:
    """Turn off every telemetry and hub call of the libraries below us, unless the user has set the variable."""
    quiet = {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "RAGAS_DO_NOT_TRACK": "true",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "LANGSMITH_TRACING": "false",
        "ORT_DISABLE_TELEMETRY": "1",
        "LANCE_LOG": "error",
        "TOKENIZERS_PARALLELISM": "false",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
