"""The keyless metrics of ragas. Its telemetry is off unless the user turned it on."""

import warnings
from typing import Any

from evals.dataset import Sample
from evals.metrics.keyless import normalised, retrieved, said
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome
from graph.settings import quiet_libraries

quiet_libraries()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas import SingleTurnSample
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.metrics import IDBasedContextPrecision, IDBasedContextRecall
    from ragas.metrics.collections import ExactMatch, SemanticSimilarity


class Embeddings(BaseRagasEmbedding):
    """Our vectors as ragas asks for them."""

    is_async = True

    def __init__(self, vectors: Vectors) -> None:
        super().__init__()
        self._vectors = vectors

    def embed_text(self, text: str, **_: Any) -> list[float]:
        return [float(each) for each in self._vectors.of([text])[0]]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        return self.embed_text(text)


class RagasMetrics:
    """The keyless metrics of ragas, each with the sample's own rule for when it applies."""

    def __init__(self, vectors: Vectors) -> None:
        self._recall, self._precision = IDBasedContextRecall(), IDBasedContextPrecision()
        self._exact, self._similar = ExactMatch(), SemanticSimilarity(embeddings=Embeddings(vectors))

    async def context_recall(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the documents that hold the answer, the share that was retrieved."""
        return await _by_ids(self._recall, sample, outcome)

    async def context_precision(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the retrieved documents, the share that holds the answer; 0 when none was retrieved."""
        return await _by_ids(self._precision, sample, outcome)

    async def exact_match(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Whether the answer is one of the right ones, both normalised as SQuAD does."""
        answer = " ".join(normalised(said(outcome)))
        found = [await self._exact.ascore(reference=" ".join(normalised(r)), response=answer) for r in sample.answers]
        return max((float(each.value) for each in found), default=None)

    async def semantic_similarity(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """The cosine to the nearest right answer; 0 where nothing was said."""
        answer = said(outcome)
        if not answer:
            return 0.0 if sample.answers else None
        found = [await self._similar.ascore(reference=right, response=answer) for right in sample.answers]
        return max((min(1.0, float(each.value)) for each in found), default=None)


async def _by_ids(metric: Any, sample: Sample, outcome: SampleOutcome) -> float | None:
    if not sample.documents:
        return None
    found = retrieved(outcome)
    if not found:
        return 0.0
    row = SingleTurnSample(retrieved_context_ids=found, reference_context_ids=list(sample.documents))
    # The public method writes an identity for its telemetry to the home directory, even where that is off.
    return float(await metric._single_turn_ascore(row, []))
