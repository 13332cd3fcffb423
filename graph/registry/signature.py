"""What a logged release takes and gives, as MLflow enforces it."""

from typing import Any

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType, Array, Object, Property

TEXT = DataType.string


def signature() -> ModelSignature:
    """A question with an optional filter and history; the Answer, or the error that stands in its place.

    A filter has any shape, so its column has any type. Because `history` is an array MLflow takes a single object for
    one row; rows of one table either all have a history (it may be empty) or none has.
    """
    turn = Object([Property("role", TEXT), Property("content", TEXT)])
    anything = AnyType()  # type: ignore[no-untyped-call]
    asked: list[ColSpec | TensorSpec] = [
        ColSpec(TEXT, "question"),
        ColSpec(anything, "filters", required=False),
        ColSpec(Array(turn), "history", required=False),
    ]
    return ModelSignature(Schema(asked), Schema([ColSpec(anything, "answer"), ColSpec(anything, "error")]))


def example(question: str) -> dict[str, Any]:
    """An input example that has every field, since MLflow drops those that it has never seen."""
    return {"question": question, "filters": {}, "history": []}
