"""The public API: `verify` takes a question, an answer and its passages and returns a verdict for each claim."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import TypedDict

from ..release import Checking
from ..state import Passage, Usage, Verdict, no_usage
from ..text.words import TermWeight, equal_weight, weights
from .claims import Claim, claims_of, leads
from .passages import PreparedPassage
from .repair import ClaimCheck, best_finding, says_not_found
from .rules import PassageFinding, verdict
from .verifier import UNSURE_MARGIN, Compare, DraftCheck, Verifier, is_sure, prepare_passages

if TYPE_CHECKING:
    from ..backend import ClaimChecker, Similarity

MAX_CHARACTERS = 400_000
"""The longest answer that is accepted."""
NO_PASSAGE = PassageFinding(0.0, None, "there is no such passage")


class PassageInput(TypedDict, total=False):
    """A passage to check against; only `text` is required."""

    text: str
    title: str
    section: str


@dataclass(frozen=True)
class ClaimReport:
    """The verdict on one claim.

    `verdict`: `supported`, `contradicted` (a passage says otherwise), `not_found` (no passage says it), `unverified`
    (the rules are unsure). `score` is 0 to 1. `quote` is the deciding span of `passage`, which counts from 1.
    `because` says what is missing or different. `cited` are the passages that the claim cites.
    """

    text: str
    verdict: Verdict
    score: float
    passage: int | None
    quote: str
    because: str
    cited: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """The verdicts on the claims of an answer, in order; `trouble` says why the model did not decide."""

    claims: tuple[ClaimReport, ...]
    trouble: tuple[str, ...] = ()

    @property
    def supported(self) -> float:
        """The share of supported claims; 1 for an answer without claims."""
        return self.count("supported") / len(self.claims) if self.claims else 1.0

    def count(self, verdict: Verdict) -> int:
        """The number of claims with a verdict."""
        return sum(claim.verdict == verdict for claim in self.claims)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"claims": [asdict(claim) for claim in self.claims], "trouble": list(self.trouble)}


def verify(
    question: str,
    answer: str,
    passages: Sequence[str | PassageInput],
    *,
    compare: Compare | None = None,
    checking: Checking | None = None,
) -> Report:
    """Check each claim of an answer against its passages, by rules alone.

    Markers such as `[2]` count the passages from 1; a claim without one is compared with all. `compare`, optional,
    returns the cosine similarities of a text to others and makes the verdicts better; no model is loaded without it.
    Raises ValueError for an answer of more than 400,000 characters.
    """
    run, claims = _start(question, answer, passages, checking, None)
    checks = [run.check_now(claim, lead, compare) for claim, lead in claims]
    return Report(tuple(_report(each, run) for each in checks if each))


async def verify_with(
    question: str,
    answer: str,
    passages: Sequence[str | PassageInput],
    *,
    similarity: "Similarity | None" = None,
    model: "ClaimChecker | None" = None,
    checking: Checking | None = None,
    usage: Usage | None = None,
) -> Report:
    """As `verify`, but async; `model` decides in one call about the claims of which the rules are unsure."""
    run, claims = _start(question, answer, passages, checking, similarity, model)
    checks = [each for claim, lead in claims if (each := await run.check(claim, lead))]
    model_passages = [_passage(passage, number) for number, passage in enumerate(passages)]
    trouble = await run.ask_model(checks, model_passages, usage or no_usage())
    return Report(tuple(_report(each, run) for each in checks), tuple(trouble))


def _start(
    question: str,
    answer: str,
    passages: Sequence[str | PassageInput],
    checking: Checking | None,
    similarity: "Similarity | None",
    model: "ClaimChecker | None" = None,
) -> tuple[DraftCheck, list[tuple[Claim, str]]]:
    if len(answer) > MAX_CHARACTERS:
        raise ValueError(f"an answer has at most {MAX_CHARACTERS:,} characters; this one has {len(answer):,}")
    prepared = prepare_passages([_passage(passage, number) for number, passage in enumerate(passages)])
    verifier = Verifier(similarity, _term_weight(prepared), checking or Checking(), model)
    claims = claims_of(answer)
    return DraftCheck(verifier, question, prepared), list(zip(claims, leads(claims), strict=True))


def _passage(given: str | PassageInput, number: int) -> Passage:
    passage = PassageInput(text=given) if isinstance(given, str) else given
    fields = {"id": str(number + 1), "title": passage.get("title", ""), "section": passage.get("section", "")}
    return cast(Passage, {**fields, "text": passage["text"], "header": "", "metadata": {}})


def _term_weight(passages: Sequence[PreparedPassage]) -> TermWeight:
    """The inverse document frequency of a term among the passages, counted when the first term is weighed."""

    @cache
    def known() -> tuple[dict[str, float], float]:
        own = weights({term for unit in passage.unit_texts for term in unit.terms} for passage in passages)
        return own, max(own.values(), default=1.0)

    def weigh(term: str) -> float:
        own, rarest = known()
        return own.get(term, rarest)

    return weigh if len(passages) > 1 else equal_weight


def _report(check: ClaimCheck, run: DraftCheck) -> ClaimReport:
    text, support_from = check.claim.text, run.verifier.settings.support_from
    cited = tuple(dict.fromkeys(check.claim.markers))
    if says_not_found(check.claim):
        return ClaimReport(text, "unverified", 0.0, None, "", "it says that the passages lack something", cited)
    findings = {index: f for index, f in check.findings.items() if index + 1 in cited} if cited else check.findings
    index, best = best_finding(findings) or (0, NO_PASSAGE)
    other_index, other = best_finding(check.findings) or (0, NO_PASSAGE)
    because = best.because
    if cited and best.score < support_from and other.score >= support_from + UNSURE_MARGIN:
        index, best = other_index, other
        because = f"passage {index + 1} says it, and not the one that it cites"
    decided = verdict(best, support_from) if is_sure(best.score, run.verifier.settings) else "unverified"
    if decided == "supported" and (not cited or index + 1 in cited):
        because = ""
    if best.window is None:
        return ClaimReport(text, decided, round(best.score, 4), None, "", because, cited)
    quote = run.passages[index].text[best.window.start : best.window.end]
    return ClaimReport(text, decided, round(best.score, 4), index + 1, quote, because, cited)
