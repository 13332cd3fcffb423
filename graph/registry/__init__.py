"""Releases as versions of an MLflow model: packed, logged, registered, followed and moved by alias."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from .warrant import Warrant

if TYPE_CHECKING:
    from .stages import Placement

Stage = Literal["staging", "production"]
STAGES: tuple[Stage, ...] = ("staging", "production")


@dataclass(frozen=True)
class Version:
    """A registered version of the model.

    `label` is the Release's, as answers carry it; `digest` is over all that answers: code, Release, Snapshot. `made` is
    when it was registered, in milliseconds since 1970.
    """

    number: int
    label: str
    digest: str
    tags: dict[str, str] = field(default_factory=dict, compare=False)
    made: int = field(default=0, compare=False)


class RegistryReader(Protocol):
    """The registry as a server sees it. Every method blocks, and raises RegistryUnavailable when it does not answer."""

    def placement(self) -> "Placement":
        """Where versions stand: by alias, and what share of the questions they get, all from one read."""
        ...

    def version(self, number: int) -> Version:
        """A version; raises VersionUnknown when there is none of this number."""
        ...

    def fetch(self, version: Version, home: Path) -> Path:
        """The directory `home/DIGEST` with the version's package, whole and checked; fetched unless it is there so.

        Raises PackageBroken when what was fetched is not what was logged.
        """
        ...

    def warrant(self, version: Version) -> Warrant | None:
        """The evidence that was stored with the version; raises WarrantInvalid when it cannot be read."""
        ...
