"""Support is judged by the evaluating code: what an answer invents, or cites wrongly, is seen."""

from typing import Any

import pytest

from evals.dataset import Sample
from evals.metrics.metric import Unscored, Untested
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome
from graph.models.packaged_embeddings import load_embedder

pytestmark = pytest.mark.anyio
SAMPLE = Sample(id="a", question="How often are laptops replaced?", answerable=True)
TEXTS = (
    "Laptops are replaced every 4 years and telephones every 3 years.",
    "The hotel limit in the EU is EUR 145 per night with breakfast.",
)
FIELDS = {
    **{"id": "", "document": "", "file": "", "title": "Handbook", "section": "", "header": "", "page": None},
    **{"page_breaks": [], "start": 0, "end": 0, "metadata": {}, "score": 1.0, "lexical": 1.0, "vector": 1.0},
    "similar": [],
}
VECTORS = Vectors(load_embedder("minilm-l6-v2-int8", 1).embed)


def passages() -> list[dict[str, Any]]:
    return [{**FIELDS, "id": f"p{number}", "text": text} for number, text in enumerate(TEXTS, 1)]


def outcome(text: str, *cited: str, status: str = "answered") -> SampleOutcome:
    citations = [{"marker": marker, "passage": passage} for marker, passage in enumerate(cited, 1)]
    answer = {"text": text, "status": status, "citations": citations}
    return SampleOutcome(sample="a", answer=answer, passages=passages(), seconds=1)


async def measured(found: SampleOutcome) -> tuple[float | None, float | None]:
    """Citation recall and precision."""
    by = SupportMetrics(VECTORS, [found])
    return await by.citation_recall(SAMPLE, found), await by.citation_precision(SAMPLE, found)


@pytest.mark.parametrize(
    ("text", "cited", "recall", "precision"),
    [
        ("Laptops are replaced every 4 years. [1]", ["p1"], 1.0, 1.0),
        ("Laptops are replaced every 5 years. [1]", ["p1"], 0.0, 0.0),
        ("Laptops are replaced every 4 years. [1]", ["p2"], 0.0, 0.0),
        ("Laptops are replaced every 4 years. [1][2]", ["p1", "p2"], 1.0, 0.5),
        ("Laptops are replaced every 4 years. [1] The limit is EUR 145 per night. [2]", ["p1", "p2"], 1.0, 1.0),
        ("Laptops are replaced every 4 years. [1] Everybody gets a car. [1]", ["p1"], 0.5, 0.5),
        ("Laptops are replaced every 4 years.", [], 0.0, 0.0),
        ("Laptops are replaced every 4 years. [1]", ["nowhere"], 0.0, 0.0),
        ("Laptops are replaced every 4 years. [7]", ["p1"], 0.0, 0.0),
    ],
)
async def test_citations_are_held_against_the_passages(
    text: str, cited: list[str], recall: float, precision: float
) -> None:
    assert await measured(outcome(text, *cited)) == (recall, precision)


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("The documents hold no answer to this.", "declined", "declined"),
        ("The documents do not say who pays.", "answered", "claims nothing"),
    ],
)
async def test_an_answer_that_claims_nothing_is_not_perfect_but_untested(text: str, status: str, told: str) -> None:
    found = outcome(text, status=status)
    by = SupportMetrics(VECTORS, [found])
    for metric in (by.citation_recall, by.citation_precision, by.groundedness)[: 3 if status == "declined" else 2]:
        with pytest.raises(Untested, match=told):
            await metric(SAMPLE, found)


async def test_what_is_invented_is_less_grounded_than_what_is_there() -> None:
    true, false = (
        outcome("Laptops are replaced every 4 years. [1]", "p1"),
        outcome("Unicorns pay Bruno in gold. [1]", "p1"),
    )
    by = SupportMetrics(VECTORS, [true, false])
    grounded = [await by.groundedness(SAMPLE, found) or 0.0 for found in (true, false)]
    assert grounded[0] > 0.8 > 0.4 > grounded[1]


async def test_passages_that_are_not_told_or_cannot_be_read_give_no_score() -> None:
    untold = outcome("Laptops are replaced. [1]", "p1").model_copy(update={"passages": None})
    strange = untold.model_copy(update={"passages": [{"id": "p1", "text": "Laptops are replaced."}]})
    for found, told in ((untold, "does not say"), (strange, "another form")):
        by = SupportMetrics(VECTORS, [found])
        for metric in (by.citation_recall, by.citation_precision, by.groundedness):
            with pytest.raises(Unscored, match=told):
                await metric(SAMPLE, found)


async def test_a_text_is_embedded_once() -> None:
    asked: list[str] = []
    embed = load_embedder("wordllama-256", 1).embed

    def counted(texts: Any) -> Any:
        asked.extend(texts)
        return embed(texts)

    vectors = Vectors(counted)
    vectors.learn(["one", "two", "one"])
    assert await vectors.compare("one", ["two", "three"]) == await vectors.compare("one", ["two", "three"])
    assert await vectors.compare("one", []) == []
    assert asked == ["one", "two", "three"]
