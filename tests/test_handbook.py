"""The main job on the sample handbook, end to end on the embedded default."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from graph.agent import open_agent
from graph.index.store import locate
from graph.index.tables import Reader
from graph.release import Release
from graph.settings import Settings
from graph.state import Answer

QUESTIONS = [json.loads(line) for line in (ROOT / "samples/questions.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def answers(handbook: Path) -> list[tuple[dict[str, Any], Answer]]:
    """Every sample question with its answer."""

    async def ask() -> list[tuple[dict[str, Any], Answer]]:
        graph = (await open_agent(Settings(index=handbook), Release())).graph
        asked = []
        for question in QUESTIONS:
            given = {key: question[key] for key in ("question", "filters", "groups")}
            asked.append((question, (await graph.ainvoke(given))["answer"]))
        return asked

    return asyncio.run(ask())


@pytest.mark.slow
def test_every_citation_is_the_exact_span_of_its_document(
    answers: list[tuple[dict[str, Any], Answer]], handbook: Path
) -> None:
    async def read() -> dict[str, str]:
        reader = await Reader.open(locate(handbook), approximate=False)
        return {row.document: row.text async for row in reader.documents()}

    texts = asyncio.run(read())
    cited = [citation for _, answer in answers for citation in answer["citations"]]
    assert len(cited) > 40
    assert [c for c in cited if texts[c["document"]][c["start"] : c["end"]] != c["quote"]] == []


@pytest.mark.slow
def test_citations_in_paged_documents_name_a_page(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    pages = {c["page"] for _, answer in answers for c in answer["citations"] if c["file"].endswith(".pdf")}
    assert len(pages) > 1
    assert None not in pages


@pytest.mark.slow
def test_most_questions_are_answered_from_the_right_document(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    """A floor under what this plain pipeline does today, not its goal."""
    answerable = [(q, a) for q, a in answers if q["documents"]]
    right = [q["id"] for q, a in answerable if set(q["documents"]) & {c["file"] for c in a["citations"]}]
    assert len(right) / len(answerable) >= 0.7


@pytest.mark.slow
def test_nobody_is_shown_what_is_not_theirs(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    restricted = {
        "handbook/security/incident-runbook.md",
        "handbook/hr/salary-bands.docx",
        "handbook/finance/approval-limits.txt",
        "handbook/service/partner-discounts.csv",
        "handbook/warranty/goodwill-guideline.txt",
    }
    for question, answer in answers:
        if not question["groups"]:
            assert not restricted & {citation["file"] for citation in answer["citations"]}
            assert not any(place.startswith(tuple(restricted)) for place in answer["nearest"])


@pytest.mark.slow
def test_every_answer_is_complete(answers: list[tuple[dict[str, Any], Answer]]) -> None:
    for _, answer in answers:
        assert 0 <= answer["confidence"] <= 1
        assert (answer["status"] == "declined") == (not answer["citations"])
        assert answer["timings"].keys() >= {"preprocess", "retrieve", "rerank", "route", "cite"}
        assert answer["text"]
