"""The README's demonstration of releases, run as it stands there but for the port."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from server_under_test import free_port
from support import ROOT

pytestmark = pytest.mark.slow
WARRANT = f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/warrant.py" "$@"\n'


def demonstration() -> str:
    """The commands under the heading Release."""
    section = (ROOT / "README.md").read_text("utf-8").partition("\n## Release\n")[2]
    found = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert found
    return found.group(1)


def test_two_releases_are_logged_promoted_asked_rolled_back_and_asked(handbook: Path, tmp_path: Path) -> None:
    (tmp_path / ".warrant").mkdir()
    (tmp_path / ".warrant" / "handbook").symlink_to(handbook)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "warrant").write_text(WARRANT, "utf-8")
    (tmp_path / "bin" / "warrant").chmod(0o755)
    port = str(free_port())
    script = demonstration().replace("localhost:8100", f"127.0.0.1:{port}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WARRANT_")}
    told = {"WARRANT_PORT": port, "WARRANT_THREADS": "1", "PATH": f"{tmp_path}/bin:{kept['PATH']}", "COLUMNS": "160"}
    done = subprocess.run(
        ["bash", "-ec", f"trap 'kill $(jobs -p)' EXIT\n{script}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**kept, **told},
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    answers: list[Any] = [each["output"] for each in said if "output" in each]
    assert [answer["version"] for answer in answers] == ["1", "2", "2", "1"]
    assert all(answer["status"] == "answered" and answer["citations"] for answer in answers)
    assert answers[0]["text"] == answers[3]["text"] != answers[1]["text"] == answers[2]["text"]
    served = [each["served"]["production"] for each in said if "served" in each]
    assert [(each["version"], each["standing"]) for each in served] == [
        ("1", "warranted"),
        ("2", "override"),
        ("1", "warranted"),
    ]
    assert "generation.style" in done.stdout
    assert "too long" in done.stdout
