"""warrant eval draft: drafts that a model wrote, never over somebody's work, and a run that says so."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from evals.dataset import Sample, read_dataset, write_dataset
from evals.documents import SourceDocument, read_documents
from evals.drafts import choose_passages
from samples.endpoint import Endpoint, serving
from warrant import main

WRITTEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "StringIO": lambda given: {"text": given["text"][:200]},
    "QuestionPotentialOutput": lambda _: {"score": 4},
    "ThemesAndConcepts": lambda _: {"output": ["rules"]},
    "NEROutput": lambda _: {"entities": ["Tessera"]},
    "PersonaThemesMapping": lambda _: {"mapping": {"Expert": ["Tessera", "rules"]}},
    "ConceptCombinations": lambda _: {"combinations": [["Tessera"]]},
    "GeneratedQueryAnswer": lambda given: {
        "query": f"What about {str(given['context'])[:40]}?",
        "answer": sentence_of(given["context"]),
    },
}
"""What a model might write, by the name of the schema that ragas asks for."""


def sentence_of(context: str | list[str]) -> str:
    text = context if isinstance(context, str) else context[0].partition("-hop>\n\n")[2]
    return next((line for line in text.splitlines() if line.endswith(".") and line[0].isalpha()), "Nobody knows.")


def reply(body: dict[str, Any]) -> str:
    prompt = str(body["messages"][-1]["content"])
    name = [title for title in re.findall(r'"title": "(\w+)"', prompt) if title in WRITTEN][-1]
    return json.dumps(WRITTEN[name](json.loads(prompt.rpartition("input: ")[2].rpartition("Output:")[0])))


@pytest.fixture(scope="module")
def model() -> Iterator[Endpoint]:
    with serving(Endpoint(reply, lambda _: "good")) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def draft(index: Path, out: Path, *options: str) -> object:
    return main(["eval", "draft", "-i", str(index), "--out", str(out), *options])


def draft_apart(index: Path, out: Path, *options: str) -> None:
    """Draft in a process of its own: with a model, ragas changes how event loops run in its process."""
    command = [sys.executable, str(ROOT / "warrant.py"), "eval", "draft", "-i", str(index), "--out", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_a_model_writes_questions_on_documents(
    quick_handbook: Path, tmp_path: Path, model: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARRANT_JUDGE_URL", model.url)
    out = tmp_path / "drafts.jsonl"
    draft_apart(quick_handbook, out, "--documents", "3", "--judge", "m")
    samples = read_dataset(out).samples
    assert len(samples) >= 2
    texts = {name: document.text for name, document in asyncio.run(read_documents(quick_handbook)).items()}
    for sample in samples:
        assert sample.is_draft
        assert sample.answerable
        assert sample.documents
        assert all(any(quote in texts[name] for name in sample.documents) for quote in sample.quotes)
    assert any(sample.quotes for sample in samples)
    calls = len(model.served)
    again = tmp_path / "again.jsonl"
    draft_apart(quick_handbook, again, "--documents", "3", "--judge", "m")
    assert len(model.served) == calls, "replies are cached"


def test_without_a_model_the_command_says_what_to_do(
    quick_handbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draft(quick_handbook, tmp_path / "drafts.jsonl") == 2
    assert "--judge or WARRANT_JUDGE_MODEL" in capsys.readouterr().err
    assert not (tmp_path / "drafts.jsonl").exists()


def test_access_is_probed_without_a_model(quick_handbook: Path, tmp_path: Path) -> None:
    assert not draft(quick_handbook, tmp_path / "probes.jsonl", "--probe-access")
    assert {sample.tags for sample in read_dataset(tmp_path / "probes.jsonl").samples} == {("draft", "access")}


def test_passages_are_spread_over_documents() -> None:
    documents = [SourceDocument(name, "", passages=(f"{name}1", f"{name}2")) for name in "abc"]
    assert set(choose_passages(documents, 3).values()) == {"a", "b", "c"}
    assert len(choose_passages(documents, 9)) == 6


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


def test_feedback_becomes_drafts_and_never_overwrites(
    quick_handbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    down = {
        **RATED,
        "id": "r2",
        "question": "How old may laptops be?",
        "reference": None,
        "documents": [],
        "answerable": None,
        "tags": ["feedback", "down"],
    }
    rated, out = tmp_path / "rated.jsonl", tmp_path / "drafts.jsonl"
    again = {**RATED, "id": "r3", "question": "After how many years are laptops REPLACED"}
    rated.write_text("".join(json.dumps(each) + "\n" for each in (RATED, down, again)))
    assert draft(quick_handbook, out, "--feedback", str(rated)) is None
    up, other = read_dataset(out).samples
    assert up.note.endswith(" good")
    assert (list(up.documents), up.tags) == (RATED["documents"], ("draft", "feedback", "up"))
    assert "was liked" in up.note
    assert (other.answerable, other.reference, "was disliked" in other.note) == (True, None, True)

    assert draft(quick_handbook, out, "--feedback", str(rated)) == 2
    assert "may have been edited" in capsys.readouterr().err

    rated.write_text('{"id": "r1"}\n')
    assert draft(quick_handbook, tmp_path / "more.jsonl", "--feedback", str(rated)) == 2
    assert "rated.jsonl:1: this is no line of" in capsys.readouterr().err
    assert draft(quick_handbook, tmp_path / "more.jsonl", "--feedback", str(tmp_path)) == 2
    assert "feedback export --state" in capsys.readouterr().err


def test_a_run_says_how_many_of_its_samples_are_drafts(
    quick_handbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "release.yaml").write_text("embedding: wordllama-256\n")
    plain = Sample(id="one", question="What is the hotel limit?", answerable=True)
    write_dataset(
        tmp_path / "two.jsonl", [plain, plain.model_copy(update={"id": "two", "question": "Who?", "tags": ("draft",)})]
    )
    line = ["eval", "run", "-d", "two.jsonl", "-i", str(quick_handbook), "-r", "release.yaml", "--out", "runs"]
    assert main(line) is None
    assert "1 of 2 samples are drafts" in capsys.readouterr().err
