"""Our verifier as a scorer of MLflow, which needs no model: `mlflow.genai.evaluate(data=..., scorers=[supported])`."""

from collections.abc import Iterator
from typing import Any

from mlflow.entities import Feedback, SpanType, Trace
from mlflow.genai.scorers import scorer

from graph.verification import PassageInput, verify


@scorer
def supported(inputs: dict[str, Any], outputs: Any, trace: Trace | None = None) -> Feedback:
    """The share of an answer's claims that its passages support; the rationale names the other ones.

    `inputs` has the `question`, `outputs` is the answer or has it as `answer` or `text`. The passages are those in
    `passages` of the outputs or of the inputs, or else the documents that the retriever spans of the trace give back.
    """
    given = outputs if isinstance(outputs, dict) else {"answer": outputs}
    passages = given.get("passages") or inputs.get("passages") or list(_retrieved(trace))
    answer = given["answer"] if "answer" in given else given["text"]
    report = verify(str(inputs.get("question", "")), str(answer), passages)
    amiss = [
        f"{claim.verdict}: {claim.text} ({claim.because})" for claim in report.claims if claim.verdict != "supported"
    ]
    return Feedback(value=report.supported, rationale="\n".join(amiss) or "every claim is supported")


def _retrieved(trace: Trace | None) -> Iterator[PassageInput]:
    spans = trace.data.spans if trace else ()
    for span in (each for each in spans if each.span_type == SpanType.RETRIEVER):
        for document in span.outputs or ():
            metadata = document.get("metadata") or {}
            yield PassageInput(text=str(document["page_content"]), title=str(metadata.get("title", "")))
