"""A deployment file: what of Databricks serves a release, and who may use it.

Everything has a default, so that no file is needed. `min_workers` and `max_workers`, as Model Serving once called them,
are still read.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import DeploymentFailed, SettingsInvalid
from ..invalid import problem
from ..strict_yaml import YamlInvalid, load_yaml

if TYPE_CHECKING:
    from ..models.databricks import Workspace

STEP = 5.0
"""Seconds between two looks at an update."""
ROLL_BACK_SECONDS = 1800
"""Its time is its own: the deadline of what failed has passed when that is why it failed."""
REQUESTS_OF_A_WORKER = 4
"""Requests at the same time of what was called a worker; provisioned concurrency is a multiple of this."""
EXACT = ("config.entities", "config.traffic", ".environment_vars", "resources", "files")
"""What has nothing that was not asked for."""
SECRET = re.compile(r"\{\{secrets/([^/{}]+)/([^/{}]+)\}\}")
"""A reference to a secret of the workspace: its scope and its key."""
SECRET_NAME = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
"""The names of variables that hold a secret."""
URL_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s]+@")
Groups = list[str]
Report = Callable[[str], None]


def holds_secret(name: str, value: str) -> bool:
    """Whether a variable holds a secret itself, which everybody who may see the deployment can read."""
    return bool(URL_PASSWORD.search(value) or (SECRET_NAME.search(name) and not SECRET.fullmatch(value)))


def _without_secrets(environment: dict[str, str]) -> dict[str, str]:
    for name, value in environment.items():
        if holds_secret(name, value):
            raise ValueError(f"{name} holds a secret; store it in a secret scope and write {{{{secrets/SCOPE/KEY}}}}")
    return environment


Environment = Annotated[dict[str, str], AfterValidator(_without_secrets)]
"""Variables by name."""


@dataclass(frozen=True)
class PlannedChange:
    """One thing that would be different: its name, and its value before and after."""

    what: str
    before: Any
    after: Any


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Concurrency(_Part):
    """Requests at the same time for which the endpoint is provisioned, in multiples of 4."""

    min: int = Field(ge=0, multiple_of=REQUESTS_OF_A_WORKER)
    max: int = Field(gt=0, multiple_of=REQUESTS_OF_A_WORKER)


class InferenceTable(_Part):
    """Where requests and replies are logged: a table `PREFIX_payload` in a schema of Unity Catalog."""

    catalog: str
    schema_: str = Field(alias="schema")
    prefix: str = "warrant"


class EndpointFile(_Part):
    """The Model Serving endpoint."""

    name: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,62})?$")
    """Its name; empty: `warrant`, with `-ALIAS` for another alias than production."""
    form: Literal["responses", "graph"] = "responses"
    """What is served: the ResponsesAgent (MODEL-agent), or the graph itself (MODEL)."""
    size: Literal["Small", "Medium", "Large"] | None = None
    """The workload size: 4, 8-16 or 16-64 requests at the same time."""
    concurrency: Concurrency | None = None
    """Provisioned concurrency, in place of a size; neither: up to WARRANT_AT_ONCE where that is set, else Small."""
    min_workers: int | None = Field(default=None, ge=0)
    """Read as `concurrency.min` of 4 for each worker."""
    max_workers: int | None = Field(default=None, gt=0)
    """Read as `concurrency.max` of 4 for each worker."""
    scale_to_zero: bool = False
    """Whether an idle endpoint is stopped; the next request waits for it."""
    environment: Environment = {}
    """Variables of its environment; a secret is written `{{secrets/SCOPE/KEY}}`."""
    permissions: Mapping[Literal["CAN_QUERY", "CAN_VIEW", "CAN_MANAGE"], Groups] | None = None
    """The groups that may query, see or manage it, and no others; none: left as they are."""
    inference_table: InferenceTable | None = None
    """Where requests and replies are logged; none: nowhere."""

    @model_validator(mode="after")
    def _one_size(self) -> "EndpointFile":
        workers = (self.min_workers, self.max_workers)
        if sum((self.size is not None, self.concurrency is not None, workers != (None, None))) > 1:
            raise ValueError("give one of `size`, `concurrency` and `min_workers` with `max_workers`")
        if workers != (None, None) and None in workers:
            raise ValueError("give `min_workers` and `max_workers`")
        low, high = (
            (workers[0] or 0, workers[1] or 0) if not self.concurrency else tuple(dict(self.concurrency).values())
        )
        if low > high:
            raise ValueError(f"the least ({low}) is more than the most ({high})")
        return self

    def provisioned(self, at_once: int) -> "EndpointFile":
        """As it is where it says how much it can do, else for so many questions at once."""
        if self.size or self.concurrency or self.max_workers:
            return self
        least = 0 if self.scale_to_zero else REQUESTS_OF_A_WORKER
        most = ceil(at_once / REQUESTS_OF_A_WORKER) * REQUESTS_OF_A_WORKER
        return self.model_copy(update={"concurrency": Concurrency(min=least, max=most)})

    @property
    def capacity(self) -> dict[str, Any]:
        """The fields of a served entity that say how much it can do."""
        least, most = (self.concurrency.min, self.concurrency.max) if self.concurrency else (0, 0)
        if self.max_workers:
            least, most = (each * REQUESTS_OF_A_WORKER for each in (self.min_workers or 0, self.max_workers))
        zero = {"scale_to_zero_enabled": self.scale_to_zero}
        if most:
            return {"min_provisioned_concurrency": least, "max_provisioned_concurrency": most, **zero}
        return {"workload_size": self.size or "Small", **zero}


class RateLimit(_Part):
    """Calls or tokens a minute of a model endpoint."""

    key: Literal["endpoint", "user", "user_group", "service_principal"] = "user"
    """Whose: all together, each user, a group or a service principal."""
    principal: str | None = None
    """Which group or service principal."""
    calls: int | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)


class ModelGateway(_Part):
    """AI Gateway of a model endpoint that the release asks."""

    limits: list[RateLimit] = []
    usage_tracking: bool = True
    """Whether the platform's system tables count its tokens."""


