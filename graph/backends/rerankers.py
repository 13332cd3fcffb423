"""Who orders the candidates: the learned weights, or an endpoint with those weights behind it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from ..errors import ModelFailed, SettingsInvalid
from ..finding.relevance import features, head_of
from ..learned import load
from ..release import Release
from ..settings import Settings
from ..state import Passage
from ..text.words import Weigh, alike
from . import Lexicon, Nearness, Ranked, Reranker
from .breaker import EndpointBreaker, breaker_of


class Endpoint(Protocol):
    """What scores texts far away."""

    name: str

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers; raises ModelFailed."""
        ...


class EmbeddedReranker:
    """Weighs what of the question stands in each passage, and where, and how nearly its tokens are met."""

    def __init__(self, weigh: Weigh, nearness: Nearness | None = None) -> None:
        self._weigh, self._nearness = weigh, nearness

    async def rank(self, question: str, passages: Sequence[Passage], seconds: float) -> Ranked:
        """Never in trouble, and done in milliseconds whatever time there is; raises RetrievalUnavailable."""
        late = await self._nearness.late(question, passages) if self._nearness else None
        model = load("rerank_afresh" if late is None else "rerank")
        return Ranked([model.score(row) for row in features(question, passages, self._weigh, late)])


class RemoteReranker:
    """Asks an endpoint, and the one behind it where the endpoint fails, is late, or is left alone after failures."""

    def __init__(self, endpoint: Endpoint, behind: Reranker, breaker: EndpointBreaker) -> None:
        self._endpoint, self._behind, self._breaker = endpoint, behind, breaker

    async def rank(self, question: str, passages: Sequence[Passage], seconds: float) -> Ranked:
        """Scores on the model's own scale, asked with titles and sections; `trouble` when it could not be asked."""
        texts = [f"{head_of(passage)}\n{passage['text']}".strip() for passage in passages]
        try:
            async with self._breaker.call():
                return Ranked(await self._scores(question, texts, seconds))
        except ModelFailed as error:
            found = await self._behind.rank(question, passages, seconds)
            return Ranked(found.scores, f"the reranker could not be asked: {error.detail}")

    async def _scores(self, question: str, texts: Sequence[str], seconds: float) -> list[float]:
        try:
            async with asyncio.timeout(seconds):
                return await self._endpoint.scores(question, texts)
        except TimeoutError as error:
            late = f"{self._endpoint.name} did not answer in {seconds:.2g} s."
            raise ModelFailed("timeout", late, transient=True) from error


def open_reranker(
    settings: Settings, release: Release, lexicon: Lexicon | None, nearness: Nearness | None = None
) -> Reranker | None:
    """The reranker that the Release names, if any; raises SettingsInvalid where it has no address."""
    kind, _, model = release.reranking.model.partition(":")
    if kind == "none":
        return None
    embedded = EmbeddedReranker(lexicon.weight if lexicon else alike, nearness)
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
