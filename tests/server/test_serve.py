"""warrant serve as a process: it says where the pages are, drains at SIGTERM, and several workers serve one port."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import yaml
from server_under_test import wait_until_begun, warrant_serve
from support import ROOT
from uvicorn.supervisors.multiprocess import SIGNALS

from server.serving import Supervisor, configuration, listen
from server.settings import ServerSettings

pytestmark = pytest.mark.slow
LAPTOPS = {"input": {"question": "After how many years are laptops replaced?"}}
DRAINED = (0, -signal.SIGTERM)


@pytest.fixture
def slow_release(tmp_path: Path) -> Path:
    """A release whose model takes some three seconds to say a sentence."""
    reply = "Laptops are replaced every 4 years and telephones every 3 years [1]."
    script, release = tmp_path / "script.yaml", tmp_path / "release.yaml"
    script.write_text(yaml.safe_dump([{"reply": reply, "seconds_per_token": 0.25}]), "utf-8")
    models = {"simple": f"scripted:{script}", "complex": f"scripted:{script}"}
    release.write_text(yaml.safe_dump({"embedding": "wordllama-256", "models": models}), "utf-8")
    return release


def test_a_stream_under_way_is_finished_when_the_server_is_told_to_end(
    quick_handbook: Path, tmp_path: Path, slow_release: Path
) -> None:
    options = ("-i", quick_handbook, "-r", slow_release)
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        with httpx.stream("POST", f"{url}/rag/stream", json=LAPTOPS, timeout=60) as reply:
            lines = (line for line in reply.iter_lines() if line.startswith("data:"))
            assert "token" in next(line for line in lines if "token" in line)
            process.send_signal(signal.SIGTERM)
            last = list(lines)[-1]
        assert json.loads(last[5:])["event"] == "final"
        assert process.wait(60) in DRAINED
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", timeout=60)


def test_an_invoke_under_way_is_finished_too(quick_handbook: Path, tmp_path: Path, slow_release: Path) -> None:
    options = ("-i", quick_handbook, "-r", slow_release)
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        with ThreadPoolExecutor() as threads:
            asking = threads.submit(httpx.post, f"{url}/rag/invoke", json=LAPTOPS, timeout=60)
            wait_until_begun(url)
            process.send_signal(signal.SIGTERM)
            reply = asking.result()
        assert reply.json()["output"]["status"] == "answered"
        assert process.wait(60) in DRAINED


def test_two_workers_serve_one_port_and_share_the_conversations(quick_handbook: Path, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    options = ("-i", quick_handbook, "-r", release, "--workers", "2")
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
        for _ in range(8):
            body = {"input": {**LAPTOPS["input"], "session_id": "both"}}
            httpx.post(f"{url}/rag/invoke", json=body, timeout=60).raise_for_status()
        assert len(httpx.get(f"{url}/conversations/both", timeout=60).json()["turns"]) == 16
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in DRAINED
    assert len(workers.split()) >= 2


@pytest.mark.parametrize(
    ("options", "environment", "code", "message"),
    [
        (["-i", "/nowhere"], {}, 7, "/nowhere"),
        (["--host", "0.0.0.0"], {}, 4, "no keys are configured"),
        ([], {"WARRANT_MAX_BATCH": "many"}, 4, "WARRANT_MAX_BATCH"),
        ([], {"WARRANT_SESSIONS": "postgresql://127.0.0.1:1/none"}, 4, "Postgres"),
        (["-r", "/nowhere.yaml"], {}, 4, "nowhere.yaml"),
    ],
)
def test_what_keeps_the_server_from_starting_is_told_in_one_sentence(
    quick_handbook: Path, tmp_path: Path, options: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    command = [sys.executable, str(ROOT / "warrant.py"), "serve", "--port", "0", *options]
    world = {**os.environ, "WARRANT_INDEX": str(quick_handbook), "WARRANT_STATE": str(tmp_path), **environment}
    done = subprocess.run(command, capture_output=True, text=True, env=world, timeout=60, check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(server: str, quick_handbook: Path) -> None:
    command = [sys.executable, str(ROOT / "warrant.py"), "serve", "--port", server.rsplit(":", 1)[1]]
    world = {**os.environ, "WARRANT_INDEX": str(quick_handbook)}
    done = subprocess.run(command, capture_output=True, text=True, env=world, timeout=60, check=False)
    assert done.returncode == 4
    assert "Choose another --port" in done.stderr


@pytest.mark.slow
def test_workers_end_with_the_process_that_made_them(quick_handbook: Path, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    options = ("-i", quick_handbook, "-r", release, "--workers", "2")
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert alive == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", timeout=60)


def test_a_worker_that_is_silent_for_a_while_is_not_ended(quick_handbook: Path, tmp_path: Path) -> None:
    """As one is that opens another release on a busy machine: uvicorn itself would end it after five seconds."""
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    options = ("-i", quick_handbook, "-r", release, "--workers", "2")
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        workers = [each for each in psutil.Process(process.pid).children() if "spawn_main" in " ".join(each.cmdline())]
        assert len(workers) == 2
        workers[0].suspend()
        with contextlib.suppress(psutil.TimeoutExpired):
            workers[0].wait(8)
        workers[0].resume()
        assert workers[0].is_running()
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor of one worker with an empty application; it takes over the signals of its process."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with listen("127.0.0.1", 0) as listening:
        supervisor = Supervisor(configuration(ServerSettings(state=tmp_path), "fastapi:FastAPI"), [listening])
        try:
            supervisor.init_processes()
            yield supervisor
        finally:
            for worker in supervisor.processes:
                worker.kill()
                worker.join()
            for number, handler in before.items():
                signal.signal(number, handler)


def test_a_worker_that_was_killed_while_it_was_asked_is_not_waited_for(supervisor: Supervisor) -> None:
    supervisor.keep_subprocess_alive()
    [worker] = supervisor.processes
    worker.process.kill()
    worker.join()
    assert worker.parent_conn.poll(), "its pipe is still open at the other end"