class AppFile(_Part):
    """The Databricks App that runs the whole server."""

    name: str = Field(default="warrant", pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")
    requirement: str = "warrant-rag[serve,databricks]"
    """What pip installs: the package, or the path of a wheel in a volume."""
    environment: Environment = {}
    """Further variables; a secret is written `{{secrets/SCOPE/KEY}}`."""
    permissions: Mapping[Literal["CAN_USE", "CAN_MANAGE"], Groups] | None = None
    """The groups that may use or manage it, and no others; none: left as they are."""
    user_groups: bool = True
    """Whether users' tokens are forwarded to the app, which asks the workspace for their groups."""


class DeploymentFile(_Part):
    """The whole file."""

    endpoint: EndpointFile = EndpointFile()
    models: dict[str, ModelGateway] = {}
    """AI Gateway by model endpoint; endpoints that are not named are left as they are."""
    app: AppFile = AppFile()


def read_deployment(path: Path | None) -> DeploymentFile:
    """The deployment in a file, or the default; raises SettingsInvalid that names the field."""
    if path is None:
        return DeploymentFile()
    try:
        return DeploymentFile.model_validate(load_yaml(path.read_text("utf-8")) or {})
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} cannot be read: {error}.") from error
    except YamlInvalid as error:
        raise SettingsInvalid(f"{path}:{error.line}: this is not YAML that can be read: {error.problem}.") from error
    except ValidationError as error:
        raise SettingsInvalid(f"{path}: {problem(error.errors()[0], 'the file')}.") from error


def differences(where: str, before: Any, after: Any) -> list[PlannedChange]:
    """What `after` says otherwise; of most things the service says more than was asked for."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = {**before, **after} if where.endswith(EXACT) else after
        return [each for name in names for each in differences(f"{where}.{name}", before.get(name), after.get(name))]
    return [] if before == after else [PlannedChange(where, _shown(where, before), _shown(where, after))]


def _shown(where: str, value: Any) -> Any:
    """A value as a plan may show it: without the secrets that somebody wrote into the environment of what runs."""
    if isinstance(value, dict):
        return {name: _shown(name, own) for name, own in value.items()}
    return "***" if isinstance(value, str) and holds_secret(where.rpartition(".")[2], value) else value


def pause(what: str, message: str, deadline: float, seconds: float) -> None:
    """Wait before the next look; raises DeploymentFailed where that would be after the deadline (time.monotonic())."""
    if time.monotonic() + seconds > deadline:
        raise DeploymentFailed(f"{what} was not ready in time: {message}.")
    time.sleep(seconds)


def reason(error: Exception, signed_in: "Workspace") -> str:
    """Why a deployment failed, without the host and token that a client's error may name."""
    return str(error) if isinstance(error, DeploymentFailed) else signed_in.clean(str(error))
