"""A Dataset: questions with what is known of their answers, as JSON lines, and the digest of their content."""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from evals.errors import DatasetInvalid, problems_of
from graph.files import write_whole
from graph.state import Question

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Item = TypeVar("Item")
MAX_PROBLEMS = 20
"""Problems of a file that one message names."""
DRAFT = "draft"
"""The tag of a sample that nobody has checked yet."""


def _name(text: str) -> str:
    if not re.fullmatch(r"[^\s/\\][^/\\\n]{0,199}", text):
        raise ValueError(f"it must be 1 to 200 characters without / and \\ that begin with no blank, not {text!r}")
    return text


class StrictModel(BaseModel):
    """What evaluations keep in files: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DigestedFile(StrictModel):
    """What is kept in a file and believed only as it was written: `digest` is over everything else in it."""

    digest: str = ""

    @property
    def content_digest(self) -> str:
        """The digest that it has to have."""
        return digest_of(self.model_dump_json(exclude={"digest"}))

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What a file has; None where there is none, or one of another form, or one that was altered."""
        try:
            found = cls.model_validate_json(path.read_text("utf-8"))
        except (OSError, ValidationError):
            return None
        return found if found.digest == found.content_digest else None

    def write(self, path: Path) -> None:
        """Write it whole, with its digest."""
        whole = self.model_copy(update={"digest": self.content_digest})
        write_whole(path, whole.model_dump_json(exclude_defaults=True) + "\n")


class HistoryMessage(StrictModel):
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Words


class Sample(StrictModel):
    """A question, and what is known of its answer; what is not known is left out and not scored.

    `documents` are those that hold the answer, as Citations name them: a file's path, or a record's id in a corpus.
    `quotes` are verbatim pieces of them, all of which an answer needs. `alternatives` are right answers beside the
    `reference`. `withheld` are documents that a caller with these `groups` may not read. `cluster` names what samples
    have in common that makes them dependent on each other, such as a conversation; without it, their first document.
    `origin` is what the sample was made from, and is not looked at.
    """

    id: Annotated[str, AfterValidator(_name)]
    question: Words
    history: tuple[HistoryMessage, ...] = ()
    filters: dict[str, Any] = {}
    groups: tuple[Words, ...] = ()
    answerable: bool
    reference: Words | None = None
    alternatives: tuple[Words, ...] = ()
    documents: tuple[Words, ...] = ()
    quotes: tuple[Words, ...] = ()
    withheld: tuple[Words, ...] = ()
    tags: tuple[Words, ...] = ()
    cluster: str = ""
    note: str = ""
    origin: dict[str, Any] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Sample":
        if not self.answerable and (self.documents or self.quotes):
            raise ValueError("answerable is false, but documents or quotes answer it; set it to true or take them out")
        if self.quotes and not self.documents:
            raise ValueError("quotes are given without documents; name in documents those that they are from")
        if self.alternatives and not self.reference:
            raise ValueError("alternatives are given without a reference; make one of them the reference")
        return self

    @property
    def as_question(self) -> Question:
        """The input of the graph."""
        history: Any = [message.model_dump() for message in self.history]
        return Question(question=self.question, history=history, filters=dict(self.filters), groups=list(self.groups))

    @property
    def answers(self) -> tuple[str, ...]:
        """Every answer that is right."""
        return (self.reference, *self.alternatives) if self.reference else ()

    @property
    def asked(self) -> str:
        """Everything that is asked, whatever its case and punctuation: equal for samples that repeat a question."""
        turns = [*(message.content for message in self.history), self.question]
        words = [plain_words(turn) for turn in turns]
        return json.dumps([words, self.filters, sorted(self.groups)], sort_keys=True, default=str)

    @property
    def canonical(self) -> str:
        """What is scored, as JSON; notes and origins are no part of it."""
        fields = self.model_dump(mode="json", exclude={"note", "origin"}, exclude_defaults=True)
        return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @property
    def is_draft(self) -> bool:
        """Whether nobody has said yet that it is finished: it is tagged so, or its note still says so."""
        return DRAFT in self.tags or self.note.lower().startswith(DRAFT)

    @property
    def depends_on(self) -> str:
        """The cluster: samples of one cluster are statistically dependent."""
        return self.cluster or (self.documents[0] if self.documents else self.id)


