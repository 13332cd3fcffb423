"""What many tests need: quiet libraries, and the sample handbook as a Snapshot."""

from pathlib import Path

import pytest
from support import HANDBOOK, QUICK, Silent

from graph.ingest.pipeline import Options, index
from graph.release import Release
from graph.settings import quiet_libraries

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
