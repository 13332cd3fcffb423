"""One server for all tests that need nothing special of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from server_under_test import app_over, serving
from support import QUICK


@pytest.fixture(scope="session")
def server(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over the sample handbook: no keys, no models."""
    with serving(app_over(quick_handbook, tmp_path_factory.mktemp("state"), QUICK)) as url:
        yield url
