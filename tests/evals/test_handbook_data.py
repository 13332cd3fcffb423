"""The dataset of the sample handbook: every sample holds of the documents as the Snapshot reads them."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from support import ROOT

from evals.dataset import Dataset, Sample, read_dataset
from evals.documents import check_dataset, read_documents
from graph.filters import BUILT_IN, access_condition, compile_filter
from graph.index.manifest import read_manifest
from graph.index.store import locate
from graph.index.tables import Reader

KINDS = {
    "simple": 35,
    "multi_document": 25,
    "filtered": 20,
    "conversational": 20,
    "unanswerable": 20,
    "contradictory_versions": 12,
    "injected": 10,
}
"""What a sample is of, as its first tag, and how many there are at least."""
TRAITS = {"table": 20, "number": 40, "restricted": 12, "short": 40, "list": 8, "near_miss": 10}
"""What else a sample may be tagged with, and how many there are at least."""
REFERRING = re.compile(
    r"\b(it|its|that|this|these|those|they|them|their|he|she|him|her|one|ones|there|then|first|former|latter|other)\b"
)
"""Words that may refer back to what was said."""
MOST = 1000


@dataclass(frozen=True)
class Indexed:
    """The handbook as the Snapshot has it: the text by file, white space normalised, and where to ask for more."""

    texts: dict[str, str]
    store: Path
    known: dict[str, set[str]] = field(default_factory=dict)

    def public(self) -> set[str]:
        """The files that everybody may see."""
        return self._files(access_condition([]))

    def left(self, sample: Sample) -> set[str]:
        """The files that a sample's filters and groups leave; raises FilterInvalid."""
        wanted = compile_filter(sample.filters, read_manifest(locate(self.store)).columns)
        allowed = access_condition(list(sample.groups))
        return self._files(f"{allowed} AND ({wanted})" if wanted else allowed)

    def _files(self, condition: str) -> set[str]:
        """Asked of the Snapshot once for each condition."""
        if condition not in self.known:
            self.known[condition] = asyncio.run(self._asked(condition))
        return self.known[condition]

    async def _asked(self, condition: str) -> set[str]:
        directory = locate(self.store)
        reader = await Reader.open(directory, approximate=False)
        anywhere = np.ones(read_manifest(directory).dimensions, np.float32)
        places = [hit.row for hit in await reader.nearest(anywhere, condition, MOST)]
        return {row["file"] for row in (await reader.fetch(places, condition)).values()} if places else set()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return read_dataset(ROOT / "evals/data/handbook.jsonl")


@pytest.fixture(scope="module")
def indexed(quick_handbook: Path) -> Indexed:
    async def read() -> dict[str, str]:
        reader = await Reader.open(locate(quick_handbook), approximate=False)
        return {row.file: plain(row.text) async for row in reader.documents()}

    return Indexed(asyncio.run(read()), quick_handbook)


def plain(text: str) -> str:
    return " ".join(text.split())


def test_ids_are_stable(dataset: Dataset) -> None:
    assert [sample.id for sample in dataset.samples] == [f"h{n:03}" for n in range(1, len(dataset.samples) + 1)]


def test_a_sample_is_of_one_kind_and_there_are_enough_of_each(dataset: Dataset) -> None:
    assert len(dataset.samples) >= 140
    assert [s.id for s in dataset.samples if s.tags[0] not in KINDS or set(s.tags[1:]) - TRAITS.keys()] == []
    found = dataset.tags
    assert {tag: found.get(tag, 0) for tag, least in {**KINDS, **TRAITS}.items() if found.get(tag, 0) < least} == {}


def test_what_can_be_answered_has_an_answer_and_its_evidence(dataset: Dataset) -> None:
    for sample in dataset.samples:
        assert sample.answerable == bool(sample.reference and sample.documents and sample.quotes), sample.id
        assert not (sample.tags[0] == "unanswerable" and sample.answerable), sample.id
    kinds = [(sample.tags[0], sample.answerable) for sample in dataset.samples]
    assert min(kinds.count(("injected", True)), kinds.count(("injected", False))) >= 4


