"""Runs: every sample has an outcome, what was kept is kept, and what was broken off goes on."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, cast

import pytest
from support import QUICK, ROOT

from evals.dataset import Dataset, Sample, write_dataset
from evals.errors import RunInvalid
from evals.runner import CALLS, ask_all, packed, timed
from evals.runner import ask as ask_one
from evals.runs import ABOUT, ANSWERS, SAMPLES, EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run
from evals.scores import Score, by_metric, merge_repeats, score_run
from graph.agent import open_agent
from graph.registry.package import RELEASE, open_package, part
from graph.release import Models
from graph.release_yaml import load_release
from graph.settings import Settings
from graph.sync import Graph

HOTEL = Sample(id="hotel", question="What is the hotel limit in the EU?", answerable=True)
PENSION = Sample(id="pension", question="Do penguins like music?", answerable=False)
BROKEN = Sample(id="broken", question="What is the hotel limit?", filters={"nowhere": 1}, answerable=True)
PAUSE = 0.5
DATASET = Dataset("three", (HOTEL, PENSION, BROKEN))


@pytest.fixture(scope="module")
def subject(quick_handbook: Path) -> Iterator[PackagedRelease]:
    with packed(QUICK, quick_handbook) as found:
        yield found


@pytest.fixture
def run(subject: PackagedRelease, tmp_path: Path) -> EvalRun:
    return open_run(tmp_path, DATASET, subject, 2)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (ABOUT, '"repeats": 1', '"repeats": 0'),
        (ABOUT, '"at_once": 2', '"at_once": 0'),
        (ANSWERS, '"repeat":0', '"repeat":1'),
        (ANSWERS, '"repeat":0', '"repeat":-1'),
    ],
)
def test_a_run_that_was_altered_is_told(tmp_path: Path, name: str, before: str, after: str) -> None:
    made = open_run(tmp_path, DATASET, PackagedRelease(root=tmp_path, label="r", release="r" * 64, snapshot="s"), 2)
    made.keep(SampleOutcome(sample="hotel", answer={}, seconds=1))
    path = made.path / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    with pytest.raises(RunInvalid, match="is damaged"):
        _ = EvalRun(made.path).repeats


def ask(subject: PackagedRelease, run: EvalRun) -> list[str]:
    """Ask what is missing; the samples that were asked."""
    asked: list[str] = []

    async def all_of_them() -> None:
        agent = await open_package(subject.root, subject.release)
        await ask_all([(agent, run)], lambda outcome: asked.append(outcome.sample))

    with run.writing():
        asyncio.run(all_of_them())
    return sorted(asked)


def test_every_sample_has_an_outcome_and_a_failure_is_one(subject: PackagedRelease, run: EvalRun) -> None:
    assert run.missing == [("hotel", 0), ("pension", 0), ("broken", 0)]
    assert ask(subject, run) == ["broken", "hotel", "pension"]
    found = run.outcomes
    assert found["hotel"].answer
    assert found["hotel"].answer["status"] == "answered"
    assert found["hotel"].passages
    assert "EUR 145" in found["hotel"].passages[0]["text"]
    assert found["pension"].answer
    assert found["pension"].answer["status"] == "declined"
    trouble = found["broken"].trouble
    assert trouble
    assert (trouble.kind, "nowhere" in trouble.message) == ("FilterInvalid", True)
    assert re.fullmatch(r".*\bfilters:\d+ \w+", trouble.calls[-1])
    assert str(trouble) == f"FilterInvalid: {trouble.message} ({trouble.calls[-1]})"
    assert len(trouble.calls) <= CALLS
    assert all(outcome.seconds > 0 for outcome in found.values())
    assert (run.info.release, run.info.label, run.info.samples) == (subject.release, QUICK.label, 3)
    assert load_release(part(subject.root, RELEASE)) == QUICK


def test_every_repeat_is_asked_kept_and_scored_and_a_broken_off_run_goes_on(
    subject: PackagedRelease, tmp_path: Path
) -> None:
    whole = open_run(tmp_path, DATASET, subject, 2, repeats=3)
    assert whole.path.name.endswith("-x3")
    assert open_run(tmp_path, DATASET, subject, 2).path != whole.path
    assert ask(subject, whole) == sorted(["broken", "hotel", "pension"] * 3)
    lines = (whole.path / ANSWERS).read_bytes().splitlines(keepends=True)
    (whole.path / ANSWERS).write_bytes(b"".join(lines[:-2]))
    again = EvalRun(whole.path)
    assert len(again.missing) == 2
    assert len(ask(subject, again)) == 2
    assert [sorted(each) for each in again.repeats] == [["broken", "hotel", "pension"]] * 3
    scores = by_metric(score_run(again, {}, 1))
    assert scores["answered"]["hotel"].values == (1.0, 1.0, 1.0)
    assert "it failed" in scores["answered"]["broken"].reason


def test_repeats_are_averaged_and_one_that_failed_leaves_no_score() -> None:
    def score(*values: float, **told: Any) -> Score:
        return Score(sample="s", metric="citation_recall", values=values, **told)

    untested, failed = score(reason="no claims", untested=True), score(reason="it failed: TimeoutError")
    assert [each.value for each in merge_repeats([score(1.0), score(0.5)])] == [0.75]
    assert merge_repeats([untested, score(1.0), untested]) == (score(1.0),)
    assert merge_repeats([untested, untested]) == (untested,)
    assert merge_repeats([score(1.0), failed, untested]) == (failed,)


def test_times_are_taken_of_the_releases_in_turn_and_waiting_is_told_from_computing(
    subject: PackagedRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second release is the first, but for a pause; meanwhile other processes want the processors."""
    monkeypatch.setattr("evals.runner.TIMED", 7)
    samples = Dataset("many", tuple(HOTEL.model_copy(update={"id": f"s{n}"}) for n in range(9)))
    runs = [open_run(tmp_path / name, samples, subject, 4) for name in ("one", "other")]
    asked: list[str] = []

    async def all_of_them() -> None:
        one, other = [await open_package(subject.root, subject.release) for _ in runs]
        slow = replace(other, graph=cast(Graph, Paused(other.graph)))
        await ask_all([(one, runs[0]), (slow, runs[1])], lambda outcome: asked.append(outcome.sample))

    with busy():
        asyncio.run(all_of_them())
    alone = timed(samples.samples)
    assert asked[:14] == [name for name in alone for _ in runs]
    quick, slow = ([each.timing for each in run.outcomes.values() if each.timing] for run in runs)
    assert (len(quick), len(slow), len(runs[0].outcomes)) == (7, 7, 9)
    assert max(each.waiting for each in quick) < PAUSE / 2 < median(each.waiting for each in slow)
    assert abs(median(each.cpu for each in quick) - median(each.cpu for each in slow)) < PAUSE / 4


