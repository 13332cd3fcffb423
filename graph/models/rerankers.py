"""Who orders the candidates: the learned weights, or an endpoint with those weights behind it."""

import asyncio
from collections.abc import Sequence
from statistics import fmean
from typing import Protocol

from ..backend import Lexicon, Ranked, Reranker
from ..errors import ModelFailed, SettingsInvalid
from ..learned import load
from ..offload import off_loop
from ..release import Release
from ..retrieval.features import features, head_of
from ..settings import Settings
from ..state import Passage
from ..text.words import Weigh, alike
from .breaker import EndpointBreaker, breaker_of

SEARCHED = 2.0
"""What the score of the searches, 0 to 1, counts beside the reranker's own for a turn of a conversation.

Any number from 1 to 8 orders a turn's candidates better than 0 (docs/decisions/023).
"""


class Endpoint(Protocol):
    """What scores texts far away."""

    name: str

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers; raises ModelFailed."""
        ...


class EmbeddedReranker:
    """Weighs what of the question stands in each passage, and where, and how like it the passage and its units are."""

    def __init__(self, weigh: Weigh) -> None:
        self._weigh = weigh

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """The mean over the readings; never in trouble, and done in milliseconds.

        What can be read in more than one way was searched in more than one: what those found it by counts too.
        """
        scores = [await off_loop(self._scores, question, passages) for question in readings]
        searched = SEARCHED if len(readings) > 1 else 0.0
        pairs = zip(passages, zip(*scores, strict=True), strict=True)
        return Ranked([fmean(each) + searched * passage["score"] for passage, each in pairs])

    def _scores(self, question: str, passages: Sequence[Passage]) -> list[float]:
        return load("rerank").scores(features(question, passages, self._weigh))


class RemoteReranker:
    """Asks an endpoint, and the one behind it where the endpoint fails, is late, or is left alone after failures."""

    def __init__(self, endpoint: Endpoint, behind: Reranker, breaker: EndpointBreaker) -> None:
        self._endpoint, self._behind, self._breaker = endpoint, behind, breaker

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """Scores on the model's own scale, asked with titles and sections; `trouble` when it could not be asked.

        A model reads a question whole, so it is asked the first reading, once.
        """
        texts = [f"{head_of(passage)}\n{passage['text']}".strip() for passage in passages]
        try:
            async with self._breaker.call():
                return Ranked(await self._scores(readings[0], texts, seconds))
        except ModelFailed as error:
            found = await self._behind.rank(readings, passages, seconds)
            return Ranked(found.scores, f"the reranker could not be asked: {error.detail}")

    async def _scores(self, question: str, texts: Sequence[str], seconds: float) -> list[float]:
        try:
            async with asyncio.timeout(seconds):
                return await self._endpoint.scores(question, texts)
        except TimeoutError as error:
            late = f"{self._endpoint.name} did not answer in {seconds:.2g} s."
            raise ModelFailed("timeout", late, transient=True) from error


def open_reranker(settings: Settings, release: Release, lexicon: Lexicon | None) -> Reranker | None:
    """The reranker that the Release names, if any; raises SettingsInvalid where it has no address."""
    kind, _, model = release.reranking.model.partition(":")
    if kind == "none":
        return None
    embedded = EmbeddedReranker(lexicon.weight if lexicon else alike)
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
