"""Our verifier as ragas' users take it: the example in the documents runs."""

from typing import Any

import pytest

from evals.metrics.for_ragas import CitationPrecision, CitationRecall, Groundedness

pytestmark = pytest.mark.anyio
TEXTS = [
    "Laptops are replaced every 4 years and telephones every 3 years.",
    "The hotel limit in the EU is EUR 145 per night with breakfast.",
]


@pytest.mark.parametrize(
    ("response", "recall", "precision"),
    [
        ("Laptops are replaced every 4 years. [1]", 1.0, 1.0),
        ("Laptops are replaced every 5 years. [1]", 0.0, 0.0),
        ("Laptops are replaced every 4 years. [1][2]", 1.0, 0.5),
        ("Laptops are replaced every 4 years. [7]", 0.0, 0.0),
        ("Laptops are replaced every 4 years.", 0.0, 0.0),
    ],
)
async def test_they_say_what_the_scores_of_a_run_say(response: str, recall: float, precision: float) -> None:
    asked: dict[str, Any] = {"user_input": "How often?", "response": response, "retrieved_contexts": TEXTS}
    assert (await CitationRecall(threads=1).ascore(**asked)).value == recall
    assert (await CitationPrecision(threads=1).ascore(**asked)).value == precision


async def test_they_take_batches_and_have_ragas_names_and_bounds() -> None:
    metric = Groundedness(threads=1)
    found = await metric.abatch_score(
        [
            {"response": text, "retrieved_contexts": TEXTS}
            for text in ("Laptops are replaced every 4 years.", "Cats fly.")
        ]
    )
    assert found[0].value > 0.9 > found[1].value
    assert (metric.name, metric.allowed_values) == ("groundedness", (0.0, 1.0))
