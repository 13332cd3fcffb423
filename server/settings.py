"""The server's settings: the only reader of the environment in this package."""

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsError

from graph.callers import Role
from graph.errors import SettingsInvalid
from graph.prices import Price
from graph.settings import FROM_ENVIRONMENT, StateSettings, refused_variable
from server.files import private_directory

Count = Annotated[int, Field(ge=1)]
OidcClaims = dict[Literal["name", "roles", "team", "groups"], str]
Seconds = Annotated[float, Field(ge=0, le=3600)]
METRICS = "PROMETHEUS_MULTIPROC_DIR"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServerSettings(StateSettings, BaseSettings):
    """Read once from WARRANT_* variables and a .env file, then frozen."""

    model_config = FROM_ENVIRONMENT

    host: str = "127.0.0.1"
    """The address to listen on; anything but loopback needs WARRANT_KEYS."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8100
    """The port; 0 takes a free one."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Worker processes that share the port."""
    oidc_issuer: str | None = None
    """An OpenID Connect provider whose tokens are accepted, such as `https://login.example.com/`."""
    oidc_audience: str | None = None
    """The audience that its tokens must be for."""
    oidc_jwks: str | None = None
    """Where the provider's keys are; none: what its `/.well-known/openid-configuration` says."""
    oidc_claims: OidcClaims = {"name": "sub", "roles": "roles", "team": "team", "groups": "groups"}
    """The claims, as JSON, that hold a caller's name, roles, team and groups."""
    oidc_roles: dict[str, Role] = {}
    """Roles by the provider's words for them, or by groups of a Databricks workspace, as JSON:
    `{"ml-platform": "mlops_engineer"}`."""
    proxies: list[IPvAnyNetwork] = []
    """Addresses, as JSON, of proxies whose X-Forwarded-User and X-Forwarded-Groups headers are believed."""
    proxy_roles: list[Role] = [Role.APP_TEAM]
    """The roles, as JSON, of the callers that a proxy names."""
    databricks_app: bool = False
    """Whether this is a Databricks App: it listens where the platform says, and believes its identity headers."""
    hosts: list[str] = []
    """Further names that the Host header may have, as JSON; `["*"]`: any."""
    origins: list[str] = []
    """Origins, as JSON, whose pages may call the server from a browser; they must send a key where there are keys."""
    audit_questions: bool = False
    """Whether each question is recorded in the audit log before it is answered: who asked which version, not what."""
    sessions: str | None = None
    """`postgresql://…` keeps conversations there, for several servers; none: in a SQLite file under WARRANT_STATE."""
    session_turns: Annotated[int, Field(ge=2, le=200)] = 40
    """Turns of a conversation that are kept; the oldest are dropped first."""

    registry: str | None = None
    """MLflow's tracking URI: serve what the model's aliases name; none: WARRANT_INDEX and WARRANT_RELEASE."""
    registered_model: str = "warrant"
    """The registered model to follow."""
    poll: Annotated[float, Field(gt=0, le=3600)] = 10.0
    """Seconds between two looks at the aliases, or at the store of the index."""
    pinned: Annotated[int, Field(ge=0)] = 2
    """Versions under /versions that are kept loaded beside those that aliases name."""
    pinned_idle: Seconds = 600.0
    """Seconds without a question after which such a version is unloaded."""
    override: str | None = None
    """A reason to serve production without a valid warrant, in an emergency; none: it is not served."""
    webhook_secret: SecretStr | None = None
    """The secret that MLflow signs its webhooks with; none: no webhook is taken."""

    max_body: Annotated[int, Field(ge=1024)] = 1_000_000
    """Bytes of a request's body."""
    max_head: Annotated[int, Field(ge=1024)] = 32_768
    """Bytes of a request beside its body: request line, headers, chunk sizes and trailers."""
    receive: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds in which a request must have arrived, counted from its first byte."""
    idle: Annotated[float, Field(gt=0, le=3600)] = 75.0
    """Seconds that a connection may be idle, or its client may leave a reply unread."""
    max_batch: Count = 32
    """Questions of one batch."""
    batch_at_once: Count = 4
    """Questions of one batch that are answered concurrently."""
    grace: Seconds = 5.0
    """Seconds past the release's `generation.deadline` after which a question is given up."""
    drain: Seconds = 60.0
    """Seconds that requests in progress may take after SIGTERM."""

    waiting: Annotated[int, Field(ge=0)] = 200
    """Questions that may wait in a worker; more are refused (503), those of the team with the most first."""
    wait: Seconds = 10.0
    """Seconds that a question may wait before it is refused (503)."""
    memory: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of the memory in use, of the container's or the machine's, from which on questions are refused (503);
    1: it is not looked at."""
    caps: dict[str, Count] = {}
    """Fewer at once, as JSON, for a release or a model: `{"staging": 5, "v12": 20, "openai:gpt-4o": 30}`."""
    limits: Path | None = None
    """A YAML file of limits and quotas; none: nothing is limited, but usage is counted."""
    usage: str | None = None
    """`postgresql://…` keeps the counts there, for several servers; none: in a SQLite file under WARRANT_STATE."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged."""
    log_questions: bool = False
    """Whether the log holds questions and answers, and the messages of libraries."""
    keep_questions: bool = True
    """Whether questions and answers are kept for WARRANT_KEEP_DAYS, for the feedback on them."""
    keep_days: Annotated[float, Field(gt=0)] = 30.0
    """Days after which questions without feedback are deleted."""

    stored_texts: Literal["plain", "mask", "encrypt"] = "plain"
    """How the texts of questions, answers, comments and conversations are stored."""
    stored_key: SecretStr | None = None
    """The Fernet keys, separated by commas, for stored texts: the first encrypts, all decrypt."""

    traces: str | None = None
    """MLflow's tracking URI for traces, such as `http://mlflow:5000`; none: no traces."""
    traces_experiment: str = "warrant"
    """The experiment of the traces; it is made if it is not there."""
    traces_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The share of requests that are traced."""
    traces_queue: Count = 200
    """Traces of a worker that wait to be sent; more are dropped and counted."""
    traces_text: bool = True
    """Whether traces hold questions, answers, the replies of models, and comments."""
    prices: dict[str, tuple[Price, Price]] = {}
    """US dollars for a million tokens sent and a million received, as JSON: `{"gpt-4o-mini": [0.15, 0.6]}`."""

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK


def load_server_settings(**overrides: object) -> ServerSettings:
    """Read the environment, with overrides that are not None; raises SettingsInvalid naming the variable."""
    try:
        settings = ServerSettings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
        if settings.on_behalf_of_user and not settings.databricks_app:
            raise SettingsInvalid("WARRANT_ON_BEHALF_OF_USER is for a Databricks App, which is given users' tokens.")
        return _in_databricks_app(settings) if settings.databricks_app else settings
    except ValidationError as error:
        raise refused_variable(error) from error
    except SettingsError as error:
        raise SettingsInvalid(f"{str(error).capitalize()}: it must be JSON.") from error


def _in_databricks_app(settings: ServerSettings) -> ServerSettings:
    """The address on which the platform's proxy asks; raises SettingsInvalid where there is no such platform."""
    port = os.environ.get("DATABRICKS_APP_PORT", "")
    if not port.isdigit():
        raise SettingsInvalid(
            "WARRANT_DATABRICKS_APP is set, but DATABRICKS_APP_PORT is not: identity headers are believed in a "
            "Databricks App alone. Unset it elsewhere."
        )
    return settings.model_copy(update={"host": "0.0.0.0", "port": int(port)})


def databricks_host() -> str:
    """The address of the workspace that runs this app; raises SettingsInvalid."""
    host = os.environ.get("DATABRICKS_HOST", "").rstrip("/")
    if not host:
        raise SettingsInvalid("DATABRICKS_HOST is not set, as it is in a Databricks App.")
    return host if "://" in host else f"https://{host}"


def export_settings(settings: dict[str, object]) -> None:
    """Write settings to the environment, where the worker processes read them."""
    os.environ.update({f"WARRANT_{name.upper()}": str(value) for name, value in settings.items() if value is not None})


def share_metrics(settings: ServerSettings) -> None:
    """Create the directory in which several workers share their metrics; raises SettingsInvalid when it cannot be."""
    if settings.workers == 1:
        return
    folder = settings.state / f"metrics-{settings.port}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        private_directory(settings.state)
        private_directory(folder)
    except OSError as error:
        raise SettingsInvalid(f"WARRANT_STATE={settings.state} cannot be written: {error.strerror}.") from error
    os.environ[METRICS] = str(folder)


def metrics_folder() -> Path | None:
    """The directory in which workers share their metrics; None with a single worker."""
    return Path(os.environ[METRICS]) if os.environ.get(METRICS) else None
