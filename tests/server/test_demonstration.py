"""The documents' demonstration of releases, run as it stands there but for the port."""

import json
from pathlib import Path
from typing import Any

import pytest
from readme_under_test import commands_after, run_commands
from server_under_test import free_port

pytestmark = pytest.mark.slow


def test_two_releases_are_logged_promoted_asked_rolled_back_and_asked(handbook: Path, tmp_path: Path) -> None:
    port = str(free_port())
    script = commands_after("docs/releases.md", "\n## Try it\n").replace("localhost:8100", f"127.0.0.1:{port}")
    done = run_commands(script, tmp_path, handbook, 1800, WARRANT_PORT=port, WARRANT_THREADS="1")
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    answers: list[Any] = [each["output"] for each in said if "output" in each]
    assert [answer["version"] for answer in answers] == ["1", "2", "2", "1"]
    assert [answer["status"] for answer in answers] == ["answered", "declined", "declined", "answered"]
    assert answers[0]["citations"]
    assert answers[0]["text"] == answers[3]["text"]
    served = [each["served"]["production"] for each in said if "served" in each]
    assert [(each["version"], each["standing"]) for each in served] == [
        ("1", "warranted"),
        ("2", "override"),
        ("1", "warranted"),
    ]
    assert "routing.answer_from" in done.stdout
    assert "too careful" in done.stdout
