"""Whether a registry can be reached."""

import subprocess
import sys
from pathlib import Path

import pytest
from databricks_emulator import emulating
from databricks_under_test import sign_in

from graph.errors import RegistryUnavailable, SettingsInvalid
from graph.models.databricks import workspace
from graph.registry.address import check_reach, check_workspace
from graph.registry.client import open_registry

KILLED = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("CREATE TABLE kept (text)")
database.commit()
database.execute("PRAGMA cache_size = 1")
database.executemany("INSERT INTO kept VALUES (?)", [("x" * 4000,)] * 200)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Dies in a transaction of which a part is on disk, and leaves a journal that has to be rolled back."""


def test_a_registry_whose_writer_was_killed_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.with_name("mlflow.db-journal").stat().st_size
    check_reach(f"sqlite:///{path}", "warrant")


# Databricks


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DATABRICKS_TOKEN": "wrong"}, "Invalid access token"),
        ({"DATABRICKS_HOST": "http://127.0.0.1:1"}, "Connection refused|Max retries"),
        ({"DATABRICKS_CLIENT_SECRET": "wrong"}, "invalid_client"),
    ],
    ids=["token", "host", "secret"],
)
def test_a_workspace_that_cannot_be_signed_in_to_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str
) -> None:
    pytest.importorskip("databricks.sdk")
    with emulating() as emulator:
        own = emulator.machine_environment if "DATABRICKS_CLIENT_SECRET" in changes else emulator.environment
        sign_in(monkeypatch, {**own, **changes})
        with pytest.raises(RegistryUnavailable, match=message) as refused:
            check_workspace("databricks-uc")
        workspace.cache_clear()
    assert emulator.url.partition("://")[2] not in str(refused.value)
    assert "127.0.0.1" not in str(refused.value)


def test_a_model_in_unity_catalog_has_three_levels() -> None:
    with pytest.raises(SettingsInvalid, match=r"catalog\.schema\.model"):
        open_registry("databricks-uc", "handbook")
