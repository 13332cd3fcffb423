"""One server for all tests that need nothing special of it."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from postgres_under_test import postgres, programs
from server_under_test import app_over, serving
from support import QUICK


@pytest.fixture(scope="session")
def server(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over the sample handbook: no keys, no models."""
    with serving(app_over(quick_handbook, tmp_path_factory.mktemp("state"), QUICK)) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql).")
    # The server's own user must reach its folder, which pytest's folders do not allow.
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder), where) as url:
        os.chmod(folder, 0o755)
        yield url


@pytest.fixture(scope="session", autouse=True)
def no_client_outlives_the_tests() -> Iterator[None]:
    """Close what LangChain's clients keep open for as long as the process lives."""
    yield
    for each in gc.get_objects():
        if isinstance(each, httpx.Client):
            each.close()
