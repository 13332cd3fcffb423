"""One release on both backends: moving changes settings alone, and the answers stay what they were."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks_emulator import Emulator
from databricks_under_test import INDEX, signed_in, synced
from readme_under_test import run_commands
from server_under_test import free_port
from support import QUICK, ROOT, run_index

from evals import EvalRun, read_dataset, score
from evals.runner import packed
from graph.errors import SnapshotMismatch
from graph.registry.package import open_package
from graph.release import Models, Release
from warrant import main

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # MLflow warns of its own type hints when it is imported, which the emulator does in a thread.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    # The SDK's client cannot be closed, and leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SAMPLES, GUIDED = 24, 4
"""Samples of the comparison, and of the guide's eval."""
GUIDE = (ROOT / "docs" / "databricks.md").read_text("utf-8")


@pytest.fixture(scope="module")
def emulator(quick_handbook: Path) -> Iterator[Emulator]:
    with signed_in() as emulator:
        synced(quick_handbook)
        yield emulator


def small(path: Path, samples: int) -> Path:
    """A small eval: the first samples of the handbook's own."""
    lines = (ROOT / "evals" / "data" / "handbook.jsonl").read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[:samples]) + "\n")
    assert len(read_dataset(path).samples) == samples
    return path


def answers(
    release: Release, dataset: Path, store: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The run of `warrant eval run` under the settings of the environment, and its answers."""
    named = out.with_suffix(".yaml")
    named.write_text(json.dumps(release.model_dump(include={"name", "embedding", "models"})))
    capsys.readouterr()
    given = ["--dataset", dataset, "--index", store, "--release", named, "--out", out, "--at-once", 2]
    assert main(["eval", "run", *map(str, given)]) in (None, 0)
    run = Path(capsys.readouterr().out.strip())
    outcomes = [json.loads(line) for line in (run / "answers.jsonl").read_text("utf-8").splitlines()]
    assert [outcome for outcome in outcomes if outcome.get("trouble")] == []
    return run, {outcome["sample"]: outcome["answer"] for outcome in outcomes}


def gains(run: Path, champion: Path) -> dict[tuple[str, str], float]:
    """What a run gained on another in each metric of each sample but its times."""
    frames = [score(EvalRun(path)).set_index(["sample", "metric"])["value"] for path in (run, champion)]
    changes = (frames[0] - frames[1]).dropna()
    return {at: gain for at, gain in changes.items() if not at[1].endswith("_ms")}


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """What a reader sees of an answer."""
    shown = ("document", "file", "page", "start", "end", "quote")
    citations = [{name: citation[name] for name in shown} for citation in answer["citations"]]
    return {"text": answer["text"], "status": answer["status"], "snapshot": answer["snapshot"], "citations": citations}


@pytest.mark.parametrize("model", ["extractive", "databricks:databricks-claude-sonnet-4"])
def test_a_release_answers_alike_on_both_backends(
    emulator: Emulator,
    quick_handbook: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: str,
) -> None:
    dataset = small(tmp_path / "small.jsonl", SAMPLES)
    release = Release(name="quick", embedding="wordllama-256", models=Models(simple=model, complex=model))
    local_run, local = answers(release, dataset, quick_handbook, tmp_path / "local", capsys)
    monkeypatch.setenv("WARRANT_BACKEND", "databricks")
    monkeypatch.setenv("WARRANT_DATABRICKS_INDEX", INDEX)
    emulator.calls.clear()
    remote_run, remote = answers(release, dataset, quick_handbook, tmp_path / "remote", capsys)
    assert sum(call.path.endswith("/query") for call in emulator.calls) >= SAMPLES
    alike = [name for name in local if said(local[name]) == said(remote[name])]
    differ = {name: (said(local[name]), said(remote[name])) for name in local if name not in alike}
    assert len(alike) >= 0.9 * SAMPLES, differ
    assert {a["snapshot"] for a in local.values()} == {a["snapshot"] for a in remote.values()}
    gained = gains(remote_run, local_run)
    assert len(gained) >= 3 * SAMPLES
    changed = {at: gain for at, gain in gained.items() if gain}
    assert len(changed) <= 0.1 * len(gained), changed


def test_a_packaged_release_is_refused_over_another_snapshot(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("# A\n\nAnother corpus.\n")
    run_index(tmp_path / "a.md", tmp_path / "store")
    monkeypatch.setenv("WARRANT_BACKEND", "databricks")
    monkeypatch.setenv("WARRANT_DATABRICKS_INDEX", INDEX)
    with packed(QUICK, tmp_path / "store") as package, pytest.raises(SnapshotMismatch, match="warrant sync"):
        asyncio.run(open_package(package.root, package.release))


@pytest.mark.slow
def test_the_guide_leads_from_an_empty_workspace_to_answers(tmp_path: Path, handbook: Path) -> None:
    """Every command of the guide as it stands, but for addresses, the token, and fewer samples of the eval."""
    blocks = [block.partition("```")[0] for block in GUIDE.split("```bash\n")[1:]]
    script = "\n".join(block for block in blocks if not block.startswith("pip "))
    script = script.replace("evals/data/handbook.jsonl", str(small(tmp_path / "small.jsonl", GUIDED)))
    with signed_in() as emulator:
        emulator.serving.groups = {"app-team": set(), "ml-platform": set()}
        for name, value in emulator.environment.items():
            script = re.sub(rf"export {name}=.*", f"export {name}={value}", script)
        port = str(free_port())
        script = script.replace("localhost:8100", f"127.0.0.1:{port}")
        # The documents are indexed already, so that indexing them takes no time.
        script = f"cp -rL .warrant/handbook .warrant/index\n{script}"
        done = run_commands(
            script, tmp_path, handbook, 1800, WARRANT_THREADS="1", WARRANT_PORT=port, **emulator.environment
        )
        assert done.stdout.count("at most 3 days") >= 4
        assert "0 passages written" in done.stdout
        assert "Endpoint warrant is deployed." in done.stdout
        needed = emulator.unity.models["main.warrant.handbook-agent"].versions["1"]["model_version_dependencies"]
        assert {each["name"] for each in needed} == {INDEX, *re.findall(r"databricks:([\w-]+)", script)}
        assert "App warrant is deployed." in done.stdout
        paths = [call.path for call in emulator.calls]
        assert sum(path.endswith("/query") for path in paths) > 2 * GUIDED
        assert sum(path.endswith("/chat/completions") for path in paths) > 0
        assert emulator.url not in done.stderr
