"""Checks a draft claim by claim against its passages, with whatever the world offers to compare them with."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import ModelFailed
from ..offload import off_loop
from ..release import Checking
from ..state import Passage, Repair, Usage
from ..steps.parts import split
from ..steps.versions import ASKS_FOR_OLD, outdated
from ..text.words import Weigh
from .claims import Claim, claims_of, stated
from .features import asked_share, most_asked
from .model import Decision, Doubt, decisions, request
from .passages import Source, Window, about_of, source
from .repair import (
    ASSENT,
    Checked,
    Judged,
    Outcome,
    assemble,
    clauses,
    is_absence,
    is_claim,
    outcome,
    together,
    undecided,
)
from .rules import Finding, judge, nearest, verbatim
from .statement import Statement, statement

if TYPE_CHECKING:
    from ..backends import Judge, Similarity

MOST_CLAIMS, MOST_CHARACTERS = 50, 40_000
"""What of a draft is checked; the rest is left out."""
SPARE = 1.0
"""Seconds after the model's time in which claims are still checked."""
CLAUSE_FROM = 0.75
"""Support that each clause needs when their claim as a whole has too little: a second look is no easier one."""
QUOTED_FROM = 0.5
"""How much of the question a sentence must be about to be quoted for a reply that is only its number."""
SURELY, SURELY_NOT = 0.95, 0.05
REPLACED = 0.4
"""The most that a claim scores by a version which another one among the passages replaces."""
UNDECIDED = 0.2
"""How near to the bound of support a score is that nobody has decided about."""
Compare = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class Verifier:
    """What claims are checked with; `model` is asked, once for a draft, about those of which the rules are unsure."""

    similarity: "Similarity | None"
    weigh: Weigh
    told: Checking
    model: "Judge | None" = None

    async def check(
        self,
        draft: str,
        passages: Sequence[Passage],
        usage: Usage,
        seconds: float | None = None,
        question: str = "",
    ) -> Checked:
        """The draft with each claim tied to what supports it, and without those that nothing supports.

        After `seconds` the model is not waited for: what the rules say stands; after a little more nothing does.
        """
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        sources = await off_loop(sources_of, passages)
        whole = await off_loop(claims_of, draft[:MOST_CHARACTERS])
        claims, left_out = whole[:MOST_CLAIMS], len(whole) - MOST_CLAIMS
        claims = claims or await off_loop(_only_markers, draft, sources, question, self.weigh)
        run = Run(self, question, sources, until, frozenset(outdated(question, passages)))
        judged = [await run.judged(claim, before) for claim, before in zip(claims, leads(claims), strict=True)]
        trouble = await run.decide([each for each in judged if each], passages, usage)
        outcomes = [run.outcome(each) if each else None for each in judged]
        checked = await off_loop(assemble, claims, outcomes, passages)
        checked.trouble = trouble
        if left_out > 0 or len(draft) > MOST_CHARACTERS:
            checked.uncited += max(1, left_out)
            checked.trouble.append(f"the reply was cut after {len(claims)} claims")
        return checked

    async def support(self, claim: str, passages: Sequence[Passage], question: str = "") -> list[float]:
        """How well each passage supports a claim, 0 to 1, without asking the model."""
        run = Run(self, question, await off_loop(sources_of, passages))
        found = await run.found(Claim(claim, ()))
        return [found[number].score for number in range(len(passages))]


def sources_of(passages: Sequence[Passage]) -> list[Source]:
    """The passages as claims are compared with them."""
    return [source(p["text"], p["header"], about_of(p["title"], p["section"], p["metadata"])) for p in passages]


def _only_markers(draft: str, found: Sequence[Source], question: str, weigh: Weigh) -> list[Claim]:
    """What a reply of nothing but markers points to: of each passage the sentence that is most about the question."""
    said, claims = statement("", question, ""), []
    for marked in claims_of(f"x {draft}")[:1]:
        for number in dict.fromkeys(marked.markers):
            told = found[number - 1] if 1 <= number <= len(found) else None
            shares = (
                [(asked_share(said, each, told.about, weigh), -n) for n, each in enumerate(told.told)] if told else []
            )
            share, place = max(shares, default=(0.0, 0))
            if told and question and share >= QUOTED_FROM:
                claims.append(Claim(told.told[-place].text, (number,)))
    return claims


