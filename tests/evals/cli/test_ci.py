"""`warrant eval ci`: two revisions, each indexed and asked by its own code, and the workflow that runs it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import HANDBOOK, ROOT
from versions_under_test import ENVIRONMENT

from evals.dataset import read_dataset, write_dataset
from evals.gate.verdict import CODES
from graph.release import Prompts, Release, Reranking
from warrant import main

pytestmark = pytest.mark.slow
DOCUMENTS = ("access-control.md", "acceptable-use.md")
WORKFLOW = ROOT / ".github" / "workflows" / "evaluate.yml"
LIMITS = """
[[threshold]]
metric = "context_recall"
floor = {floor}
margin = 0.3
"""
COMMAND = (
    "eval ci --base main~1 --head main -r release.yaml -D docs -d dataset.jsonl -t thresholds.toml --out out".split()
)
QUICK = {"name": "quick", "embedding": "wordllama-256"}


@dataclass(frozen=True)
class Done:
    """The exit code of a command, and what it said."""

    returncode: int
    stderr: str


Evaluate = Callable[..., Done]


@pytest.fixture
def evaluate(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """Runs the command here, and the revisions' own commands in processes of their own."""
    monkeypatch.chdir(repository)
    for name, value in {"PYTHONPATH": str(ROOT), "COLUMNS": "160", "WARRANT_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)

    def run(*more: str) -> Done:
        try:
            code = main([*COMMAND, *more])
        except SystemExit as done:
            code = done.code
        return Done(code or 0, capsys.readouterr().err)

    return run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with documents, a release and a dataset, and none of Warrant's code."""
    folder = tmp_path / "repository"
    (folder / "docs").mkdir(parents=True)
    for name in DOCUMENTS:
        shutil.copy(HANDBOOK / "policies" / name, folder / "docs" / name)
    samples = read_dataset(ROOT / "evals" / "data" / "handbook.jsonl").samples
    about = {f"handbook/policies/{name}" for name in DOCUMENTS}
    kept = [sample for sample in samples if sample.documents and set(sample.documents) <= about]
    renamed = [
        sample.model_copy(update={"documents": tuple(f"docs/{Path(name).name}" for name in sample.documents)})
        for sample in kept
    ]
    assert len(renamed) >= 6
    write_dataset(folder / "dataset.jsonl", renamed)
    (folder / "thresholds.toml").write_text(LIMITS.format(floor=0.5), "utf-8")
    git(folder, "init", "-q", "-b", "main")
    commit(folder, QUICK)
    return folder


def git(folder: Path, *arguments: str) -> str:
    told = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *told, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, release: Mapping[str, Any]) -> str:
    (folder / "release.yaml").write_text(yaml.safe_dump(dict(release)), "utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change")
    return git(folder, "rev-parse", "HEAD")


def with_code(folder: Path) -> None:
    """Put Warrant's own code into a repository."""
    for name in ("graph", "evals", "server"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "warrant.py", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)


def summary(folder: Path) -> str:
    return (folder / "out" / "summary.md").read_text("utf-8").replace("&#95;", "_")


def verdict(folder: Path) -> Any:
    return json.loads((folder / "out" / "verdict.json").read_text("utf-8"))


def test_a_revision_is_compared_with_the_one_before(repository: Path, evaluate: Evaluate) -> None:
    base = git(repository, "rev-parse", "HEAD")
    head = commit(repository, {**QUICK, "name": "narrow", "reranking": Reranking(passages=1).model_dump()})
    done = evaluate()
    found = verdict(repository)
    assert done.returncode == CODES[found["says"]], done.stderr
    assert [found[side]["commit"] for side in ("release", "champion")] == [head, base]
    assert found["release"]["label"].startswith("narrow@")
    assert found["champion"]["label"].startswith("quick@")
    assert found["release"]["release"] != found["champion"]["release"]
    assert {each["kind"] for each in found["findings"]} >= {"floor", "margin"}
    written = {path.name for path in (repository / "out").iterdir()}
    assert written == {"verdict.json", "report.html", "summary.md", "junit.xml"}
    again = evaluate()
    assert (again.returncode, verdict(repository)["findings"]) == (done.returncode, found["findings"])