def test_every_document_is_there_and_every_quote_is_verbatim(dataset: Dataset, quick_handbook: Path) -> None:
    path, documents = ROOT / "evals/data/handbook.jsonl", asyncio.run(read_documents(quick_handbook))
    assert check_dataset(path, documents) == len(dataset.samples)


def test_documents_beyond_those_of_the_quotes_come_last(dataset: Dataset, indexed: Indexed) -> None:
    """A fact that stands in several documents is quoted from one, and may be cited from each."""
    for sample in dataset.samples:
        held = [any(plain(quote) in indexed.texts[name] for quote in sample.quotes) for name in sample.documents]
        assert held == sorted(held, reverse=True), sample.id


def test_several_documents_are_needed_where_the_kind_says_so(dataset: Dataset, indexed: Indexed) -> None:
    for sample in of("multi_document", dataset):
        alone = [n for n in sample.documents if all(plain(quote) in indexed.texts[n] for quote in sample.quotes)]
        assert not alone, f"{sample.id} needs {alone[0]} alone"


def test_every_document_is_left_by_the_filters_and_the_groups(dataset: Dataset, indexed: Indexed) -> None:
    """Valid filters; and what is restricted is named only by samples with its group."""
    scopes = [sample for sample in dataset.samples if sample.documents or sample.filters]
    assert [sample.id for sample in of("filtered", dataset) if not sample.filters] == []
    for sample in scopes:
        left = indexed.left(sample)
        assert left, f"the filters of {sample.id} leave nothing"
        assert set(sample.documents) <= left, f"{sample.id} cannot see {set(sample.documents) - left}"


def test_filters_are_on_many_columns_and_by_many_operators(dataset: Dataset, indexed: Indexed) -> None:
    told = json.dumps([sample.filters for sample in of("filtered", dataset)])
    columns = read_manifest(locate(indexed.store)).columns
    assert {name for name in (*columns, *BUILT_IN) if f'"{name}":' in told} >= columns.keys()
    assert {word for word in ("in", "ne", "lt", "gte", "or", "not") if f'"{word}":' not in told} == set()


def test_what_is_restricted_is_asked_with_the_group_and_without(dataset: Dataset, indexed: Indexed) -> None:
    public = indexed.public()
    answered = {s.question: s for s in dataset.samples if set(s.documents) - public}
    assert [s.id for s in answered.values() if "restricted" not in s.tags] == []
    withheld = [s for s in dataset.samples if s.question in answered and not s.answerable]
    assert len(withheld) >= 4
    assert [s.id for s in withheld if indexed.left(s) >= set(answered[s.question].documents)] == []
    assert [s.id for s in withheld if s.depends_on != answered[s.question].depends_on] == []


def test_no_question_is_one_of_the_sample_questions(dataset: Dataset) -> None:
    lines = (ROOT / "samples/questions.jsonl").read_text("utf-8").splitlines()
    shown = {folded(json.loads(line)["question"]) for line in lines}
    assert [sample.id for sample in dataset.samples if folded(sample.question) in shown] == []


def test_a_conversation_ends_on_a_question_that_does_not_stand_alone(dataset: Dataset) -> None:
    for sample in of("conversational", dataset):
        assert 2 <= len(sample.history) <= 6, sample.id
        assert [said.role for said in sample.history] == ["user", "assistant"] * (len(sample.history) // 2), sample.id
        assert sample.cluster, sample.id
        assert len(sample.question.split()) < 12 or REFERRING.search(sample.question.lower()), sample.id


def test_what_is_asked_in_one_conversation_is_one_cluster(dataset: Dataset) -> None:
    talks = {(sample.history[0].content, sample.cluster) for sample in of("conversational", dataset)}
    begun, clusters = zip(*talks, strict=True)
    assert len(set(begun)) == len(set(clusters)) == len(talks)


def of(kind: str, dataset: Dataset) -> list[Sample]:
    return [sample for sample in dataset.samples if sample.tags[0] == kind]


def folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
