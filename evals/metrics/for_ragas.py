"""Our verifier as metrics of ragas, which need no model: `await Groundedness().ascore(response=..., ...)`.

A response cites its contexts as [1], [2], in their order. Terms weigh by how rare they are among the contexts that are
given, since ragas' users have no index; `warrant eval score` weighs them over the passages of the whole run.
"""

import re
import warnings
from math import nan
from typing import Any

from evals.dataset import Sample
from evals.metrics.metric import Untested
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import scoring_vectors
from evals.runs import SampleOutcome, plain_passage
from graph.settings import load_settings, quiet_libraries

quiet_libraries()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas.metrics.collections.base import BaseMetric
    from ragas.metrics.result import MetricResult


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
        numbers = dict.fromkeys(map(int, re.findall(r"\[(\d+)\]", response)))
        citations = [{"marker": number, "passage": str(number)} for number in numbers]
        sample = Sample(id="-", question=user_input or "-", answerable=True)
        outcome = SampleOutcome(
            sample=sample.id,
            answer={"text": response, "status": "answered", "citations": citations},
            passages=[plain_passage(str(number), text) for number, text in enumerate(retrieved_contexts, 1)],
            seconds=0.0,
        )
        support = SupportMetrics(scoring_vectors(self._threads or load_settings().cores), [outcome])
        try:
            return MetricResult(value=float(await getattr(support, self.metric)(sample, outcome)))
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
