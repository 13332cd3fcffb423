"""Brings a registered version's package here."""

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from ..errors import PackageBroken, RegistryUnavailable
from . import Version
from .logging import tracking
from .shelf import shelve


def fetch(uri: str, model: str, version: Version, home: Path) -> Path:
    """The directory `home/DIGEST` with a version's package; one that is there and whole is not fetched again.

    Raises PackageBroken when what was fetched is not what was logged, RegistryUnavailable when it cannot be fetched.
    """
    name = f"{model} v{version.number}"
    if not version.digest:
        raise PackageBroken(f"{name} was not logged by `warrant release log`: it has no digest.")

    def bring(arriving: Path) -> Path:
        with tracking(uri):
            return Path(
                mlflow.artifacts.download_artifacts(f"models:/{model}/{version.number}", dst_path=str(arriving))
            )

    try:
        return shelve(home, version.digest, bring)
    except (MlflowException, OSError) as error:
        raise RegistryUnavailable(f"{name} cannot be fetched: {type(error).__name__}.") from error
