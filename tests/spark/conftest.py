"""A standalone cluster of Spark on loopback: a master and two workers, each a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPARK = Path(sys.prefix) / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/pyspark"
ENVIRONMENT = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
PATIENCE = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is in this folder where there is no Spark, or no Java for it."""
    missing = "" if (SPARK / "jars").is_dir() else "Spark has an environment of its own: `make test-spark`."
    missing = missing or ("" if shutil.which("java") else "Java is not installed (Debian: openjdk-17-jre-headless).")
    for item in items:
        if missing and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=missing))


@dataclass
class Cluster:
    """The processes of a cluster, and its master's address."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    master: str = ""

    def start(self, *arguments: str, until: str) -> str:
        """Start a process of Spark, and wait for a line of its log."""
        command = [str(SPARK / "bin" / "spark-class"), *arguments]
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("w") as out:
            # Each in a session of its own, so that none is told of what ends another.
            self.processes.append(
                subprocess.Popen(
                    command, env={**os.environ, **ENVIRONMENT}, stdout=out, stderr=out, start_new_session=True
                )
            )
        deadline = time.monotonic() + PATIENCE
        while not (found := [line for line in log.read_text().splitlines() if until in line]):
            assert time.monotonic() < deadline, f"{arguments[0]} did not say {until!r}: {log.read_text()[-2000:]}"
            time.sleep(0.1)
        return found[0]

    def kill(self, number: int) -> None:
        """Kill a process with all that it started."""
        process = self.processes[number]
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            each.send_signal(signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for number, process in enumerate(self.processes):
            if process.poll() is None:
                self.kill(number)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers of one core each."""
    folder = tmp_path_factory.mktemp("cluster")
    made = Cluster(folder)
    try:
        line = made.start(
            *("org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
            until="Starting Spark master at",
        )
        made.master = line.rpartition(" ")[2]
        for number in (1, 2):
            made.start(
                *("org.apache.spark.deploy.worker.Worker", made.master, "--host", "127.0.0.1", "--webui-port", "0"),
                *("--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker{number}")),
                until="Successfully registered with master",
            )
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def spark(cluster: Cluster) -> "Iterator[SparkSession]":
    """A session of the cluster."""
    from graph.batch.spark import session

    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        made = session(cluster.master)
        yield made
        made.stop()