@dataclass
class Paused:
    """A graph that waits before it answers."""

    graph: Graph

    async def astream(self, *given: Any, **options: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(PAUSE)
        async for each in self.graph.astream(*given, **options):
            yield each


@contextmanager
def busy() -> Iterator[None]:
    """Twice as many processes that compute as there are processors."""
    command = [sys.executable, "-c", "while True: pass"]
    hogs = [subprocess.Popen(command) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_an_outcome_has_what_models_really_said(quick_handbook: Path, tmp_path: Path) -> None:
    (tmp_path / "script.yaml").write_text("- reply: The bananas of the canteen are yellow. [1]\n")
    name = f"scripted:{tmp_path}/script.yaml"
    release = QUICK.model_copy(update={"models": Models(simple=name, complex=name)})

    async def outcome() -> SampleOutcome:
        return await ask_one(await open_agent(Settings(index=quick_handbook), release), HOTEL)

    found = asyncio.run(outcome())
    assert SampleOutcome.model_validate_json(found.model_dump_json(exclude_none=True)) == found
    [reply] = found.replies or []
    assert (reply["writer"], reply["text"]) == (name, "The bananas of the canteen are yellow. [1]")
    assert reply["failure"]["reason"] == "unsupported"


def test_what_has_an_outcome_is_not_asked_again(subject: PackagedRelease, run: EvalRun, tmp_path: Path) -> None:
    run.keep(SampleOutcome(sample="hotel", trouble=SampleFailure(kind="X", message="x"), seconds=1))
    assert ask(subject, open_run(tmp_path, DATASET, subject, 1)) == ["broken", "pension"]
    assert ask(subject, run) == []
    with run.writing():
        assert run.forget_failures() == 2
    assert ask(subject, run) == ["broken", "hotel"]


def test_another_dataset_or_release_is_another_run(subject: PackagedRelease, run: EvalRun, tmp_path: Path) -> None:
    other = open_run(tmp_path, Dataset("three", (HOTEL, PENSION)), subject, 2)
    assert other.path != run.path
    assert open_run(tmp_path, DATASET, subject, 2).path == run.path


def test_a_line_that_was_cut_off_does_not_count_and_is_taken_away(run: EvalRun) -> None:
    first = SampleOutcome(sample="hotel", trouble=SampleFailure(kind="X", message="x"), seconds=1)
    run.keep(first)
    with (run.path / ANSWERS).open("ab") as file:
        file.write(b'{"sample": "pens')
    assert run.outcomes == {"hotel": first}
    second = first.model_copy(update={"sample": "pension"})
    with run.writing():
        run.keep(second)
    assert run.outcomes == {"hotel": first, "pension": second}


def test_what_is_damaged_or_altered_is_told(run: EvalRun, tmp_path: Path) -> None:
    with pytest.raises(RunInvalid, match="There is no run"):
        EvalRun(tmp_path / "nowhere")
    (run.path / ANSWERS).write_text('{"sample": 1}\n')
    with pytest.raises(RunInvalid, match="damaged in line 1"):
        _ = run.outcomes
    write_dataset(run.path / SAMPLES, [HOTEL])
    with pytest.raises(RunInvalid, match="was altered"):
        _ = run.dataset


def test_one_process_writes_at_a_time(run: EvalRun) -> None:
    with run.writing(), pytest.raises(RunInvalid, match="Another process"), EvalRun(run.path).writing():
        pass


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(quick_handbook: Path, tmp_path: Path) -> None:
    samples = [Sample(id=f"s{number}", question=f"What is rule {number}?", answerable=False) for number in range(40)]
    write_dataset(tmp_path / "d.jsonl", samples)
    (tmp_path / "release.yaml").write_text("name: quick\nembedding: wordllama-256\n")
    line = ["eval", "run", "-d", "d.jsonl", "-i", str(quick_handbook), "-r", "release.yaml", "--out", "runs"]
    command = [sys.executable, str(ROOT / "warrant.py"), *line]
    told = {**os.environ, "PYTHONPATH": str(ROOT), "WARRANT_THREADS": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=told, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not _kept(tmp_path):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    before = _kept(tmp_path)
    assert 0 < len(before) < 40
    done = subprocess.run(command, cwd=tmp_path, env=told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "quick@" in done.stderr
    place = tmp_path / done.stdout.strip()
    lines = (place / ANSWERS).read_bytes().splitlines()
    assert [json.loads(line) for line in lines[: len(before)]] == before
    assert sorted(json.loads(line)["sample"] for line in lines) == sorted(sample.id for sample in samples)


def _kept(place: Path) -> list[object]:
    """The outcomes that are on disk, whole."""
    return [
        json.loads(line) for path in place.glob(f"runs/*/{ANSWERS}") for line in path.read_bytes().split(b"\n")[:-1]
    ]
