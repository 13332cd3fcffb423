"""Answers that people judged: human_judged_answers.jsonl of a set beside its corpus.jsonl and queries.jsonl.

A line has `id`, `query_id`, `model`, `answer`, `context_ids` (passages of the corpus) and `human`, in which
`faithfulness` is a list of ratings from 1 to 4. The answers of the model called reference are left out: people wrote
them. Any of the files may be gzipped.
"""

import hashlib
import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from evals.adapters import TURN, opened
from evals.dataset import Sample
from evals.errors import LabelsInvalid
from evals.runs import SampleOutcome, plain_passage

LABELS, CORPUS, QUERIES = "human_judged_answers.jsonl", "corpus.jsonl", "queries.jsonl"
WITHIN = "mtrag"
"""Where the labels are in a folder of several sets."""
PEOPLE = "reference"
FAITHFUL = 3.0
"""A median rating from which people call an answer faithful: at most details are not in its passages."""


class HumanRatings(BaseModel):
    """What people said of an answer."""

    faithfulness: list[float] = Field(min_length=1)


class LabelledLine(BaseModel):
    """An answer as the file has it; `automatic` are scores that came with the set."""

    id: str
    query_id: str
    model: str
    answer: str
    context_ids: list[str]
    human: HumanRatings
    automatic: dict[str, float] = {}


@dataclass(frozen=True)
class CorpusPassage:
    """A passage of a set with its title."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class LabelledAnswer:
    """An answer, what it was to be written from, and what people said of it."""

    line: LabelledLine
    question: dict[str, Any]
    passages: tuple[CorpusPassage, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.line.human.faithfulness)

    @property
    def conversation(self) -> str:
        """Answers in one conversation depend on each other."""
        return self.line.query_id.partition(TURN)[0]

    @property
    def sample(self) -> Sample:
        """The question in its conversation."""
        fields = {"question": self.question["text"], "history": self.question.get("history") or []}
        return Sample.model_validate({"id": self.line.id, "answerable": True, "cluster": self.conversation, **fields})

    @property
    def outcome(self) -> SampleOutcome:
        """The answer as a run would have kept it."""
        answer = {"text": self.line.answer, "status": "answered", "citations": []}
        return SampleOutcome(
            sample=self.line.id,
            answer=answer,
            passages=[plain_passage(each.id, each.text, each.title) for each in self.passages],
            seconds=0,
        )


def read_labels(folder: Path, most: int | None = None) -> list[LabelledAnswer]:
    """The answers of models with their labels; `most` takes so many by a hash of their ids. Raises LabelsInvalid."""
    home = folder / WITHIN if (folder / WITHIN).is_dir() else folder
    texts, questions = texts_of(home), {each["id"]: each for each in _lines(home, QUERIES)}
    lines = [line for line in _parsed(home) if line.model != PEOPLE]
    if most is not None:
        lines = sorted(lines, key=lambda line: hashlib.sha256(line.id.encode()).digest())[:most]
    try:
        return [
            LabelledAnswer(line, questions[line.query_id], tuple(texts[n] for n in line.context_ids)) for line in lines
        ]
    except KeyError as error:
        raise LabelsInvalid(f"{home / LABELS} names {error}, which is neither in {CORPUS} nor in {QUERIES}.") from None


def texts_of(folder: Path) -> dict[str, CorpusPassage]:
    """The passages of a set by id."""
    return {
        each["id"]: CorpusPassage(each["id"], str(each.get("title") or "").replace("_", " "), each["text"])
        for each in _lines(folder, CORPUS)
    }


def _parsed(folder: Path) -> Iterator[LabelledLine]:
    for number, each in enumerate(_lines(folder, LABELS), 1):
        try:
            yield LabelledLine.model_validate(each)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise LabelsInvalid(f"{folder / LABELS}:{number}: {place}: {first['msg']}.") from None


def _lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with opened(folder, name) as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise LabelsInvalid(f"{folder / name}:{number} is no JSON: {error}.") from None
