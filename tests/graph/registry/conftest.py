"""An empty MLflow in a SQLite file: its tables are made once, and copied."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from versions_under_test import Made

from graph.settings import bound_mlflow


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bound_mlflow()
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}", f"sqlite:///{file}").search_registered_models()
    return file


@pytest.fixture
def made(empty: Path, tmp_path: Path) -> Made:
    """A registry without a model."""
    shutil.copy(empty, tmp_path / "mlflow.db")
    return Made(tmp_path)
