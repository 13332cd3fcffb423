"""A Run: every sample of a Dataset asked of one release, each outcome kept as it comes.

The directory of a run holds `run.json` (what was asked of what), `samples.jsonl` (the Dataset) and `answers.jsonl`, to
which each outcome is appended: a run that was broken off goes on where it was, and nothing is asked twice.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from evals.errors import RunInvalid
from evals.samples import Dataset, read_dataset, write_dataset
from graph.files import write_whole

if TYPE_CHECKING:
    from evals.subjects import Subject

ABOUT, SAMPLES, ANSWERS = "run.json", "samples.jsonl", "answers.jsonl"


class Kept(BaseModel):
    """What is written to a run's files; a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trouble(Kept):
    """Why a sample has no answer: the kind of the error, what it said, and the calls that led to it."""

    kind: str
    message: str
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f" ({self.calls[-1]})" if self.calls else ""
        return f"{self.kind}: {self.message}{where}"


class Outcome(Kept):
    """What became of a sample: an Answer, or the trouble; `seconds` of wall time.

    `passages` are those that the answer could use, best first; None where the release does not tell them.
    """

    sample: str
    answer: dict[str, Any] | None = None
    passages: list[dict[str, Any]] | None = None
    trouble: Trouble | None = None
    seconds: float


class About(Kept):
    """What was asked of what; `release` is the package's digest, `at_once` how many samples were asked at a time."""

    dataset: str
    samples: int
    dataset_digest: str
    label: str
    release: str
    snapshot: str
    version: int | None = None
    commit: str = ""
    at_once: int
    began: str


class Run:
    """The directory of a run, in which one process writes at a time."""

    def __init__(self, place: Path) -> None:
        """Raises RunInvalid when there is no run."""
        self.place = place
        try:
            self.about = About.model_validate_json((place / ABOUT).read_text("utf-8"))
        except OSError as error:
            raise RunInvalid(f"There is no run in {place}: {ABOUT} cannot be read ({error.strerror}).") from None
        except ValidationError as error:
            raise RunInvalid(
                f"{place / ABOUT} is damaged: {error.errors()[0]['msg']}. Run the evaluation again."
            ) from None

    @cached_property
    def dataset(self) -> Dataset:
        """The samples; raises RunInvalid when they are not those that the run began with."""
        found = Dataset(self.about.dataset, read_dataset(self.place / SAMPLES).samples)
        if found.digest != self.about.dataset_digest:
            raise RunInvalid(f"{self.place / SAMPLES} was altered: its digest is not the one in {ABOUT}.")
        return found

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcomes so far by sample; a last line that was cut off while it was written does not count."""
        return {outcome.sample: outcome for outcome in self._read()}

    @property
    def missing(self) -> list[str]:
        """The samples that have no outcome yet."""
        there = self.outcomes
        return [sample.id for sample in self.dataset.samples if sample.id not in there]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around all writing; raises RunInvalid when another process is at it."""
        lock = FileLock(self.place / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunInvalid(f"Another process is writing to {self.place}. Wait for it, or stop it.") from None
        try:
            self._mend()
            yield
        finally:
            lock.release()

    def keep(self, outcome: Outcome) -> None:
        """Append an outcome; once this returns it is on disk."""
        with (self.place / ANSWERS).open("ab") as file:
            file.write(outcome.model_dump_json(exclude_none=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def forget_failures(self) -> int:
        """Let the samples that failed be asked again; how many there are."""
        there = list(self._read())
        good = [outcome for outcome in there if outcome.trouble is None]
        lines = b"".join(outcome.model_dump_json(exclude_none=True).encode() + b"\n" for outcome in good)
        write_whole(self.place / ANSWERS, lines)
        return len(there) - len(good)

    def _read(self) -> Iterator[Outcome]:
        lines = _lines(self.place / ANSWERS)
        for number, line in enumerate(lines, 1):
            try:
                yield Outcome.model_validate_json(line)
            except ValidationError:
                raise RunInvalid(
                    f"{self.place / ANSWERS} is damaged in line {number}. Run it again elsewhere."
                ) from None

    def _mend(self) -> None:
        """Take away a line that was cut off, so that the next one begins a line of its own."""
        path = self.place / ANSWERS
        held = path.read_bytes() if path.exists() else b""
        if held and not held.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(held.rfind(b"\n") + 1)


def open_run(home: Path, dataset: Dataset, subject: "Subject", at_once: int) -> Run:
    """The run of a dataset and a release below `home`, which is begun if it is not there."""
    place = home / f"{dataset.name}-{dataset.digest[:8]}-{subject.label}-{subject.digest[:8]}"
    if not (place / ABOUT).exists():
        place.mkdir(parents=True, exist_ok=True)
        write_dataset(place / SAMPLES, dataset.samples)
        about = About(
            dataset=dataset.name,
            samples=len(dataset.samples),
            dataset_digest=dataset.digest,
            label=subject.label,
            release=subject.digest,
            snapshot=subject.snapshot,
            version=subject.version,
            commit=subject.commit,
            at_once=at_once,
            began=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        write_whole(place / ABOUT, json.dumps(about.model_dump(), indent=1) + "\n")
    return Run(place)


def _lines(path: Path) -> list[bytes]:
    """Whole lines; none when there is no file."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []
