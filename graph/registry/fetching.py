"""Brings a registered version's package here: whole and checked under its digest, or not at all."""

import shutil
from pathlib import Path
from uuid import uuid4

import mlflow
from filelock import FileLock
from mlflow.exceptions import MlflowException

from ..errors import PackageBroken, RegistryUnavailable
from . import Version
from .logging import tracking
from .package import package_digest


def fetch(uri: str, model: str, version: Version, home: Path) -> Path:
    """The directory `home/DIGEST` with a version's package; what is there already is not fetched again.

    Several processes may want it at once. Raises PackageBroken when what was fetched is not what was logged,
    RegistryUnavailable when it cannot be fetched.
    """
    if not version.digest:
        raise PackageBroken(f"{model} v{version.number} was not logged by `warrant release log`: it has no digest.")
    target = home / version.digest
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{version.digest}.lock"):
        if not target.is_dir():
            _bring(uri, model, version, target)
    return target


def _bring(uri: str, model: str, version: Version, target: Path) -> None:
    arriving = target.with_name(f".{uuid4().hex}")
    try:
        arriving.mkdir()
        with tracking(uri):
            found = mlflow.artifacts.download_artifacts(f"models:/{model}/{version.number}", dst_path=str(arriving))
        if package_digest(Path(found)) != version.digest:
            raise PackageBroken(f"{model} v{version.number} is not what was logged: its digest is another.")
        Path(found).rename(target)
    except (MlflowException, OSError) as error:
        raise RegistryUnavailable(f"{model} v{version.number} cannot be fetched: {type(error).__name__}.") from error
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
