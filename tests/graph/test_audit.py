"""The audit log: whole after a kill at any byte, and every change to it found where it was made."""

import json
import multiprocessing
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from filelock import lock_descriptor

from graph.audit import AuditHead, AuditLog, read_anchor, read_records, verify_log
from graph.errors import AuditUnavailable
from warrant import warrant


def written(path: Path, records: int = 5, anchor: Path | None = None) -> AuditLog:
    log = AuditLog(path, anchor)
    for number in range(records):
        log.append("ann", "promote", f"v{number}", "done", ticket="CHG-1", note="ünïcode\n\x00")
    return log


def test_a_log_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    written(path)
    written(path, 2)
    assert verify_log(path) is None
    assert [record.number for record in read_records(path)] == [1, 2, 3, 4, 5, 6, 7]
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_bit_that_is_changed_is_found_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 3)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        problem = verify_log(path)
        assert problem is not None, place
        assert problem.line == whole[:place].count(b"\n") + 1
        with pytest.raises(AuditUnavailable):
            AuditLog(path).append("ann", "promote", "v9", "done")
        assert path.read_bytes() == bytes(changed)


def test_a_line_that_is_removed_added_or_moved_is_found(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for changed, where in (
        ([lines[0], *lines[2:]], 2),
        (lines[1:], 1),
        ([lines[0], lines[2], lines[1], *lines[3:]], 2),
        ([*lines[:3], lines[2], *lines[3:]], 4),
        ([*lines, b"\n"], 6),
    ):
        path.write_bytes(b"".join(changed))
        problem = verify_log(path)
        assert problem is not None
        assert problem.line == where


def test_an_anchor_finds_a_cut_tail_and_a_log_that_was_rewritten(tmp_path: Path) -> None:
    path, anchor = tmp_path / "audit.jsonl", tmp_path / "elsewhere"
    written(path, anchor=anchor)
    head = read_anchor(anchor)
    assert head.number == 5
    assert verify_log(path, head) is None
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert verify_log(path) is None
    problem = verify_log(path, head)
    assert problem is not None
    assert problem.line == 4
    path.unlink()
    written(path, 7)
    problem = verify_log(path, head)
    assert problem is not None
    assert (problem.line, "rewritten" in problem.problem) == (5, True)


@pytest.mark.parametrize("left", [0, 3, None])
def test_nothing_is_added_to_a_log_that_is_not_the_one_that_was_anchored(tmp_path: Path, left: int | None) -> None:
    """Otherwise the next act would move the anchor, and the cut be forgotten; None: rewritten, as long as before."""
    path, anchor = tmp_path / "audit.jsonl", tmp_path / "elsewhere"
    written(path, anchor=anchor)
    head, lines = read_anchor(anchor), path.read_bytes().splitlines(keepends=True)
    path.unlink()
    if left is None:
        written(path, 6)
    else:
        path.write_bytes(b"".join(lines[:left]))
    log = AuditLog(path, anchor)
    for _ in range(2):
        with pytest.raises(AuditUnavailable, match="anchored"):
            log.append("ann", "promote", "v9", "done")
    assert read_anchor(anchor) == head
    path.write_bytes(b"".join(lines))
    AuditLog(path, anchor).append("ann", "promote", "v9", "done")
    assert read_anchor(anchor).number == 6


def append_until(path: str, size: int, pipe: Any) -> None:
    """Append a record; the kernel kills the process where the file would grow beyond `size` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    pipe.send(AuditLog(Path(path)).append("ann", "promote", "v1", "done").number)


def test_killed_at_any_byte_of_a_write_the_log_is_whole_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    path, fork = tmp_path / "audit.jsonl", multiprocessing.get_context("fork")
    written(path, 2)
    size = path.stat().st_size
    length, killed = size // 2, 0
    for at in range(size, size + length + 20, 7):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=append_until, args=(str(path), at, theirs))
        child.start()
        child.join()
        killed += child.exitcode == -signal.SIGXFSZ
        acknowledged = ours.poll() and ours.recv() == 3
        assert verify_log(path) is None
        assert AuditLog(path).append("bob", "rollback", "v1", "done").number == 3 + acknowledged
        assert verify_log(path) is None
        path.write_bytes(path.read_bytes()[:size])
    assert killed >= 30


def test_a_full_disk_refuses_the_act_and_with_room_the_log_goes_on(tmp_path: Path) -> None:
    path, (soft, hard) = tmp_path / "audit.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    log = written(path, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, hard))
    try:
        with pytest.raises(AuditUnavailable, match="cannot be written"):
            log.append("ann", "promote", "v3", "begun")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert verify_log(path) is None
    assert log.append("ann", "promote", "v3", "begun").number == 3
    assert verify_log(path) is None


def test_a_clock_that_goes_back_breaks_no_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 2)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Earlier":
            return cls(1999, 12, 31, tzinfo=tz)

    monkeypatch.setattr("graph.audit.datetime", Earlier)
    assert AuditLog(path).append("ann", "promote", "v3", "done").time < "2000"
    assert verify_log(path) is None


def test_an_address_gets_each_head_and_a_record_that_it_does_not_take_counts_as_not_written(tmp_path: Path) -> None:
    received, status = [], [204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = tmp_path / "audit.jsonl"
        log = AuditLog(path, webhook=f"http://127.0.0.1:{server.server_port}/heads")
        heads = [
            f"{each.number} {each.digest}\n" for each in (log.append("ann", "ask", "v1", "done") for _ in range(3))
        ]
        assert received == heads
        status[0] = 500
        with pytest.raises(AuditUnavailable):
            log.append("ann", "promote", "v3", "begun")
        server.shutdown()
    with pytest.raises(AuditUnavailable):
        log.append("ann", "promote", "v3", "begun")
    assert verify_log(path) is None
    (tmp_path / "received").write_text(received[-1], "ascii")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    problem = verify_log(path, read_anchor(tmp_path / "received"))
    assert problem is not None
    assert problem.line == 3


def append_many(path: str) -> None:
    for _ in range(20):
        AuditLog(Path(path)).append("ann", "reload", "releases", "allowed")


def test_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    path, fork = tmp_path / "audit.jsonl", multiprocessing.get_context("fork")
    children = [fork.Process(target=append_many, args=(str(path),)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert verify_log(path) is None
    assert len([*read_records(path)]) == 80


def test_a_log_that_was_moved_away_is_not_written_to_where_it_went(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = written(path, 2)
    moved = path.rename(tmp_path / "moved.jsonl")
    with pytest.raises(AuditUnavailable, match="shorter"):
        log.append("ann", "promote", "v9", "done")
    assert len([*read_records(moved)]) == 2
    moved.replace(path)
    assert log.append("ann", "promote", "v9", "done").number == 3
    assert verify_log(path) is None


def test_a_log_that_is_moved_away_while_its_lock_is_waited_for_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, moved = tmp_path / "audit.jsonl", tmp_path / "moved.jsonl"
    log = written(path, 2)
    with path.open("ab") as other:
        lock_descriptor(other.fileno())

        def move(_: float) -> None:
            path.rename(moved)
            other.close()

        monkeypatch.setattr("time.sleep", move)
        with pytest.raises(AuditUnavailable, match="shorter"):
            log.append("ann", "promote", "v9", "done")
    assert len([*read_records(moved)]) == 2


def test_a_thread_waits_a_bounded_time_for_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def post(*_: object, **__: object) -> httpx.Response:
        begun.set()
        assert go_on.wait(60)
        return httpx.Response(204, request=httpx.Request("POST", "http://anchor"))

    monkeypatch.setattr("httpx.post", post)
    monkeypatch.setattr("graph.audit.LOCK_SECONDS", 0.01)
    log = AuditLog(tmp_path / "audit.jsonl", webhook="http://anchor")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(log.append, "ann", "ask", "v1", "done")
        assert begun.wait(60)
        with pytest.raises(AuditUnavailable, match="another thread holds it locked"):
            log.append("bob", "ask", "v1", "done")
        go_on.set()
        assert first.result(60).number == 1
    assert [record.actor for record in read_records(log.path)] == ["ann"]


def test_a_log_that_cannot_be_written_refuses_the_act(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(AuditUnavailable, match="cannot be written"):
        AuditLog(tmp_path / "file" / "audit.jsonl").append("ann", "promote", "v1", "begun")
    log = written(tmp_path / "audit.jsonl")
    (tmp_path / "audit.jsonl").write_bytes(b"")
    with pytest.raises(AuditUnavailable, match="shorter"):
        log.append("ann", "promote", "v1", "begun")


def test_the_command_shows_exports_and_verifies(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    written(path, 2)
    run = CliRunner().invoke
    lines = run(warrant, ["audit", "show", "--file", str(path), "--json", "--act", "promote"]).stdout.splitlines()
    assert [json.loads(line)["target"] for line in lines] == ["v0", "v1"]
    assert "promote" in run(warrant, ["audit", "show", "--file", str(path)]).stdout
    assert run(warrant, ["audit", "verify", "--file", str(path)]).exit_code == 0
    path.write_bytes(path.read_bytes().replace(b"CHG-1", b"CHG-2", 1))
    found = run(warrant, ["audit", "verify", "--file", str(path)])
    assert (found.exit_code, "Line 1" in found.output) == (1, True)
    assert AuditHead() == AuditHead(0, "0" * 64)
