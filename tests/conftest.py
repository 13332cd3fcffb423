"""What many tests need: quiet libraries, and the sample handbook as a Snapshot."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import HANDBOOK, QUICK, Silent

from graph.ingest.options import Options
from graph.ingest.pipeline import index
from graph.release import Release
from graph.settings import bound_mlflow, quiet_libraries

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from versions_under_test import Made

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

quiet_libraries()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sample handbook under the default release."""
    store = tmp_path_factory.mktemp("handbook")
    index([HANDBOOK], store, Release(), Options(threads=2), Silent())
    return store


@pytest.fixture(scope="session")
def quick_handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sample handbook under static vectors."""
    store = tmp_path_factory.mktemp("quick")
    index([HANDBOOK], store, QUICK, Options(threads=2), Silent())
    return store


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables in a SQLite file: they take seconds to make, so they are made once and copied."""
    from mlflow import MlflowClient

    bound_mlflow()
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}", f"sqlite:///{file}").search_registered_models()
    return file


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium without a window."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def made(empty: Path, tmp_path: Path) -> "Made":
    """A registry without a model."""
    from versions_under_test import Made

    shutil.copy(empty, tmp_path / "mlflow.db")
    return Made(tmp_path)
