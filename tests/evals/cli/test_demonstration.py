"""The documents' demonstration of the gate, run as it stands there but for the ports and the embedding."""

import json
import re
from pathlib import Path

import pytest
from readme_under_test import commands_after, run_commands
from server_under_test import free_port
from support import ROOT

from evals.gate.thresholds import DEFAULT

pytestmark = pytest.mark.slow
PATIENT = "embedding: wordllama-256\\\\ngeneration: {deadline: 300}"
"""Static vectors, and no deadline that a busy machine could miss."""
WORSE = ("narrow", "prompt", "unchecked", "crumbs")


def test_worse_releases_are_refused_with_the_reason_and_a_better_one_is_promoted_and_served(
    quick_handbook: Path, tmp_path: Path
) -> None:
    """Static vectors answer in a fraction of the time, and rightly less often: their floors are lower.

    Half of the samples show each loss; that nothing of much is lost they do not, so the better release's margins are
    wider than on the page.
    """
    port, model = str(free_port()), str(free_port())
    script = commands_after("docs/demonstration.md", "# The gate, tried").replace("localhost:8100", f"127.0.0.1:{port}")
    script = re.sub(r"name: (\w+)\\n", rf"name: \1\\n{PATIENT}\\n", script).replace("8123", model)
    script = script.replace("--retry 60", "--retry 600")
    script = re.sub(r"(promote v1|eval gate)", r"\1 --thresholds lower.toml", script)
    script = script.replace(
        "evals/thresholds.toml > wider.toml", "lower.toml | sed 's/margin = 0.*/margin = 0.3/' > wider.toml"
    )
    script = script.replace("DATASET=evals/data/handbook.jsonl", "DATASET=half.jsonl")
    samples = (ROOT / "evals" / "data" / "handbook.jsonl").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "half.jsonl").write_text("".join(samples[::2]), "utf-8")
    floors = re.sub(r"^floor = .*", "floor = 0.05", DEFAULT.read_text("utf-8"), flags=re.MULTILINE)
    floors = re.sub(r"^ceiling = .*", "ceiling = 3.6e6", floors, flags=re.MULTILINE)
    (tmp_path / "lower.toml").write_text(floors, "utf-8")
    done = run_commands(script, tmp_path, quick_handbook, 3600, WARRANT_PORT=port)
    assert "v1 is in production." in done.stdout
    gated = dict(zip(WORSE, re.split(r"^FAIL ", done.stdout, flags=re.MULTILINE)[1:], strict=True))
    assert [name for name, told in gated.items() if f"{name}: refused" in told] == list(WORSE)
    for name, lost in {
        "narrow": "quote_recall",
        "prompt": "first_rung",
        "unchecked": "citation_precision",
        "crumbs": "quote_recall",
    }.items():
        reason = rf"{lost}: margin: 0\.\d+ lower than the champion's \(interval [^)]*\), shown to miss"
        assert re.search(reason, " ".join(gated[name].split())), gated[name]
    assert "v2 is in production. v1 is archived." in done.stdout
    answer = next(json.loads(line)["output"] for line in done.stdout.splitlines() if line.startswith('{"output"'))
    assert (answer["version"], answer["status"]) == ("2", "answered")
