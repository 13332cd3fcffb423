"""The public way in: a question, its answer and its passages in, a verdict for each claim out."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import TypedDict

from ..release import Checking
from ..state import Passage, Usage, Verdict, no_usage
from ..text.words import Weigh, alike, terms, weights
from .claims import claims_of
from .passages import Source
from .repair import is_absence
from .rules import Finding, verdict
from .verifier import UNDECIDED, Run, Verifier, Weighed, is_sure, leads, sources_of

if TYPE_CHECKING:
    from ..backends import Judge, Similarity

MOST_CHARACTERS = 400_000
"""What of an answer is read; what is longer is refused."""
Compare = Callable[[str, Sequence[str]], Sequence[float]]


class Given(TypedDict, total=False):
    """A passage as callers give it; only `text` is needed."""

    text: str
    title: str
    section: str


@dataclass(frozen=True)
class ClaimReport:
    """What the passages say to one claim.

    `verdict`: `supported`, `contradicted` (a passage says otherwise), `not_found` (no passage says it), `unverified`
    (the rules are unsure). `score` is 0 to 1. `passage` counts from 1 and is the one that `quote` is from: the
    stretch that decides. `because` says what is amiss. `cited` are the passages that the claim names.
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
    """The claims of an answer in order; `trouble` says why a model did not decide where one was given."""

    claims: tuple[ClaimReport, ...]
    trouble: tuple[str, ...] = ()

    @property
    def supported(self) -> float:
        """The share of claims that are supported; 1 for an answer that claims nothing."""
        return self.count("supported") / len(self.claims) if self.claims else 1.0

    def count(self, verdict: Verdict) -> int:
        """How many claims have a verdict."""
        return sum(claim.verdict == verdict for claim in self.claims)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"claims": [asdict(claim) for claim in self.claims], "trouble": list(self.trouble)}


def verify(
    question: str,
    answer: str,
    passages: Sequence[str | Given],
    *,
    compare: Compare | None = None,
    checking: Checking | None = None,
) -> Report:
    """Check each claim of an answer against its passages, by rules alone.

    Markers such as `[2]` count the passages from 1; a claim without one is held against all. `compare` gives the cosine
    similarity of a text to others, and makes the verdicts better; nothing is loaded without it. Raises ValueError for
    an answer of more than 400,000 characters.
    """
    run, claims = _run(question, answer, passages, checking, None)
    weighed = [run.weighed(claim, lead, compare) for claim, lead in claims]
    return Report(tuple(_report(each, run) for each in weighed if each))


async def verify_with(
    question: str,
    answer: str,
    passages: Sequence[str | Given],
    *,
    similarity: "Similarity | None" = None,
    model: "Judge | None" = None,
    checking: Checking | None = None,
    usage: Usage | None = None,
) -> Report:
    """As `verify`, off the event loop; a `model` decides in one call about the claims that the rules are unsure of."""
    run, claims = _run(question, answer, passages, checking, similarity, model)
    weighed = [each for claim, lead in claims if (each := await run.judged(claim, lead))]
    trouble = await run.decide(weighed, [_passage(given, n) for n, given in enumerate(passages)], usage or no_usage())
    return Report(tuple(_report(each, run) for each in weighed), tuple(trouble))


def _run(
    question: str,
    answer: str,
    passages: Sequence[str | Given],
    checking: Checking | None,
    similarity: "Similarity | None",
    model: "Judge | None" = None,
) -> tuple[Run, list[tuple[Any, str]]]:
    if len(answer) > MOST_CHARACTERS:
        raise ValueError(f"an answer has at most {MOST_CHARACTERS:,} characters; this one has {len(answer):,}")
    sources = sources_of([_passage(given, number) for number, given in enumerate(passages)])
    verifier = Verifier(similarity, _weigh(sources), checking or Checking(), model)
    claims = claims_of(answer)
    return Run(verifier, question, sources), list(zip(claims, leads(claims), strict=True))


def _passage(given: str | Given, number: int) -> Passage:
    told = Given(text=given) if isinstance(given, str) else given
    named = {"id": str(number + 1), "title": told.get("title", ""), "section": told.get("section", "")}
    return cast(Passage, {**named, "text": told["text"], "header": "", "metadata": {}})


def _weigh(found: Sequence[Source]) -> Weigh:
    """How telling a term is among the passages that were given."""
    own = weights(set(terms(source.text)) for source in found)
    rarest = max(own.values(), default=1.0)
    return (lambda term: own.get(term, rarest)) if len(found) > 1 else alike


def _report(each: Weighed, run: Run) -> ClaimReport:
    count, told = len(run.sources), run.by.told
    cited = tuple(dict.fromkeys(each.claim.markers))
    findings = {n: f for n, f in each.findings.items() if n + 1 in cited} if cited else each.findings
    place, best = _best(findings)
    elsewhere, other = _best(each.findings)
    because = best.because
    if cited and best.score < told.support_from and other.score >= told.support_from + UNDECIDED:
        place, best = elsewhere, other
        because = f"passage {elsewhere + 1} says it, and not the one that it cites"
    if is_absence(each.claim):
        return ClaimReport(
            each.claim.text, "unverified", 0.0, None, "", "it says that the passages lack something", cited
        )
    unsure = not is_sure(best.score, told)
    said: Verdict = "unverified" if unsure else verdict(best, told.support_from)
    quote = run.sources[place].text[best.window.start : best.window.end] if best.window and count else ""
    if said == "supported" and place + 1 in (cited or (place + 1,)):
        because = ""
    return ClaimReport(
        each.claim.text, said, round(best.score, 4), place + 1 if best.window else None, quote, because, cited
    )


def _best(findings: dict[int, Finding]) -> tuple[int, Finding]:
    nothing = Finding(0.0, None, "there is no such passage")
    return max(findings.items(), key=lambda item: (item[1].score, -item[0]), default=(0, nothing))
