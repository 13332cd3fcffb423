"""Whether a registry can be reached."""

import subprocess
import sys
from pathlib import Path

from graph.registry.address import check_reach

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