def test_a_change_cannot_lower_its_own_bar(repository: Path, evaluate: Evaluate) -> None:
    (repository / "thresholds.toml").write_text(LIMITS.format(floor=0.01), "utf-8")
    commit(repository, QUICK)
    done = evaluate()
    assert (done.returncode, verdict(repository)["says"]) == (1, "fail"), done.stderr
    assert "somebody has to allow that with --allow-evals-change" in verdict(repository)["why"][0]
    assert summary(repository).startswith("> ⚠️ This change alters how releases are judged: thresholds.toml.")
    assert next(each["bound"] for each in verdict(repository)["findings"] if each["kind"] == "floor") == 0.5
    allowed = evaluate("--allow-evals-change")
    assert allowed.returncode == CODES[verdict(repository)["says"]]
    assert "somebody has to allow" not in " ".join(verdict(repository)["why"])
    assert summary(repository).startswith("> ⚠️ This change alters how releases are judged: thresholds.toml.")
    assert next(each["bound"] for each in verdict(repository)["findings"] if each["kind"] == "floor") == 0.5


def test_a_change_cannot_choose_its_own_questions(repository: Path, evaluate: Evaluate) -> None:
    """The head takes hard samples away, adds an easy one and changes one; the base's are asked all the same."""
    path = repository / "dataset.jsonl"
    known = read_dataset(path).samples
    easy = known[0].model_copy(update={"id": "easy", "question": f"Please: {known[0].question}"})
    write_dataset(path, [known[0].model_copy(update={"reference": "another"}), *known[3:], easy])
    commit(repository, QUICK)
    done = evaluate()
    found = verdict(repository)
    assert (done.returncode, found["samples"]) == (1, len(known)), done.stderr
    said = summary(repository)
    assert (
        said.index("judged: dataset.jsonl.") < said.index("2 samples are new or changed in the head") < said.index("##")
    )
    apart = json.loads((repository / "out" / "new-samples" / "verdict.json").read_text("utf-8"))
    assert apart["samples"] == 2


def test_samples_of_the_head_that_repeat_or_name_what_is_not_there_are_an_error(
    repository: Path, evaluate: Evaluate
) -> None:
    path = repository / "dataset.jsonl"
    known = read_dataset(path).samples
    again = known[0].model_copy(update={"id": "again", "question": f"{known[0].question.upper()}  !"})
    nowhere = known[0].model_copy(update={"documents": ("docs/nowhere.md",), "quotes": ()})
    for samples, told in (
        ([*known, again], f"line {len(known) + 1}: the question was asked in line 1 already"),
        ([nowhere, *known[1:]], "line 1: there is no document 'docs/nowhere.md'"),
    ):
        write_dataset(path, samples)
        commit(repository, QUICK)
        done = evaluate("--base", "main~1", "--allow-evals-change")
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
        git(repository, "reset", "-q", "--hard", "main~1")


def test_each_revision_answers_by_its_own_code_and_the_base_judges(repository: Path) -> None:
    """The head declines in other words, and its gate lets everything pass."""
    with_code(repository)
    commit(repository, {**QUICK, "routing": {"answer_from": 1.0}})
    (repository / "graph" / "prompts" / "declined.md").write_text("The head does not know.\n", "utf-8")
    gate = repository / "evals" / "gate" / "decision.py"
    gate.write_text(gate.read_text("utf-8").replace('return says, (*(f"{', 'return "pass", (*(f"{'), "utf-8")
    commit(repository, {**QUICK, "routing": {"answer_from": 1.0}})
    line = [sys.executable, str(repository / "warrant.py"), *COMMAND, "--allow-evals-change", "--home", "home"]
    world = {**ENVIRONMENT, "COLUMNS": "160", "WARRANT_THREADS": "1"}
    done = subprocess.run(line, cwd=repository, env=world, capture_output=True, text=True, timeout=300)
    says = {each["says"] for each in verdict(repository)["findings"]}
    assert "pass" not in says or len(says) > 1, "the base's gate has something to refuse"
    assert verdict(repository)["says"] != "pass", done.stderr
    assert summary(repository).startswith("> ⚠️ This change alters how releases are judged: evals/gate/decision.py.")
    runs = (repository / "home" / "runs").glob("*/answers.jsonl")
    texts = [json.loads(path.read_text("utf-8").splitlines()[0])["answer"]["text"] for path in runs]
    said = {text.partition(" Not found")[0] for text in texts}
    assert said == {"The head does not know.", Prompts().declined.strip()}


