"""A Run: every sample of a Dataset asked of one release, once or several times, each outcome kept as it comes.

The directory of a run holds `run.json` (what was asked of what), `samples.jsonl` (the Dataset) and `answers.jsonl`, to
which each outcome is appended: a run that was broken off goes on where it was, and nothing is asked twice.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from evals.dataset import Dataset, StrictModel, read_dataset, write_dataset
from evals.errors import RunInvalid, problems_of
from graph.files import write_whole

ABOUT, SAMPLES, ANSWERS = "run.json", "samples.jsonl", "answers.jsonl"


class SampleFailure(StrictModel):
    """Why a sample has no answer: the type of the error, its message, and the calls that led to it."""

    kind: str
    message: str
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" ({self.calls[-1]})" if self.calls else ""
        return f"{self.kind}: {self.message}{where}"


class Timing(StrictModel):
    """Where the time of an answer that was asked alone went, in seconds.

    `cpu`: this process computed, on any core. `waiting`: it waited, but not for a processor that was taken.
    """

    cpu: float
    waiting: float


class SampleOutcome(StrictModel):
    """The result of one sample: an answer, or the failure as `trouble`; `seconds` of wall time.

    `repeat` counts from 0 how often the sample was asked before.

    `passages` are those that the answer could use, best first; None where the release does not give them. `replies` are
    those that models really gave, each with its `writer`, `rung`, `text` and, where it could not be used, `failure`.
    """

    sample: str
    repeat: Annotated[int, Field(ge=0)] = 0
    answer: dict[str, Any] | None = None
    passages: list[dict[str, Any]] | None = None
    replies: list[dict[str, Any]] | None = None
    trouble: SampleFailure | None = None
    seconds: float
    timing: Timing | None = None

    @property
    def confidence(self) -> float | None:
        """How confident an answer is; None where it does not say, or declines."""
        answer = self.answer or {}
        found = answer.get("confidence") if answer.get("status") != "declined" else None
        return float(found) if isinstance(found, int | float) else None


class EvaluatedRelease(StrictModel):
    """A release that is measured, by its label and its package's digest.

    `version` is its number in the registry, `commit` git's where it was made here.
    """

    label: str
    release: str
    snapshot: str
    version: int | None = None
    commit: str = ""


class RunInfo(EvaluatedRelease):
    """What was asked of what; `at_once` is how many samples were asked at a time, `repeats` how often each of them."""

    dataset: str
    samples: int
    dataset_digest: str
    at_once: Annotated[int, Field(ge=1)]
    repeats: Annotated[int, Field(ge=1)] = 1
    began: str


def check_same_questions(runs: Sequence[tuple[object, RunInfo]]) -> None:
    """Raises RunInvalid unless all runs are on the dataset of the first; each is given with what messages call it."""
    told = [f"{name} is on {info.dataset} ({info.dataset_digest[:12]})" for name, info in runs]
    odd = next((n for n, (_, info) in enumerate(runs) if info.dataset_digest != runs[0][1].dataset_digest), None)
    if odd is not None:
        raise RunInvalid(
            f"The runs are not on the same questions: {told[0]}, {told[odd]}. Ask all of them the same dataset."
        )


class PackagedRelease(EvaluatedRelease):
    """A release whose package is on disk."""

    root: Path


class EvalRun:
    """The directory of a run, in which one process writes at a time."""

    def __init__(self, path: Path) -> None:
        """Raises RunInvalid when there is no run."""
        self.path = path
        try:
            self.info = RunInfo.model_validate_json((path / ABOUT).read_text("utf-8"))
        except OSError as error:
            raise RunInvalid(f"There is no run in {path}: {ABOUT} cannot be read ({error.strerror}).") from None
        except ValidationError as error:
            raise RunInvalid(f"{path / ABOUT} is damaged: {problems_of(error)[0]}. Run the evaluation again.") from None

    @cached_property
    def dataset(self) -> Dataset:
        """The samples; raises RunInvalid when they are not those that the run began with."""
        found = Dataset(self.info.dataset, read_dataset(self.path / SAMPLES, repeats=True).samples)
        if found.digest != self.info.dataset_digest:
            raise RunInvalid(f"{self.path / SAMPLES} was altered: its digest is not the one in {ABOUT}.")
        return found

    @property
    def outcomes(self) -> dict[str, SampleOutcome]:
        """The first outcomes so far by sample; a last line that was cut off while it was written does not count."""
        return self.repeats[0]

    @property
    def repeats(self) -> list[dict[str, SampleOutcome]]:
        """The outcomes so far by sample, for each repeat."""
        found: list[dict[str, SampleOutcome]] = [{} for _ in range(self.info.repeats)]
        for outcome in self._read():
            if outcome.repeat >= len(found):
                raise RunInvalid(f"{self.path / ANSWERS} is damaged: it has more repeats than {ABOUT} names.")
            found[outcome.repeat][outcome.sample] = outcome
        return found

    @property
    def all_outcomes(self) -> list[SampleOutcome]:
        """The outcomes of all repeats."""
        return [outcome for each in self.repeats for outcome in each.values()]

    @property
    def missing(self) -> list[tuple[str, int]]:
        """The samples that have no outcome yet, each with its repeat."""
        return [
            (sample.id, repeat)
            for repeat, there in enumerate(self.repeats)
            for sample in self.dataset.samples
            if sample.id not in there
        ]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around all writing; raises RunInvalid when another process is at it."""
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunInvalid(f"Another process is writing to {self.path}. Wait for it, or stop it.") from None
        try:
            self._mend()
            yield
        finally:
            lock.release()

    def keep(self, outcome: SampleOutcome) -> None:
        """Append an outcome; once this returns it is on disk."""
        with (self.path / ANSWERS).open("ab") as file:
            file.write(outcome.model_dump_json(exclude_none=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def forget_failures(self) -> int:
        """Let the samples that failed be asked again; how many there are."""
        there = list(self._read())
        good = [outcome for outcome in there if outcome.trouble is None]
        lines = b"".join(outcome.model_dump_json(exclude_none=True).encode() + b"\n" for outcome in good)
        write_whole(self.path / ANSWERS, lines)
        return len(there) - len(good)

    def _read(self) -> Iterator[SampleOutcome]:
        lines = _lines(self.path / ANSWERS)
        for number, line in enumerate(lines, 1):
            try:
                yield SampleOutcome.model_validate_json(line)
            except ValidationError:
                raise RunInvalid(
                    f"{self.path / ANSWERS} is damaged in line {number}. Run it again elsewhere."
                ) from None

    def _mend(self) -> None:
        """Take away a line that was cut off, so that the next one begins a line of its own."""
        path = self.path / ANSWERS
        held = path.read_bytes() if path.exists() else b""
        if held and not held.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(held.rfind(b"\n") + 1)


def runs_of(home: Path, dataset: str, release: str) -> list[EvalRun]:
    """The runs below `home` of the dataset and the release with some digests; raises RunInvalid."""
    found = [EvalRun(path.parent) for path in sorted(home.glob(f"*/{ABOUT}"))]
    return [run for run in found if (run.info.dataset_digest, run.info.release) == (dataset, release)]


def plain_passage(name: str, text: str, title: str = "") -> dict[str, Any]:
    """A passage that was given and not retrieved, as an outcome keeps it."""
    names = {"id": name, "document": name, "file": name, "title": title, "section": "", "header": ""}
    place: dict[str, Any] = {"page": None, "page_breaks": [], "start": 0, "metadata": {}, "similar": []}
    return {**names, **place, "end": len(text), "text": text, "score": 0.0, "lexical": 0.0, "vector": 0.0}


def open_run(home: Path, dataset: Dataset, package: PackagedRelease, at_once: int, repeats: int = 1) -> EvalRun:
    """The run of a dataset and a release below `home`, which is begun if it is not there."""
    times = f"-x{repeats}" if repeats > 1 else ""
    path = home / f"{dataset.name}-{dataset.digest[:8]}-{package.label}-{package.release[:8]}{times}"
    if not (path / ABOUT).exists():
        path.mkdir(parents=True, exist_ok=True)
        write_dataset(path / SAMPLES, dataset.samples)
        info = RunInfo(
            **package.model_dump(exclude={"root"}),
            dataset=dataset.name,
            samples=len(dataset.samples),
            dataset_digest=dataset.digest,
            at_once=at_once,
            repeats=repeats,
            began=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_whole(path / ABOUT, json.dumps(info.model_dump(), indent=1) + "\n")
    return EvalRun(path)


def _lines(path: Path) -> list[bytes]:
    """Whole lines; none when there is no file."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []
