"""The verifier as a scorer of MLflow."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.entities import Document, SpanType

from evals.metrics.for_mlflow import supported

QUESTION = {"question": "How long is the warranty?"}


def test_the_share_of_supported_claims_is_told_with_what_is_amiss() -> None:
    passages = ["The warranty lasts 4 years.", "Seals are excluded."]
    answer = "It lasts 5 years. [1] Seals are excluded. [2]"
    feedback: Any = supported(inputs=QUESTION, outputs={"answer": answer, "passages": passages})
    assert feedback.value == 0.5
    assert feedback.rationale == "contradicted: It lasts 5 years. (5 years is not there: it says 4 years)"


@pytest.mark.filterwarnings("ignore")
def test_evaluate_holds_an_answer_against_what_its_retriever_found(empty: Path, tmp_path: Path) -> None:
    def answer(question: str) -> str:
        with mlflow.start_span("search", span_type=SpanType.RETRIEVER) as span:
            span.set_outputs([Document("It lasts 4 years.", metadata={"title": "The warranty"})])
        return "The warranty lasts 4 years. [1] Seals are excluded. [1]"

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{shutil.copy(empty, tmp_path / 'mlflow.db')}")
    try:
        found = mlflow.genai.evaluate(data=[{"inputs": QUESTION}], scorers=[supported], predict_fn=answer)
    finally:
        mlflow.set_tracking_uri(before)
    assert found.metrics == {"supported/mean": 0.5}
