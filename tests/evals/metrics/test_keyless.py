"""The keyless metrics against values that were worked out by hand, and when each applies."""

from math import log2
from typing import Any

import numpy as np
import pytest

from evals.dataset import Sample
from evals.judge.metrics import JudgedMetrics
from evals.metrics import keyless
from evals.metrics.catalog import JUDGED, KEYLESS, METRICS, Unscored
from evals.metrics.from_ragas import RagasMetrics
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome

pytestmark = pytest.mark.anyio
ASKED: dict[str, Any] = {"id": "a", "question": "Who?", "answerable": True}


def sample(**told: Any) -> Sample:
    return Sample.model_validate({**ASKED, **told})


def outcome(text: str = "", files: tuple[str, ...] | None = (), **answer: Any) -> SampleOutcome:
    status = "answered" if text else "declined"
    usage = {"calls": 0, "model": "", "input_tokens": 0, "output_tokens": 0}
    passages = (
        None if files is None else [{"document": name, "text": f"The text of **{name}**\nis here."} for name in files]
    )
    whole = {"text": text, "status": status, "route": "simple", "usage": usage, **answer}
    return SampleOutcome(sample="a", answer=whole, passages=None if files is None else passages, seconds=0.25)


def embed(texts: Any) -> Any:
    """Unit vectors by hand: texts with the same first letter are the same."""
    return np.array([np.eye(26)[ord(text[0].lower()) - 97] for text in texts])


VECTORS = Vectors(embed)
RAGAS = RagasMetrics(VECTORS)


@pytest.mark.parametrize(
    ("files", "ndcg", "mrr", "recall", "precision"),
    [
        (("x", "y"), 1.0, 1.0, 1.0, 1.0),
        (("n", "x"), (1 / log2(3)) / (1 + 1 / log2(3)), 0.5, 0.5, 0.5),
        (("x", "n", "n", "y"), (1 + 1 / log2(4)) / (1 + 1 / log2(3)), 1.0, 1.0, 2 / 3),
        (("n",), 0.0, 0.0, 0.0, 0.0),
        ((), 0.0, 0.0, 0.0, 0.0),
    ],
)
async def test_retrieval_is_measured_over_documents_each_once(
    files: tuple[str, ...], ndcg: float, mrr: float, recall: float, precision: float
) -> None:
    told, found = sample(documents=["x", "y"]), outcome("yes", files)
    assert keyless.ndcg(told, found) == pytest.approx(ndcg)
    assert keyless.mrr(told, found) == pytest.approx(mrr)
    assert await RAGAS.context_recall(told, found) == pytest.approx(recall)
    assert await RAGAS.context_precision(told, found) == pytest.approx(precision)


def test_a_quote_is_found_whatever_its_white_space_and_markdown() -> None:
    told = sample(documents=["x", "y"], quotes=["text of x is", "nowhere"])
    assert keyless.quote_recall(told, outcome("yes", ("n", "x"))) == 0.5


async def test_without_passages_retrieval_has_no_score() -> None:
    told, found = sample(documents=["x"], quotes=["x"]), outcome("yes", None)
    for metric in (keyless.ndcg, keyless.mrr, keyless.quote_recall):
        with pytest.raises(Unscored, match="does not say"):
            metric(told, found)
    with pytest.raises(Unscored, match="does not say"):
        await RAGAS.context_recall(told, found)


@pytest.mark.parametrize(
    ("text", "exact", "f1", "rouge"),
    [
        ("The red house. [1]", 1.0, 1.0, 1.0),
        ("house red", 0.0, 1.0, 0.5),
        ("a red house in town [1][2]", 0.0, 2 / 3, 2 / 3),
        ("nothing of it", 0.0, 0.0, 0.0),
        ("blue barn", 1.0, 1.0, 1.0),
        ("", 0.0, 0.0, 0.0),
    ],
)
async def test_words_are_compared_with_the_nearest_right_answer(
    text: str, exact: float, f1: float, rouge: float
) -> None:
    told, found = sample(reference="Red house", alternatives=["A blue barn"]), outcome(text)
    assert await RAGAS.exact_match(told, found) == exact
    assert keyless.token_f1(told, found) == pytest.approx(f1)
    assert keyless.rouge_l(told, found) == pytest.approx(rouge)


async def test_similarity_is_to_the_nearest_right_answer_and_nothing_said_is_like_nothing() -> None:
    told = sample(reference="red", alternatives=["blue"])
    assert await RAGAS.semantic_similarity(told, outcome("barn [1]")) == 1.0
    assert await RAGAS.semantic_similarity(told, outcome("tree")) == 0.0
    assert await RAGAS.semantic_similarity(told, outcome("")) == 0.0


@pytest.mark.parametrize(
    ("answerable", "text", "answered", "declined"),
    [(True, "yes", 1.0, None), (True, "", 0.0, None), (False, "yes", None, 0.0), (False, "", None, 1.0)],
)
def test_declining_is_right_where_there_is_no_answer(
    answerable: bool, text: str, answered: float | None, declined: float | None
) -> None:
    told = sample(answerable=answerable)
    assert keyless.answered(told, outcome(text)) == answered
    assert keyless.declined_rightly(told, outcome(text)) == declined


def test_the_route_counts_where_the_sample_names_one() -> None:
    assert keyless.routed_rightly(sample(route="simple"), outcome("yes")) == 1.0
    assert keyless.routed_rightly(sample(route="complex"), outcome("yes")) == 0.0
    assert keyless.routed_rightly(sample(), outcome("yes")) is None


def test_time_and_money() -> None:
    assert keyless.latency_ms(sample(), outcome()) == 250.0
    asked = outcome("yes", usage={"calls": 2, "model": "openai:big", "input_tokens": 1000, "output_tokens": 200})
    assert keyless.cost_usd(asked, {"big": (1.0, 10.0)}) == pytest.approx(0.003)
    assert keyless.cost_usd(asked, {"openai:big": (2.0, 10.0)}) == pytest.approx(0.004)
    assert keyless.cost_usd(outcome("yes"), {}) == 0.0
    with pytest.raises(Unscored, match="price of openai:big"):
        keyless.cost_usd(asked, {})


async def test_what_is_not_known_of_a_sample_is_not_measured() -> None:
    bare, found = sample(), outcome("yes", ("x",))
    for name in ("ndcg", "mrr", "quote_recall", "token_f1", "rouge_l", "routed_rightly", "declined_rightly"):
        assert getattr(keyless, name)(bare, found) is None
    for name in ("context_recall", "context_precision", "exact_match", "semantic_similarity"):
        assert await getattr(RAGAS, name)(bare, found) is None


def test_every_metric_is_named_once_and_has_a_function() -> None:
    providers = (keyless, RAGAS, SupportMetrics(VECTORS, []))
    assert all(sum(hasattr(provider, metric.name) for provider in providers) == 1 for metric in KEYLESS)
    assert all(hasattr(JudgedMetrics, metric.name) and metric.judged for metric in JUDGED)
    assert len(METRICS) == len(KEYLESS) + len(JUDGED)
