"""The README's demonstration of the gate, run as it stands there but for the port, the embedding and the samples."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from server_under_test import free_port
from support import ROOT

pytestmark = pytest.mark.slow
WARRANT = f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/warrant.py" "$@"\n'
PYTHON = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n'


def demonstration() -> str:
    """The commands under "Refused, and promoted"."""
    section = (ROOT / "README.md").read_text("utf-8").partition("**Refused, and promoted.**")[2]
    found = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert found
    return found.group(1)


def test_worse_releases_are_refused_with_the_reason_and_a_better_one_is_promoted_and_served(
    quick_handbook: Path, tmp_path: Path
) -> None:
    """Static vectors answer in a tenth of the time, and are as good for telling a worse release."""
    (tmp_path / ".warrant").mkdir()
    (tmp_path / ".warrant" / "handbook").symlink_to(quick_handbook)
    for name in ("samples", "evals"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    for name, text in {"warrant": WARRANT, "python": PYTHON}.items():
        (tmp_path / "bin" / name).write_text(text, "utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    port, model = str(free_port()), str(free_port())
    script = demonstration().replace("localhost:8100", f"127.0.0.1:{port}").replace("8123", model)
    script = re.sub(r"name: (\w+)\\n", r"name: \1\\nembedding: wordllama-256\\n", script)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WARRANT_")}
    told = {"WARRANT_PORT": port, "PATH": f"{tmp_path}/bin:{kept['PATH']}", "COLUMNS": "160"}
    done = subprocess.run(
        ["bash", "-ec", f"trap 'kill $(jobs -p)' EXIT\n{script.replace('$PWD/.venv/bin:', '')}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**kept, **told},
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "v1 is in production." in done.stdout
    gated = dict(
        zip(("narrow", "prompt", "unchecked", "crumbs"), re.split(r"^FAIL ", done.stdout, flags=re.M)[1:], strict=True)
    )
    assert all(f"{name}: refused" in told for name, told in gated.items())
    assert re.search(r"context_recall: margin: -0\.\d+, margin 0.05: worse than the champion", gated["narrow"])
    assert re.search(r"first_rung: margin: -0\.\d+, margin 0.05: worse than the champion", gated["prompt"])
    assert re.search(r"citation_precision: margin: -0\.\d+, margin 0.04: worse than the champion", gated["unchecked"])
    assert re.search(r"quote_recall: margin: -0\.\d+, margin 0.05: worse than the champion", gated["crumbs"])
    assert "v2 is in production. v1 is archived." in done.stdout
    answer = next(found for line in done.stdout.splitlines() if (found := _answer(line)))
    assert (answer["version"], answer["status"]) == ("2", "answered")


def _answer(line: str) -> dict[str, object] | None:
    found = json.loads(line) if line.startswith('{"output"') else {}
    return found.get("output")
