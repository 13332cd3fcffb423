"""Our verifier as metrics of ragas, which need no model: `await Groundedness().ascore(response=..., ...)`.

A response cites its contexts as [1], [2], in their order. Terms weigh by how rare they are among the contexts that are
given, since ragas' users have no index; `warrant eval score` weighs them over the passages of the whole run.
"""

import warnings
from functools import cache
from typing import Any

from evals.judging.labels import PLACE, SCORES
from evals.metrics.plain import MARKER
from evals.metrics.supported import Supported
from evals.metrics.vectors import Embed, Vectors
from evals.runs import Outcome
from evals.samples import Sample
from graph.backends.embedders import load_embedder
from graph.settings import load_settings, quiet_libraries

quiet_libraries()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas.metrics.collections.base import BaseMetric
    from ragas.metrics.result import MetricResult

EMBEDDING = "minilm-l6-v2-int8"
SAMPLE = Sample(id="-", question="-", answerable=True)
"""Stands in for the question where none is given."""


class _Verified(BaseMetric):
    """A metric of `Supported` over one response and its contexts."""

    metric: str

    def __init__(self, threads: int = 0, **told: Any) -> None:
        """`threads` embed at once; 0 takes every core."""
        super().__init__(name=told.pop("name", self.metric), **told)
        self._threads = threads

    async def ascore(  # type: ignore[override]
        self, response: str, retrieved_contexts: list[str], user_input: str = "", **_: Any
    ) -> MetricResult:
        """0 to 1; a response that claims nothing is supported. The `user_input` is a part of what it claims."""
        sample = SAMPLE.model_copy(update={"question": user_input or SAMPLE.question})
        outcome = outcome_of(response, retrieved_contexts)
        found = await getattr(Supported(Vectors(_embed(self._threads)), [outcome]), self.metric)(sample, outcome)
        return MetricResult(value=float(found))


class Groundedness(_Verified):
    """How far a response rests on its contexts, as people judge it."""

    metric = "groundedness"


class CitationRecall(_Verified):
    """Of the claims of a response, the share that is supported by a context that it cites."""

    metric = "citation_recall"


class CitationPrecision(_Verified):
    """Of the citations of a response, the share that supports its claim."""

    metric = "citation_precision"


def outcome_of(response: str, contexts: list[str]) -> Outcome:
    """A response with its contexts as what a run would have kept of them."""
    named = {"document": "", "file": "", "title": "", "section": "", "header": ""}
    passages = [{**named, **PLACE, **SCORES, "id": str(n), "text": text} for n, text in enumerate(contexts, 1)]
    markers = dict.fromkeys(MARKER.findall(response))
    cited = [int(marker.strip(" []")) for marker in markers]
    citations = [{"marker": number, "passage": str(number)} for number in dict.fromkeys(cited)]
    answer = {"text": response, "status": "answered", "citations": citations}
    return Outcome(sample=SAMPLE.id, answer=answer, passages=passages, seconds=0.0)


@cache
def _embed(threads: int) -> Embed:
    return load_embedder(EMBEDDING, threads or load_settings().cores).embed
