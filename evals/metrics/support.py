"""Whether an answer is held by its passages: by the verifier of the code that evaluates, not by the release's own.

A release whose verifier was weakened or switched off is therefore seen. An answer that claims nothing, such as one that
was declined, is Untested. Citation recall and precision are those of ALCE (Gao et al., 2023) with our verifier in
place of its NLI model. A claim that the documents say nothing of something is not counted.
"""

from collections.abc import Iterable, Sequence

from evals.dataset import Sample
from evals.metrics.keyless import DECLINED, said
from evals.metrics.metric import Unscored, Untested
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome
from graph.release import Checking
from graph.state import Passage
from graph.text.words import terms, weights
from graph.verification.claims import claims_of, plain_claim
from graph.verification.groundedness import groundedness
from graph.verification.repair import is_claim, says_not_found
from graph.verification.verifier import Verifier, prepare_passages

CHECKING = Checking()


class SupportMetrics:
    """The metrics of an answer's support; terms weigh by how rare they are among all passages of the run."""

    def __init__(self, vectors: Vectors, outcomes: Sequence[SampleOutcome]) -> None:
        self._vectors = vectors
        texts = {str(passage["text"]) for outcome in outcomes for passage in outcome.passages or ()}
        self._weights = weights(set(terms(text)) for text in texts)
        self._rarest = max(self._weights.values(), default=1.0)
        self._verifier = Verifier(vectors, self._weigh, CHECKING)
        self._kept: dict[int, list[list[bool]]] = {}

    async def groundedness(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """How far the answer rests on its passages, as people judge it (benchmarks/groundedness.py)."""
        claims = [plain_claim(claim.text) for claim in claims_of(said(outcome))]
        if not claims:
            raise Untested(DECLINED)
        sources = prepare_passages(passages_of(outcome))
        units = [unit.reading for found in sources for unit in found.units]
        near = (self._vectors.of(claims) @ self._vectors.of(units).T).max(axis=1) if units else [0.0] * len(claims)
        return groundedness(claims, sources, [float(best) for best in near], self._weigh)

    async def citation_recall(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the answer's claims, the share that is supported by a passage that it cites."""
        cited = await self._cited(sample, outcome)
        return sum(map(any, cited)) / len(cited)

    async def citation_precision(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the answer's citations, the share that supports its claim; 0 where there are claims and no citation."""
        cited = await self._cited(sample, outcome)
        return sum(map(sum, cited)) / max(1, sum(map(len, cited)))

    async def _cited(self, sample: Sample, outcome: SampleOutcome) -> list[list[bool]]:
        """For each claim whether each of its citations supports it, checked once; raises Untested without claims."""
        if not said(outcome):
            raise Untested(DECLINED)
        if id(outcome) not in self._kept:
            self._kept[id(outcome)] = await self._checked(sample, outcome)
        if not (cited := self._kept[id(outcome)]):
            raise Untested("it claims nothing")
        return cited

    async def _checked(self, sample: Sample, outcome: SampleOutcome) -> list[list[bool]]:
        answer, found = outcome.answer or {}, {passage["id"]: passage for passage in passages_of(outcome)}
        places = {citation["marker"]: found.get(citation["passage"]) for citation in answer["citations"]}
        claims = [claim for claim in claims_of(answer["text"]) if is_claim(claim) and not says_not_found(claim)]
        return [await self._supports(claim.text, map(places.get, claim.markers), sample.question) for claim in claims]

    async def _supports(self, claim: str, cited: Iterable[Passage | None], question: str) -> list[bool]:
        """Whether each passage does; one that the answer could not have used does not."""
        passages = list(cited)
        there = [passage for passage in passages if passage is not None]
        scores = iter(await self._verifier.support(claim, there, question) if there else [])
        return [passage is not None and next(scores) >= CHECKING.support_from for passage in passages]

    def _weigh(self, term: str) -> float:
        return self._weights.get(term, self._rarest)


def passages_of(outcome: SampleOutcome) -> list[Passage]:
    """The passages; raises Unscored where the release does not give them, or in another form."""
    if outcome.passages is None:
        raise Unscored("the release does not say which passages it retrieved")
    if any(not Passage.__required_keys__ <= passage.keys() for passage in outcome.passages):
        raise Unscored("the passages are of another form than this code reads")
    return outcome.passages  # type: ignore[return-value]
