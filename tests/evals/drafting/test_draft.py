"""warrant eval draft: drafts that hold to the documents, never over somebody's work, and a run that says so."""

import json
from pathlib import Path

import pytest

from evals.drafting.texts import read_texts
from evals.samples import Sample, read_dataset, write_dataset
from warrant import main

RELEASE = "embedding: wordllama-256\n"


@pytest.fixture(scope="module")
def place(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("draft")
    (home / "release.yaml").write_text(RELEASE)
    assert draft(home, quick_handbook, "drafts.jsonl") is None
    return home


def draft(home: Path, index: Path, name: str, *told: str) -> object:
    line = ["eval", "draft", "-i", str(index), "-r", f"{home}/release.yaml", "--out", f"{home}/{name}"]
    return main([*line, "--documents", "20", "--unanswerable", "4", *told])


@pytest.mark.anyio
async def test_every_quote_stands_in_its_document(place: Path, quick_handbook: Path) -> None:
    texts = {document.name: document for document in (await read_texts(quick_handbook)).documents}
    samples = read_dataset(place / "drafts.jsonl").samples
    assert sum(sample.answerable for sample in samples) == 20
    assert len({sample.documents[0] for sample in samples if sample.documents}) >= 15
    for sample in samples:
        assert sample.tags[0] == "draft"
        assert sample.note.startswith("draft")
        held = [texts[name].text for name in sample.documents]
        assert all(any(quote in text for text in held) for quote in sample.quotes)
        assert bool(sample.quotes and sample.reference) == sample.answerable
        restricted = any(texts[name].metadata.get("allowed_groups") for name in sample.documents)
        assert bool(sample.groups) == restricted


def test_what_is_not_answered_names_what_no_document_does(place: Path) -> None:
    absent = [sample for sample in read_dataset(place / "drafts.jsonl").samples if not sample.answerable]
    assert [sample.tags for sample in absent] == [("draft", "near_miss")] * 4


def test_the_same_again_is_the_same_and_never_overwrites(
    place: Path, quick_handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draft(place, quick_handbook, "again.jsonl") is None
    assert (place / "again.jsonl").read_bytes() == (place / "drafts.jsonl").read_bytes()
    edited = list(read_dataset(place / "again.jsonl").samples)
    edited[0] = edited[0].model_copy(update={"question": "Edited?", "tags": ("simple",), "note": ""})
    write_dataset(place / "again.jsonl", edited)
    assert draft(place, quick_handbook, "again.jsonl") == 2
    assert "may have been edited" in capsys.readouterr().err
    assert draft(place, quick_handbook, "again.jsonl", "--append", "--seed", "3") is None
    after = read_dataset(place / "again.jsonl").samples
    assert list(after[: len(edited)]) == edited
    assert len(after) > len(edited)


RATED = {
    "id": "r1",
    "question": "After how many years are laptops replaced?",
    "history": [],
    "filters": {},
    "groups": [],
    "reference": "Laptops are replaced after 4 years.",
    "documents": ["handbook/policies/acceptable-use.md", "gone.md"],
    "answerable": True,
    "tags": ["feedback", "up"],
    "note": "good",
    "origin": {"answer": "Laptops are replaced after 4 years. [1]", "release": "r", "snapshot": "s", "at": "t"},
}


def test_feedback_becomes_drafts(place: Path, quick_handbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    down = {**RATED, "id": "r2", "reference": None, "documents": [], "answerable": None, "tags": ["feedback", "down"]}
    (place / "rated.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (RATED, down)))
    told = ("--feedback", f"{place}/rated.jsonl", "--documents", "0", "--unanswerable", "0")
    assert draft(place, quick_handbook, "rated-drafts.jsonl", *told) is None
    up, other = read_dataset(place / "rated-drafts.jsonl").samples
    assert (up.documents, up.tags) == (("handbook/policies/acceptable-use.md",), ("draft", "feedback", "up"))
    assert "was liked" in up.note
    assert (other.answerable, other.reference, "was disliked" in other.note) == (True, None, True)
    (place / "rated.jsonl").write_text('{"id": "r1"}\n')
    assert draft(place, quick_handbook, "more.jsonl", *told) == 2
    assert "rated.jsonl:1: this is no line of" in capsys.readouterr().err
    assert draft(place, quick_handbook, "more.jsonl", "--feedback", str(place)) == 2
    assert "feedback export --state" in capsys.readouterr().err


def test_a_run_says_how_many_of_its_samples_are_drafts(
    place: Path, quick_handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Sample(id="one", question="What is the hotel limit?", answerable=True)
    drafted = plain.model_copy(update={"id": "two", "tags": ("draft",)})
    write_dataset(place / "two.jsonl", [plain, drafted])
    line = ["eval", "run", "-d", f"{place}/two.jsonl", "-i", str(quick_handbook), "-r", f"{place}/release.yaml"]
    assert main([*line, "--out", f"{place}/runs"]) is None
    assert "1 of 2 samples are drafts" in capsys.readouterr().err