def test_what_is_not_there_or_refused_is_told(repository: Path, evaluate: Evaluate) -> None:
    commit(repository, {**QUICK, "name": "other"})
    for more, told in (
        ("--base nowhere", "there is no revision 'nowhere'"),
        ("--dataset other.jsonl", "has the dataset other.jsonl. Is it committed?"),
        ("--release relaese.yaml", "has the release relaese.yaml. Is it committed?"),
        ("--documents elsewhere", "main has no elsewhere; give --documents that both revisions have"),
        ("--thresholds other.toml", "has the thresholds other.toml. Is it committed?"),
    ):
        done = evaluate(*more.split())
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    commit(repository, {**QUICK, "retrieval": {"pool": -1}})
    done = evaluate()
    assert (done.returncode, "`warrant index docs` of main (" in done.stderr) == (2, True), done.stderr
    assert "retrieval.pool must be at least 1, not -1" in done.stderr


def test_the_workflow_gates_a_pull_request(repository: Path) -> None:
    """The step's own script, with the variables that it is given, in a checkout that has been set up."""
    commit(repository, {**QUICK, "name": "other"})
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["gate"]
    steps = {step.get("name"): step for step in job["steps"]}
    here = {
        "BASE": "main~1",
        "HEAD": "main",
        "RELEASE": "release.yaml",
        "DOCUMENTS": "docs",
        "DATASET": "dataset.jsonl",
    }
    world = {**ENVIRONMENT, **job["env"], **here, "THRESHOLDS": "thresholds.toml", "WARRANT_THREADS": "1"}
    summary = repository / "summary"
    (repository / ".venv" / "bin").mkdir(parents=True)
    script = f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/warrant.py" "$@"\n'
    (repository / ".venv" / "bin" / "warrant").write_text(script, "utf-8")
    (repository / ".venv" / "bin" / "warrant").chmod(0o755)
    done = {
        name: subprocess.run(
            ["bash", "-eo", "pipefail", "-c", steps[name]["run"]],
            cwd=repository,
            env={**world, "GITHUB_STEP_SUMMARY": str(summary), "RUNNER_TEMP": str(repository.parent)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        for name in ("Gate the change", "Show the verdict")
    }
    found = json.loads((repository.parent / "evaluation" / "verdict.json").read_text("utf-8"))
    assert done["Gate the change"].returncode == CODES[found["says"]]
    assert done["Show the verdict"].returncode == 0
    assert "other@" in summary.read_text("utf-8")


def test_the_workflow_names_what_this_repository_has() -> None:
    job = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["gate"]
    for name in ("DOCUMENTS", "DATASET", "THRESHOLDS", "RELEASE"):
        assert (ROOT / job["env"][name]).exists()
    assert os.access(ROOT / "scripts" / "setup", os.X_OK)
    told = [step["run"] for step in job["steps"] if "run" in step]
    assert told[0] == "scripts/setup requirements.lock .venv"
    assert Release().name == "default"


def test_only_the_job_that_comments_may_write_and_it_runs_nothing_of_the_change() -> None:
    whole = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    jobs = whole["jobs"]
    assert (whole["permissions"], jobs["gate"].get("permissions")) == ({"contents": "read"}, None)
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    used = [step.get("uses", "").partition("@")[0] for step in jobs["comment"]["steps"]]
    assert used == ["actions/download-artifact", ""]
    assert jobs["comment"]["steps"][1]["run"].startswith('gh pr comment "$NUMBER" --body-file summary.md')
    assert "${{" not in "".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
