"""Our verifier as metrics of ragas, which need no model: `await Groundedness().ascore(response=..., ...)`.

A response cites its contexts as [1], [2], in their order. Terms weigh by how rare they are among the contexts that are
given, since ragas' users have no index; `warrant eval score` weighs them over the passages of the whole run.
"""

import warnings
from math import nan
from typing import Any

from evals.dataset import Sample
from evals.metrics.catalog import METRICS
from evals.metrics.from_ragas import RagasMetrics
from evals.metrics.keyless import MARKER
from evals.metrics.metric import RunContext, Untested
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import scoring_vectors
from evals.runs import SampleOutcome, plain_passage
from graph.settings import load_settings, quiet_libraries

quiet_libraries()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas.metrics.collections.base import BaseMetric
    from ragas.metrics.result import MetricResult

SAMPLE = Sample(id="-", question="-", answerable=True)
"""Stands in for the question where none is given."""


class _Verified(BaseMetric):
    """A metric of the verifier over one response and its contexts."""

    metric: str

    def __init__(self, threads: int = 0, **options: Any) -> None:
        """`threads` embed at once; 0 takes every core."""
        super().__init__(name=options.pop("name", self.metric), **options)
        self._threads = threads

    async def ascore(  # type: ignore[override]
        self, response: str, retrieved_contexts: list[str], user_input: str = "", **_: Any
    ) -> MetricResult:
        """0 to 1, not a number for a response that claims nothing. The `user_input` is a part of what it claims."""
        sample = SAMPLE.model_copy(update={"question": user_input or SAMPLE.question})
        outcome = outcome_of(response, retrieved_contexts)
        vectors = scoring_vectors(self._threads or load_settings().cores)
        context = RunContext(vectors, {}, RagasMetrics(vectors), SupportMetrics(vectors, [outcome]))
        of_run = METRICS[self.metric].of_run
        assert of_run, "the metrics below are of a whole run"
        found: Any = of_run(context)(sample, outcome)
        try:
            return MetricResult(value=float(await found))
        except Untested as error:
            return MetricResult(value=nan, reason=str(error))


class Groundedness(_Verified):
    """How far a response rests on its contexts, as people judge it."""

    metric = "groundedness"


class CitationRecall(_Verified):
    """Of the claims of a response, the share that is supported by a context that it cites."""

    metric = "citation_recall"


class CitationPrecision(_Verified):
    """Of the citations of a response, the share that supports its claim."""

    metric = "citation_precision"


def outcome_of(response: str, contexts: list[str]) -> SampleOutcome:
    """A response with its contexts as what a run would have kept of them."""
    passages = [plain_passage(str(n), text) for n, text in enumerate(contexts, 1)]
    markers = dict.fromkeys(MARKER.findall(response))
    cited = [int(marker.strip(" []")) for marker in markers]
    citations = [{"marker": number, "passage": str(number)} for number in dict.fromkeys(cited)]
    answer = {"text": response, "status": "answered", "citations": citations}
    return SampleOutcome(sample=SAMPLE.id, answer=answer, passages=passages, seconds=0.0)
