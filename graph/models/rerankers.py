"""The rerankers: a learned linear model, or an endpoint with the learned model as fallback."""

import asyncio
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ..backend import Lexicon, Ranked, Reranker
from ..errors import ModelFailed, SettingsInvalid
from ..learned import load
from ..offload import off_loop
from ..release import Release
from ..retrieval.features import features, heading_of
from ..settings import Settings
from ..state import Passage
from ..text.words import TermWeight, equal_weight
from .breaker import EndpointBreaker, breaker_of

if TYPE_CHECKING:
    from .rerank_endpoint import EndpointReranker

SEARCH_SCORE_WEIGHT = 2.0
"""The weight of the search score, 0 to 1, next to the reranker's own score in a conversation.

Any number from 1 to 8 orders a turn's candidates better than 0 (docs/decisions/023).
"""


class EmbeddedReranker:
    """Scores passages by matching terms, their positions, and embedding similarity."""

    def __init__(self, weigh: TermWeight) -> None:
        self._weigh = weigh

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """The mean score over the readings, in milliseconds and without trouble.

        A question with several readings was searched several times, so the search score counts too.
        """
        scores = [await off_loop(self._scores, question, passages) for question in readings]
        search_weight = SEARCH_SCORE_WEIGHT if len(readings) > 1 else 0.0
        pairs = zip(passages, zip(*scores, strict=True), strict=True)
        return Ranked([fmean(each) + search_weight * passage["score"] for passage, each in pairs])

    def _scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        return load("rerank").scores(features(question, passages, self._weigh))


class RemoteReranker:
    """Calls an endpoint; uses the fallback when it fails, is late, or its breaker is open."""

    def __init__(self, endpoint: "EndpointReranker", fallback: Reranker, breaker: EndpointBreaker) -> None:
        self._endpoint, self._fallback, self._breaker = endpoint, fallback, breaker

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """Scores on the model's own scale, for texts with title and section; `trouble` when the call failed.

        Only the first reading, the stand-alone question, is sent.
        """
        texts = [f"{heading_of(passage)}\n{passage['text']}".strip() for passage in passages]
        try:
            async with self._breaker.call():
                return Ranked(await self._scores(readings[0], texts, seconds))
        except ModelFailed as error:
            ranked = await self._fallback.rank(readings, passages, seconds)
            return Ranked(ranked.scores, f"the reranker could not be asked: {error.detail}")

    async def _scores(self, question: str, texts: Sequence[str], seconds: float) -> list[float]:
        try:
            async with asyncio.timeout(seconds):
                return await self._endpoint.scores(question, texts)
        except TimeoutError as error:
            detail = f"{self._endpoint.name} did not answer in {seconds:.2g} s."
            raise ModelFailed("timeout", detail, transient=True) from error


def open_reranker(settings: Settings, release: Release, lexicon: Lexicon | None) -> Reranker | None:
    """The reranker of the Release, if any; raises SettingsInvalid if it has no address."""
    kind, _, model = release.reranking.model.partition(":")
    if kind == "none":
        return None
    embedded = EmbeddedReranker(lexicon.weight if lexicon else equal_weight)
    if kind == "embedded":
        return embedded
    if not settings.rerank_url:
        raise SettingsInvalid(
            f"The release {release.label} names the reranker remote:{model}, and WARRANT_RERANK_URL is not set; set it "
            "to the address whose /rerank is to be asked, or name the reranker embedded or none."
        )
    from .rerank_endpoint import EndpointReranker

    timeout, form = release.reranking.timeout, settings.rerank_form
    endpoint = EndpointReranker(model, settings.rerank_url, settings.rerank_key, timeout=timeout, form=form)
    return RemoteReranker(endpoint, embedded, breaker_of(endpoint.name, settings.rerank_url, release.breaker))