@dataclass
class Weighed:
    """A claim with what was found of it and of its clauses."""

    claim: Claim
    findings: dict[int, Finding]
    clauses: list[tuple[Claim, dict[int, Finding]]] = field(default_factory=list)
    absent: bool = False
    late: bool = False

    @property
    def best(self) -> float:
        return max((found.score for found in self.findings.values()), default=0.0)


@dataclass(frozen=True)
class Run:
    """One draft's check."""

    by: Verifier
    question: str
    sources: Sequence[Source]
    until: float | None = None
    outdated: frozenset[int] = frozenset()
    """The passages of a document that a newer version among them replaces."""

    async def judged(self, claim: Claim, lead: str) -> Weighed | None:
        """None for a sentence that claims nothing; `lead` is a yes or no that stands before it."""
        if not self._claims(claim, lead):
            return None
        if self.until is not None and asyncio.get_running_loop().time() >= self.until + SPARE:
            return Weighed(claim, {}, late=True)
        claim = self._led(claim, lead)
        weighed = Weighed(claim, await self.found(claim), absent=is_absence(claim) and not _parts(claim))
        if weighed.best < self.by.told.support_from:
            weighed.clauses = [(part, await self.found(part)) for part in _parts(claim)]
        return weighed

    def weighed(self, claim: Claim, lead: str, compare: Compare | None) -> Weighed | None:
        """As `judged`, at once and without clauses."""
        if not self._claims(claim, lead):
            return None
        claim = self._led(claim, lead)
        found = []
        for question in self._questions(claim):
            said, units, asked, texts = self._prepare(claim, question)
            cosines = dict(zip(texts, compare(asked, texts), strict=True)) if compare and texts else {}
            found.append(self._judge(said, units, cosines))
        return Weighed(claim, _best_of(found))

    def _claims(self, claim: Claim, lead: str) -> bool:
        return is_claim(claim) or bool(self.question and lead == claim.text)

    def _led(self, claim: Claim, lead: str) -> Claim:
        return replace(claim, lead=lead) if self.question and lead and lead != claim.text else claim

    def _questions(self, claim: Claim) -> list[str]:
        """What a claim is read with: one that says nothing by itself answers one of the things that were asked."""
        parts = self._asked if read(claim.text, self.question, self.sources).leans else []
        return parts or [self.question]

    @cached_property
    def _asked(self) -> list[str]:
        return split(self.question)

    async def found(self, claim: Claim) -> dict[int, Finding]:
        """What each passage says to a claim as an answer to what it fits best of what was asked."""
        questions = await off_loop(self._questions, claim)
        return _best_of([await self._found(claim, question) for question in questions])

    async def _found(self, claim: Claim, question: str) -> dict[int, Finding]:
        """What each passage says to a claim; its nearest units are compared by meaning in one call."""
        said, units, asked, texts = await off_loop(self._prepare, claim, question)
        cosines: Mapping[str, float] = {}
        if self.by.similarity and texts:
            cosines = dict(zip(texts, await self.by.similarity.compare(asked, texts), strict=True))
        return await off_loop(self._judge, said, units, cosines)

    def _prepare(self, claim: Claim, question: str) -> tuple[Statement, dict[int, list[int]], str, list[str]]:
        """The claim as it is read, the nearest units of each passage, and what is to be compared with which texts."""
        said = read(f"{claim.lead} {claim.text}".strip(), question, self.sources)
        copied = any(verbatim(said, found) for found in self.sources)
        # One that stands somewhere word by word is compared with nothing.
        units = {n: [] if copied else nearest(said, s, self.by.weigh) for n, s in enumerate(self.sources)}
        texts = list(dict.fromkeys(self.sources[n].told[u].text for n, own in units.items() for u in own))
        return said, units, f"{question} {claim.text}" if said.leans else claim.text, texts

    def _judge(self, said: Statement, units: dict[int, list[int]], cosines: Mapping[str, float]) -> dict[int, Finding]:
        copied = not any(units.values())
        most = 0.0 if copied else most_asked(said, self.sources, self.by.weigh)
        weigh, sources = self.by.weigh, self.sources
        found = {number: judge(said, sources[number], cosines, weigh, most, own) for number, own in units.items()}
        if any(each.sure and each.opposes for each in found.values()):
            enough = self.by.told.support_from + UNDECIDED
            found = {n: e if e.sure or e.score >= enough else replace(e, score=0.0) for n, e in found.items()}
        if ASKS_FOR_OLD.search(said.text):
            return found
        return {n: _replaced(each) if n in self.outdated else each for n, each in found.items()}

    async def decide(self, judged: Sequence[Weighed], passages: Sequence[Passage], usage: Usage) -> list[str]:
        """Let the model decide in one call about the claims that the rules are unsure of; why it could not."""
        unsure = [each for each in judged if self._is_unsure(each)]
        if not unsure or self.by.model is None:
            return []
        doubts = [Doubt(each.claim.text, tuple(each.claim.markers)) for each in unsure]
        try:
            async with asyncio.timeout_at(self.until):
                reply = await self.by.model.ask(request(self.question, doubts), passages, usage)
            told = decisions(reply, len(doubts), [found.text for found in self.sources])
        except TimeoutError:
            return ["the model did not decide about the claims: the time of the question was over"]
        except ModelFailed as error:
            return [f"the model did not decide about the claims: {error.detail}"]
        for each, decision in zip(unsure, told, strict=True):
            if decision:
                self._settle(each, decision)
        undecided_ = sum(decision is None for decision in told)
        return [f"the model did not decide about {undecided_} of {len(told)} claims"] if undecided_ else []

    def _is_unsure(self, each: Weighed) -> bool:
        return not each.absent and self.by.told.unsure_from <= each.best < self.by.told.unsure_to

    def _settle(self, each: Weighed, decision: Decision) -> None:
        """Put the model's word in the place of the rules'."""
        because = "" if decision.verdict == "supported" else "the model finds that the passages do not say it"
        opposes = decision.verdict == "contradicted"
        each.findings = {
            n: replace(f, score=SURELY_NOT, because=because, opposes=opposes) for n, f in each.findings.items()
        }
        if decision.verdict == "supported":
            own = self.sources[decision.passage].units
            unit = next((u for u in own if u.start <= decision.start < u.end), own[0])
            each.findings[decision.passage] = Finding(SURELY, Window(unit.start, unit.end), sure=True)
        each.clauses = []

    def outcome(self, each: Weighed) -> Outcome:
        if each.late:
            because = "the time of the question was over before it was checked"
            return Outcome([], [Repair(claim=each.claim.text, action="removed", because=because, support=0.0)])
        count, told = len(self.sources), self.by.told
        claim = replace(each.claim, text=stated(each.claim.text))
        whole = outcome(Judged(claim, each.findings), count, told.support_from)
        surely = is_sure(each.best, told)
        if whole.given and surely:
            return whole
        if not each.absent and not surely and not told.strict and told.support_from > 0:
            return undecided(Judged(claim, each.findings), count, told.support_from - UNDECIDED) or whole
        if whole.given and not told.strict:
            return whole
        parts = [outcome(Judged(c, f), count, max(told.support_from, CLAUSE_FROM)) for c, f in each.clauses]
        if each.absent:
            return Outcome([], [], absent=True)
        return together(parts, claim) or (replace(whole, given=[]) if told.strict and not surely else whole)


