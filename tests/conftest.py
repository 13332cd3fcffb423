"""What many tests need: quiet libraries, and the sample handbook as a Snapshot."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from filelock import FileLock
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


def pytest_configure(config: pytest.Config) -> None:
    """`make test` tries fewer examples of each property than CI does."""
    if config.option.markexpr == "not slow":
        # The environment of Spark is without it.
        from hypothesis import settings

        settings.register_profile("quick", max_examples=30)
        settings.load_profile("quick")


@pytest.fixture(autouse=True, scope="session")
def audit_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Commands under test record what they change away from the repository."""
    path = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARRANT_AUDIT", str(path))
        yield path


@pytest.fixture(autouse=True, scope="session")
def embeddings_stay_loaded() -> Iterator[None]:
    """Each is loaded once, though no test may use it while the next one begins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graph.models.packaged_embeddings._loaded", {})
        yield


@pytest.fixture(autouse=True, scope="session")
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is asked over TLS, and to read all of the world's certificates takes each HTTP client 30 ms."""
    first, end, _ = Path(certifi.where()).read_text("ascii").partition("-----END CERTIFICATE-----\n")
    path = tmp_path_factory.mktemp("certificates") / "first.pem"
    path.write_text(first + end, "ascii")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(autouse=True, scope="session")
def nothing_is_synced() -> Iterator[None]:
    """No test cuts the power: what was written need not reach the disk, which takes a fifth of an index run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that is made once for all workers of a test run."""
    base = temporary.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            begun = folder.with_suffix(".begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder


@pytest.fixture(scope="session")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sample handbook under the default release."""
    options = Options(threads=2)
    return made_once(tmp_path_factory, "handbook", lambda out: index([HANDBOOK], out, Release(), options, Silent()))


@pytest.fixture(scope="session")
def quick_handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the sample handbook under static vectors."""
    options = Options(threads=2)
    return made_once(tmp_path_factory, "quick", lambda out: index([HANDBOOK], out, QUICK, options, Silent()))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables in a SQLite file: they take seconds to make, so they are made once and copied."""

    def make(folder: Path) -> None:
        from mlflow import MlflowClient

        bound_mlflow()
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        MlflowClient(uri, uri).search_registered_models()

    return made_once(tmp_path_factory, "mlflow", make) / "mlflow.db"


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
