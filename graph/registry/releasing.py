"""A release from what runs here to a registered version: packed, logged, checked, registered."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import PackageBroken
from ..release import Release
from .crosscheck import answers_before, differences, some_questions
from .logging import Told, log_agent, log_package, register, registered
from .package import open_package
from .packing import Packed, pack

QUESTIONS = 3
"""Questions of a cross-check that names none."""


@dataclass(frozen=True)
class Wishes:
    """How a release is to be logged (see `warrant release log --help`)."""

    questions: Sequence[str] = ()
    cross_check: bool = False
    external: bool = False
    as_agent: bool = False
    again: bool = False
    told: Told = field(default_factory=Told)


@dataclass(frozen=True)
class Made:
    """A version; `new` unless one was there that is the same; `checked` questions were answered alike."""

    number: int
    snapshot: str
    new: bool = True
    checked: int = 0


def log_release(
    release: Release, index: Path, uri: str, model: str, wishes: Wishes, say: Callable[[str], None]
) -> Made:
    """Log a release over the Snapshot at `index` and register it; raises PackageBroken or a SnapshotError."""
    with tempfile.TemporaryDirectory() as folder:
        say("Packing")
        packed = pack(Path(folder), release, index, external=wishes.external)
        if not wishes.again and (same := registered(uri, model, packed.digest)):
            return Made(same, packed.manifest.id, new=False)
        asked = list(wishes.questions) or asyncio.run(_questions(packed, QUESTIONS if wishes.cross_check else 1))
        before = answers_before(packed, asked) if wishes.cross_check else []
        say("Logging with MLflow, which asks the release its input example")
        logged = log_package(packed, uri, model, asked[0], wishes.told)
        if wishes.cross_check:
            say(f"Asking the logged release {len(asked)} questions")
            _compare(uri, logged.uri, asked, before)
        number = register(uri, model, logged, packed)
        if wishes.as_agent:
            say("Logging it as a ResponsesAgent")
            register(uri, f"{model}-agent", log_agent(packed, uri, logged.run_id), packed)
        return Made(number, packed.manifest.id, checked=len(before))


async def _questions(packed: Packed, most: int) -> list[str]:
    return await some_questions(await open_package(packed.root), most)


def _compare(uri: str, logged: str, asked: list[str], before: list[dict[str, object]]) -> None:
    found = differences(uri, logged, asked, before)
    if found:
        first = found[0]
        told = f"The logged release answers {first.question!r} with {first.after:.300} instead of {first.before:.300}"
        raise PackageBroken(f"{told}; {len(found)} of {len(asked)} answers differ. It was not registered.")
