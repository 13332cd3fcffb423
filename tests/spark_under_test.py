"""A standalone cluster of Spark on loopback: a master and workers, each a process of its own."""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SPARK = Path(sys.prefix) / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/pyspark"
ENVIRONMENT = {
    "PYSPARK_PYTHON": sys.executable,
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    "SPARK_LOCAL_IP": "127.0.0.1",
    "SPARK_NO_DAEMONIZE": "1",
}
PATIENCE = 60.0


def missing() -> str:
    """Why no cluster can be started; empty when one can."""
    if not (SPARK / "jars").is_dir():
        return "Spark has an environment of its own: `make test-spark`."
    return "" if shutil.which("java") else "Java is not installed (Debian: openjdk-17-jre-headless)."


@dataclass
class Cluster:
    """The processes of a cluster, the master first, and the master's address."""

    folder: Path
    processes: list[psutil.Popen] = field(default_factory=list)
    master: str = ""

    def start(self, *arguments: str, until: str) -> str:
        """Start a process of Spark, and wait for a line of its log."""
        log = self.folder / f"{len(self.processes)}.log"
        command = [str(SPARK / "bin" / "spark-class"), *arguments, "--host", "127.0.0.1", "--webui-port", "0"]
        with log.open("w") as out:
            # Each in a session of its own, so that none is told of what ends another.
            process = psutil.Popen(
                command, env={**os.environ, **ENVIRONMENT}, stdout=out, stderr=out, start_new_session=True
            )
        self.processes.append(process)
        deadline = time.monotonic() + PATIENCE
        while not (found := [line for line in log.read_text().splitlines() if until in line]):
            assert time.monotonic() < deadline, f"{arguments[0]} did not say {until!r}: {log.read_text()[-2000:]}"
            time.sleep(0.1)
        return found[0]

    def kill(self, number: int) -> None:
        """Kill a process with all that it started."""
        process = self.processes[number]
        for each in [*process.children(recursive=True), process]:
            each.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A master and some workers of one core each."""
    made = Cluster(folder)
    try:
        line = made.start("org.apache.spark.deploy.master.Master", "--port", "0", until="Starting Spark master at")
        made.master = line.rpartition(" ")[2]
        for number in range(workers):
            own = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker{number}"), made.master)
            made.start("org.apache.spark.deploy.worker.Worker", *own, until="Successfully registered with master")
        yield made
    finally:
        for number, process in enumerate(made.processes):
            if process.poll() is None:
                made.kill(number)


class DeadlyLimit(float):
    """A number of megabytes that kills the process of a reader in which it is looked at."""

    def __lt__(self, other: float) -> bool:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return float(self) < other
