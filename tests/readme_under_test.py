"""The commands that the documents show, run as they stand there, but for ports and what makes them slow."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support import ROOT

COMMANDS = {
    "warrant": f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/warrant.py" "$@"\n',
    "python": f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n',
}
SHOWN = ("samples", "evals")
"""Folders of the project that the commands name."""


def commands_after(document: str, place: str) -> str:
    """The first block of commands after a place in a document."""
    found = re.search(r"```\n(.*?)```", (ROOT / document).read_text("utf-8").partition(place)[2], re.DOTALL)
    assert found
    return found.group(1)


def run_commands(
    script: str, folder: Path, handbook: Path, seconds: float, **told: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder beside the handbook's store; what it left running is ended with it."""
    (folder / ".warrant").mkdir()
    (folder / ".warrant" / "handbook").symlink_to(handbook)
    (folder / "bin").mkdir()
    for name in SHOWN:
        (folder / name).symlink_to(ROOT / name)
    for name, text in COMMANDS.items():
        (folder / "bin" / name).write_text(text, "utf-8")
        (folder / "bin" / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WARRANT_")}
    world = {**kept, "PATH": f"{folder}/bin:{kept['PATH']}", "COLUMNS": "160", **told}
    line = ["bash", "-ec", f"trap 'kill $(jobs -p)' EXIT\n{script.replace('$PWD/.venv/bin:', '')}"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, env=world, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
