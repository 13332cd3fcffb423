"""Checks a draft claim by claim against its passages, with whatever the world offers to compare them with."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..answers import no_usage
from ..backends import Judge, Similarity
from ..errors import ModelFailed
from ..offload import off_loop
from ..release import Checking
from ..state import Passage, Repair, Usage
from ..text.words import Weigh
from .checking import Checked, Judged, Outcome, assemble, clauses, is_absence, is_claim, outcome, together
from .citations import Claim, claims_of, stated
from .sources import Source, source_of
from .support import Verdict, is_verbatim, judge, nearest

WINDOWS = 4
MOST_CLAIMS, MOST_CHARACTERS = 50, 40_000
"""What of a draft is checked; the rest is left out."""
AT_ONCE = 8
"""Claims of one draft that are checked at the same time."""
SPARE = 1.0
"""Seconds after the model's time in which claims are still checked."""
CLAUSE_FROM = 0.75
"""Support that each clause needs when their claim as a whole has too little: a second look is no easier one."""
SURE = 0.9
"""Support from which on a cited passage is not held against the others."""


@dataclass(frozen=True)
class Verifier:
    """What claims are checked with; `model` is asked about those that `told` calls unsure."""

    similarity: Similarity
    weigh: Weigh
    told: Checking
    model: Judge | None = None

    async def check(
        self, draft: str, passages: Sequence[Passage], usage: Usage, seconds: float | None = None
    ) -> Checked:
        """The draft with each claim tied to what supports it, and without those that nothing supports.

        After `seconds` the model is not waited for: what the weights say stands; after a little more nothing does.
        """
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        whole = await off_loop(claims_of, draft[:MOST_CHARACTERS])
        claims, left_out = whole[:MOST_CLAIMS], len(whole) - MOST_CLAIMS
        run = _Run(self, passages, await off_loop(_sources, passages), usage, until)
        found = await asyncio.gather(*map(run.outcome, claims))
        checked = await off_loop(assemble, claims, found, passages)
        checked.trouble = run.trouble
        if left_out > 0 or len(draft) > MOST_CHARACTERS:
            checked.uncited += max(1, left_out)
            checked.trouble.append(f"the reply was cut after {len(claims)} claims")
        return checked

    async def support(self, claim: str, passages: Sequence[Passage]) -> list[float]:
        """How well each passage supports a claim, 0 to 1, without asking the model."""
        run = _Run(self, passages, await off_loop(_sources, passages), no_usage())
        found = await run.held(Claim(claim, ()), range(len(passages)))
        return [found[number].score for number in range(len(passages))]


@dataclass
class _Run:
    """One draft's check; `trouble` says why the model could not be asked, when it could not."""

    by: Verifier
    passages: Sequence[Passage]
    sources: Sequence[Source]
    usage: Usage
    until: float | None = None
    trouble: list[str] = field(default_factory=list)
    asks: bool = True
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def outcome(self, claim: Claim) -> Outcome | None:
        if not is_claim(claim):
            return None
        async with self.places:
            return _late(claim) if self._is_late else await self._outcome(claim)

    @property
    def _is_late(self) -> bool:
        return self.until is not None and asyncio.get_running_loop().time() >= self.until + SPARE

    async def _outcome(self, claim: Claim) -> Outcome:
        claim = replace(claim, text=stated(claim.text))
        whole = await self._whole(claim, self.by.told.support_from)
        if whole.given:
            return whole
        parts = clauses(claim)
        least = max(self.by.told.support_from, CLAUSE_FROM)
        told = [await self._whole(part, least) for part in parts if not is_absence(part)]
        if is_absence(claim) and not told:
            return Outcome([], [], absent=True)
        return together(told, claim) or whole

    async def _whole(self, claim: Claim, least: float) -> Outcome:
        """Held against what it cites first, and against the rest only when that does not surely support it."""
        count = len(self.sources)
        cited = Judged(claim, {}).cited(count)
        verdicts = await self._asked(claim, await self.held(claim, cited))
        surest = max((verdict.score for verdict in verdicts.values()), default=0.0)
        if surest < SURE:
            rest = await self.held(claim, [number for number in range(count) if number not in cited])
            verdicts |= rest if surest >= least else await self._asked(claim, rest)
        return outcome(Judged(claim, verdicts), count, least)

    async def held(self, claim: Claim, numbers: Iterable[int]) -> dict[int, Verdict]:
        """Compare a claim with the units that its nearest windows are made of, all passages in one call."""
        wanted = await off_loop(self._wanted, claim, numbers)
        cosines = await self.by.similarity.compare(claim.text, list(wanted.values())) if wanted else []
        return await off_loop(self._judged, claim, numbers, dict(zip(wanted, cosines, strict=True)))

    def _wanted(self, claim: Claim, numbers: Iterable[int]) -> dict[tuple[int, int], str]:
        """What is to be compared with a claim, by passage and unit."""
        return {
            (number, unit): self.sources[number].units[unit].reading
            for number in numbers
            if not is_verbatim(claim.text, self.sources[number])
            for window in nearest(claim.text, self.sources[number], self.by.weigh, WINDOWS)
            for unit in range(window.first, window.last + 1)
        }

    def _judged(
        self, claim: Claim, numbers: Iterable[int], found: Mapping[tuple[int, int], float]
    ) -> dict[int, Verdict]:
        near = {number: {unit: c for (n, unit), c in found.items() if n == number} for number in numbers}
        return {number: judge(claim.text, self.sources[number], near[number], self.by.weigh) for number in numbers}

    async def _asked(self, claim: Claim, verdicts: dict[int, Verdict]) -> dict[int, Verdict]:
        """Let the model decide where the weights are unsure; where it fails, they stand."""
        unsure = {number: v for number, v in verdicts.items() if v.window and self._is_unsure(v.score)}
        return {**verdicts, **{number: await self._second(claim, number, v) for number, v in unsure.items()}}

    def _is_unsure(self, score: float) -> bool:
        return self.by.model is not None and self.by.told.unsure_from <= score < self.by.told.unsure_to

    async def _second(self, claim: Claim, number: int, first: Verdict) -> Verdict:
        """The model's word in place of the weights'; a second failure ends the asking, as does one that may last."""
        if self.by.model is None or not self.asks:
            return first
        try:
            async with asyncio.timeout_at(self.until):
                score = await self.by.model.supports(claim.text, self.passages[number], self.usage)
        except TimeoutError:
            self._lost("the time of the question was over", last=True)
            return first
        except ModelFailed as error:
            self._lost(error.detail, last=error.transient)
            return first
        because = "" if score >= self.by.told.support_from else "the judge finds no support there"
        return Verdict(score, first.window, because)

    def _lost(self, detail: str, *, last: bool) -> None:
        self.asks = self.asks and not (last or self.trouble)
        told = "the judge did not judge a claim" if self.asks else "the judge was not asked further"
        self.trouble.append(f"{told}: {detail}")


def _sources(passages: Sequence[Passage]) -> list[Source]:
    return [source_of(passage) for passage in passages]


def _late(claim: Claim) -> Outcome:
    because = "the time of the question was over before it was checked"
    return Outcome([], [Repair(claim=claim.text, action="removed", because=because, support=0.0)])
