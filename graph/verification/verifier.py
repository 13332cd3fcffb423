"""Checks a draft claim by claim against its passages, by rules, embeddings and a model where there is one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import ModelFailed
from ..offload import off_loop
from ..release import Checking
from ..safety.injection import is_planted
from ..state import Passage, Repair, Usage
from ..steps.parts import split
from ..steps.versions import ASKS_FOR_OLD, outdated
from ..text.words import TermWeight
from .claims import Claim, InterpretedClaim, claim_content, claims_of, interpret_claim, leads
from .model import ModelDecision, UncertainClaim, checking_prompt, parse_decisions
from .passages import PreparedPassage, Window, passage_context, prepare_passage
from .repair import (
    CheckedAnswer,
    ClaimCheck,
    ClaimOutcome,
    assemble_answer,
    clauses,
    combine_clauses,
    decide_outcome,
    is_claim,
    says_not_found,
    unverified_outcome,
)
from .rivals import best_question_overlap, question_overlap, rival_overlaps
from .rules import PassageFinding, check_claim, find_verbatim, nearest_units

if TYPE_CHECKING:
    from ..backend import ClaimChecker, Similarity

MAX_CLAIMS, MAX_CHARACTERS = 50, 40_000
"""How much of a draft is checked; the rest is left out."""
GRACE_SECONDS = 1.0
"""Seconds after the deadline in which claims are still checked by the rules."""
CLAUSE_MIN_SUPPORT = 0.75
"""Support that each clause needs when the claim as a whole has too little."""
QUOTE_MIN_OVERLAP = 0.5
"""Question overlap of a sentence that is quoted for a reply that is only its marker."""
MODEL_SUPPORTED_SCORE, MODEL_REJECTED_SCORE = 0.95, 0.05
MAX_OUTDATED = 0.4
"""The highest score of a passage from a version that another passage replaces."""
UNSURE_MARGIN = 0.2
"""A score this close to `support_from` is unsure."""
INSTRUCTS = PassageFinding(0.0, None, "it instructs the reader and states nothing")
Compare = Callable[[str, Sequence[str]], Sequence[float]]
PreparedClaim = tuple[InterpretedClaim, dict[int, list[int]], str, list[str]]


@dataclass(frozen=True)
class Verifier:
    """Checks drafts; `model` is called once for a draft, about the claims of which the rules are unsure."""

    similarity: "Similarity | None"
    weigh: TermWeight
    settings: Checking
    model: "ClaimChecker | None" = None

    async def check(
        self,
        draft: str,
        passages: Sequence[Passage],
        usage: Usage,
        seconds: float | None = None,
        question: str = "",
        *,
        quotes: bool = False,
    ) -> CheckedAnswer:
        """The draft with citations for each supported claim and without the unsupported ones.

        `quotes`: it was put together from the passages, where a step such as `Write an entry in the log` is no order.
        After `seconds` only the rules decide; after `GRACE_SECONDS` more, the remaining claims are removed.
        """
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        prepared, all_claims = await off_loop(self._read, draft, passages, question)
        claims, left_out = all_claims[:MAX_CLAIMS], len(all_claims) - MAX_CLAIMS
        run = DraftCheck(self, question, prepared, deadline, frozenset(outdated(question, passages)), quotes)
        checks = [await run.check(claim, lead) for claim, lead in zip(claims, leads(claims), strict=True)]
        trouble = await run.ask_model([each for each in checks if each], passages, usage)
        outcomes = [run.outcome(each) if each else None for each in checks]
        checked = await off_loop(assemble_answer, claims, outcomes, passages)
        checked.trouble = trouble
        if left_out > 0 or len(draft) > MAX_CHARACTERS:
            checked.uncited += max(1, left_out)
            checked.trouble.append(f"the reply was cut after {len(claims)} claims")
        return checked

    def _read(
        self, draft: str, passages: Sequence[Passage], question: str
    ) -> tuple[list[PreparedPassage], list[Claim]]:
        """The passages, prepared for comparison, and the claims of a draft."""
        prepared, claims = prepare_passages(passages), claims_of(draft[:MAX_CHARACTERS])
        return prepared, claims or _quoted_claims(draft, prepared, question, self.weigh)

    async def support(self, claim: str, passages: Sequence[Passage], question: str = "") -> list[float]:
        """How well each passage supports a claim, 0 to 1, without the model."""
        run = DraftCheck(self, question, await off_loop(prepare_passages, passages))
        findings = await run.findings(Claim(claim, ()))
        return [findings[index].score for index in range(len(passages))]


def prepare_passages(passages: Sequence[Passage]) -> list[PreparedPassage]:
    """Prepare passages for comparison with claims."""
    contexts = [passage_context(p["title"], p["section"], p["metadata"]) for p in passages]
    return [prepare_passage(p["text"], p["header"], context) for p, context in zip(passages, contexts, strict=True)]


def _quoted_claims(draft: str, passages: Sequence[PreparedPassage], question: str, weigh: TermWeight) -> list[Claim]:
    """The claims of a reply that has only markers: the sentence of each cited passage closest to the question."""
    if not question:
        return []
    claim, claims = interpret_claim("", question, ""), []
    for marked in claims_of(f"x {draft}")[:1]:
        for number in dict.fromkeys(marked.markers):
            passage = passages[number - 1] if 1 <= number <= len(passages) else None
            units = passage.unit_texts if passage else ()
            overlaps = [question_overlap(claim, unit, passage.context, weigh) for unit in units] if passage else []
            best = max(overlaps, default=0.0)
            if best >= QUOTE_MIN_OVERLAP:
                claims.append(Claim(units[overlaps.index(best)].text, (number,)))
    return claims


@dataclass(frozen=True)
class DraftCheck:
    """The check of one draft."""

    verifier: Verifier
    question: str
    passages: Sequence[PreparedPassage]
    deadline: float | None = None
    outdated: frozenset[int] = frozenset()
    """The indices of passages that a newer version among them replaces."""
    quotes: bool = False
    """Whether the draft was put together from the passages."""

    async def check(self, claim: Claim, lead: str) -> ClaimCheck | None:
        """None for a sentence that states nothing; `lead` is a yes or no that precedes the claim."""
        if not self._is_claim(claim, lead):
            return None
        if self.deadline is not None and asyncio.get_running_loop().time() >= self.deadline + GRACE_SECONDS:
            return ClaimCheck(claim, {}, timed_out=True)
        if await off_loop(is_planted, claim.text, "" if self.quotes else self.question):
            return ClaimCheck(claim, dict.fromkeys(range(len(self.passages)), INSTRUCTS))
        claim, parts = self._with_lead(claim, lead), _clauses(claim)
        check = ClaimCheck(claim, await self.findings(claim), not_found=says_not_found(claim) and not parts)
        if check.best_score < self.verifier.settings.support_from:
            check.clauses = [ClaimCheck(part, await self.findings(part)) for part in parts]
        return check

    def check_now(self, claim: Claim, lead: str, compare: Compare | None) -> ClaimCheck | None:
        """As `check`, but synchronous and without clauses."""
        if not self._is_claim(claim, lead):
            return None
        claim = self._with_lead(claim, lead)
        findings = []
        for interpreted, units, query, texts in self._prepare_all(claim):
            cosines = dict(zip(texts, compare(query, texts), strict=True)) if compare and texts else {}
            findings.append(self._check_units(interpreted, units, cosines))
        return ClaimCheck(claim, _best_findings(findings))

    def _is_claim(self, claim: Claim, lead: str) -> bool:
        return is_claim(claim) or bool(self.question and lead == claim.text)

    def _with_lead(self, claim: Claim, lead: str) -> Claim:
        return replace(claim, lead=lead) if self.question and lead and lead != claim.text else claim

    def _questions(self, claim: Claim) -> list[str]:
        """The questions that a claim may answer: the parts of the question for a claim that depends on it."""
        needs_question = self._interpret(claim.text, self.question).needs_question
        return (self._question_parts if needs_question else []) or [self.question]

    @cached_property
    def _question_parts(self) -> list[str]:
        return split(self.question)

    def _interpret(self, text: str, question: str) -> InterpretedClaim:
        return interpret_claim(text, question, self.passages[0].text if self.passages else "")

    async def findings(self, claim: Claim) -> dict[int, PassageFinding]:
        """The finding for each passage, for the part of the question that the claim answers best."""
        similarity, found = self.verifier.similarity, []
        for interpreted, units, query, texts in await off_loop(self._prepare_all, claim):
            compared = await similarity.compare(query, texts) if similarity and texts else []
            cosines = dict(zip(texts, compared, strict=bool(compared)))
            found.append(await off_loop(self._check_units, interpreted, units, cosines))
        return _best_findings(found)

    def _prepare_all(self, claim: Claim) -> list[PreparedClaim]:
        return [self._prepare(claim, question) for question in self._questions(claim)]

    def _prepare(self, claim: Claim, question: str) -> PreparedClaim:
        """The interpreted claim, the nearest units of each passage, and the query and texts for the embedding."""
        interpreted = self._interpret(f"{claim.lead} {claim.text}".strip(), question)
        # A verbatim claim needs no comparison.
        verbatim = any(find_verbatim(interpreted, passage) for passage in self.passages)
        units = {
            index: [] if verbatim else nearest_units(interpreted, passage, self.verifier.weigh)
            for index, passage in enumerate(self.passages)
        }
        texts = list(
            dict.fromkeys(self.passages[i].unit_texts[unit].text for i, near in units.items() for unit in near)
        )
        return interpreted, units, f"{question} {claim.text}" if interpreted.needs_question else claim.text, texts

    def _check_units(
        self, claim: InterpretedClaim, units: dict[int, list[int]], cosines: Mapping[str, float]
    ) -> dict[int, PassageFinding]:
        weigh, passages = self.verifier.weigh, self.passages
        is_verbatim = not any(units.values())
        best_overlap = 0.0 if is_verbatim else best_question_overlap(claim, passages, weigh)
        rivals = () if is_verbatim else rival_overlaps(claim, passages, weigh)
        findings = {
            index: check_claim(claim, passages[index], cosines, weigh, best_overlap, rivals, near)
            for index, near in units.items()
        }
        if any(finding.sure and finding.opposes for finding in findings.values()):
            enough = self.verifier.settings.support_from + UNSURE_MARGIN
            findings = {
                index: finding if finding.sure or finding.score >= enough else replace(finding, score=0.0)
                for index, finding in findings.items()
            }
        if ASKS_FOR_OLD.search(claim.text):
            return findings
        return {i: _as_outdated(finding) if i in self.outdated else finding for i, finding in findings.items()}

    async def ask_model(self, checks: Sequence[ClaimCheck], passages: Sequence[Passage], usage: Usage) -> list[str]:
        """Let the model decide in one call about the unsure claims; returns why it could not."""
        unsure = [check for check in checks if self._is_unsure(check)]
        if not unsure or self.verifier.model is None:
            return []
        claims = [UncertainClaim(check.claim.text, tuple(check.claim.markers)) for check in unsure]
        try:
            async with asyncio.timeout_at(self.deadline):
                reply = await self.verifier.model.ask(checking_prompt(self.question, claims), passages, usage)
            decisions = parse_decisions(reply, len(claims), [passage.text for passage in self.passages])
        except TimeoutError:
            return ["the model did not decide about the claims: the time of the question was over"]
        except ModelFailed as error:
            return [f"the model did not decide about the claims: {error.detail}"]
        for check, decision in zip(unsure, decisions, strict=True):
            if decision:
                self._apply(decision, check)
        missing = sum(decision is None for decision in decisions)
        return [f"the model did not decide about {missing} of {len(decisions)} claims"] if missing else []

    def _is_unsure(self, check: ClaimCheck) -> bool:
        settings = self.verifier.settings
        return not check.not_found and settings.unsure_from <= check.best_score < settings.unsure_to

    def _apply(self, decision: ModelDecision, check: ClaimCheck) -> None:
        """Replace the findings of the rules by the model's decision."""
        because = "" if decision.verdict == "supported" else "the model finds that the passages do not say it"
        opposes = decision.verdict == "contradicted"
        check.findings = {
            index: replace(finding, score=MODEL_REJECTED_SCORE, because=because, opposes=opposes)
            for index, finding in check.findings.items()
        }
        if decision.verdict == "supported":
            units = self.passages[decision.passage].units
            unit = next((unit for unit in units if unit.start <= decision.start < unit.end), units[0])
            window = Window(unit.start, unit.end)
            check.findings[decision.passage] = PassageFinding(MODEL_SUPPORTED_SCORE, window, sure=True)
        check.clauses = []

    def outcome(self, check: ClaimCheck) -> ClaimOutcome:
        """Decide whether a claim is kept, cited differently, marked as unverified or removed."""
        if check.timed_out:
            because = "the time of the question was over before it was checked"
            return ClaimOutcome([], [Repair(claim=check.claim.text, action="removed", because=because, support=0.0)])
        count, settings = len(self.passages), self.verifier.settings
        check = replace(check, claim=replace(check.claim, text=claim_content(check.claim.text)))
        sure = is_sure(check.best_score, settings)
        whole = decide_outcome(check, count, settings.support_from)
        if whole.citations and sure:
            return whole
        if not check.not_found and not sure and not settings.strict and settings.support_from > 0:
            return unverified_outcome(check, count, settings.support_from - UNSURE_MARGIN) or whole
        if whole.citations and not settings.strict:
            return whole
        if check.not_found:
            return ClaimOutcome([], [], not_found=True)
        needed = max(settings.support_from, CLAUSE_MIN_SUPPORT)
        parts = [decide_outcome(clause, count, needed) for clause in check.clauses]
        unsupported = replace(whole, citations=[]) if settings.strict and not sure else whole
        return combine_clauses(parts, check.claim) or unsupported


def _best_findings(findings: Sequence[dict[int, PassageFinding]]) -> dict[int, PassageFinding]:
    return {index: max((each[index] for each in findings), key=lambda finding: finding.score) for index in findings[0]}


def _as_outdated(finding: PassageFinding) -> PassageFinding:
    """Limit the score of a passage that is no longer in force."""
    if finding.score <= MAX_OUTDATED:
        return finding
    because = "a newer version of the document replaces this one"
    return replace(finding, score=MAX_OUTDATED, because=because, sure=False)


def is_sure(score: float, settings: Checking) -> bool:
    """Whether a score is far enough from `support_from` to decide without the model."""
    return settings.support_from == 0 or abs(score - settings.support_from) >= UNSURE_MARGIN


def _clauses(claim: Claim) -> list[Claim]:
    """The clauses of a claim, without those that say that something was not found."""
    return [clause for clause in clauses(replace(claim, text=claim_content(claim.text))) if not says_not_found(clause)]