def plain_words(text: str) -> list[str]:
    """The words of a text, whatever their case, width and punctuation; format characters within them are left out."""
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return re.findall(r"\w+", unicodedata.normalize("NFKC", seen).casefold())


def digest_of(*texts: str) -> str:
    """SHA-256 over some texts, in hexadecimal digits."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits; that of nothing where there is no file."""
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()


def shuffled(items: Iterable[Item], name: Callable[[Item], str]) -> list[Item]:
    """Items in the order of a hash of their names: the same one every time, and without regard to what they are."""
    return sorted(items, key=lambda item: hashlib.sha256(name(item).encode()).digest())


@dataclass(frozen=True)
class Dataset:
    """Samples with different ids; `digest` is over what is scored, whatever the order of the lines."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the samples' canonical JSON, by id; notes and origins are no part of it."""
        lines = [sample.canonical for sample in sorted(self.samples, key=lambda sample: sample.id)]
        return digest_of(*lines)

    @property
    def tags(self) -> dict[str, int]:
        """How many samples have each tag."""
        return dict(sorted(Counter(tag for sample in self.samples for tag in set(sample.tags)).items()))

    def sample(self, name: str) -> Sample:
        """The sample with an id; raises KeyError."""
        return next(found for found in self.samples if found.id == name)


def read_dataset(path: str | Path, *, repeats: bool = False) -> Dataset:
    """Read a file of JSON lines; raises DatasetInvalid, which names every line that is wrong.

    A question that is there twice, under another id, would count twice; `repeats` allows it.
    """
    path = Path(path)
    samples = read_lines(path, repeats=repeats)
    return Dataset(path.name.removesuffix(".gz").removesuffix(".jsonl"), tuple(sample for _, sample in samples))


def read_lines(path: Path, *, repeats: bool = False) -> list[tuple[int, Sample]]:
    """The samples of a file with their lines, counted from 1; raises DatasetInvalid as read_dataset does."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise DatasetInvalid(f"The dataset {path} cannot be read: {reason}.") from None
    samples, problems = _parsed(lines)
    check_lines(path, [*problems, *_repeated(samples, questions=not repeats)])
    if not samples:
        raise DatasetInvalid(f"The dataset {path} is empty; it needs one JSON object a line, with id and question.")
    return samples


def check_lines(path: Path, problems: Iterable[tuple[int, str]]) -> None:
    """Raises DatasetInvalid when something is wrong with the lines of a file."""
    if found := [f"line {number}: {problem}" for number, problem in sorted(problems)]:
        raise DatasetInvalid(_message(path, found))


def write_dataset(path: str | Path, samples: Iterable[Sample]) -> None:
    """Write samples as JSON lines, in one step; what has its default is left out."""
    text = "".join(json.dumps(_plain(sample), ensure_ascii=False) + "\n" for sample in samples)
    write_whole(Path(path), text)


def _parsed(lines: Sequence[str]) -> tuple[list[tuple[int, Sample]], list[tuple[int, str]]]:
    """The samples by line, and what is wrong by line."""
    samples, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            samples.append((number, Sample.model_validate(json.loads(line))))
        except json.JSONDecodeError as error:
            problems.append(
                (number, f"it must be a JSON object, not {line[:60]!r}: {error.msg} at column {error.colno}")
            )
        except ValidationError as error:
            problems += [(number, problem) for problem in problems_of(error)]
    return samples, problems


def _repeated(samples: Sequence[tuple[int, Sample]], *, questions: bool) -> Iterator[tuple[int, str]]:
    ids: dict[str, int] = {}
    asked: dict[str, int] = {}
    for number, sample in samples:
        if ids.setdefault(sample.id, number) != number:
            yield number, f"the id {sample.id!r} was used in line {ids[sample.id]} already"
        elif questions and asked.setdefault(sample.asked, number) != number:
            yield number, f"the question was asked in line {asked[sample.asked]} already"


def _message(path: Path, problems: Sequence[str]) -> str:
    more = [f"and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
    return "\n  ".join(
        [f"The dataset {path} is wrong in {len(problems)} places; correct them:", *problems[:MAX_PROBLEMS], *more]
    )


def _plain(sample: Sample) -> dict[str, Any]:
    return {**sample.model_dump(mode="json", exclude_defaults=True), "answerable": sample.answerable}