def _best_of(found: Sequence[dict[int, Finding]]) -> dict[int, Finding]:
    return {number: max((each[number] for each in found), key=lambda own: own.score) for number in found[0]}


def _replaced(found: Finding) -> Finding:
    """What a version that is no longer in force says is not support enough."""
    if found.score <= REPLACED:
        return found
    return replace(found, score=REPLACED, because="a newer version of the document replaces this one", sure=False)


def is_sure(score: float, told: Checking) -> bool:
    """Whether the rules are sure enough of a claim when nobody else decides."""
    return told.support_from == 0 or abs(score - told.support_from) >= UNDECIDED


def _parts(claim: Claim) -> list[Claim]:
    """The clauses of a claim that say something of the matter."""
    return [part for part in clauses(replace(claim, text=stated(claim.text))) if not is_absence(part)]


def leads(claims: Sequence[Claim]) -> list[str]:
    """Of each claim the yes or no that stands before it as a sentence; one that nothing follows is its own."""
    assents = [claim.text if ASSENT.fullmatch(claim.text.strip()) else "" for claim in claims]
    last = len(claims) - 1
    return [assents[n] if n == last and assents[n] else assents[n - 1] if n else "" for n in range(len(claims))]


def read(claim: str, question: str, found: Sequence[Source]) -> Statement:
    """A claim in the light of its question and of the passages' language."""
    return statement(claim, question, found[0].text if found else "")
