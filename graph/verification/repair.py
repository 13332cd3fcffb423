"""Decides whether each claim is kept, cited differently or removed, and assembles the checked answer; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..state import Citation, Passage, Repair
from ..text.facts import names, plain_words
from ..text.values import Value, bare_one, missing_values, values
from ..text.words import terms
from .claims import YES_NO_SENTENCE, CitationList, Claim, with_markers
from .rules import PassageFinding, verdict

SOURCES = (
    r"(?:documents?|passages?|sources?|contexts?|texts?|excerpts?|articles?|materials?|records?|results?|handbook"
    r"|information|knowledge base|I|we)"
)
LACK_VERBS = r"(?:say|mention|state|specify|contain|include|provide|give|cover|answer|hold|tell|discuss|address)"
NOT_FOUND_STATEMENT = re.compile(
    rf"\b{SOURCES}(?: (?!that\b)\w+){{0,3}} (?:do|does|did)(?: not|n['’]t) (?:\w+ly )?{LACK_VERBS}\b"
    rf"|\b{SOURCES} (?:makes?|made) no mention\b"
    r"|\b(?:there (?:is|are|was|were)|(?:has|have|had|found|find|contains?|provides?|gives?)) no (?:\w+ )?"
    r"(?:information|mention|details?|answer)\b|^no (?:information|mention|details?|answer)\b"
    r"|\b(?:is|are|was|were)(?: not|n['’]t) (?:\w+ly )?(?:mentioned|specified|stated|discussed|documented)\b"
    r"|\b(?:do|does|did)(?: not|n['’]t) have (?:\w+ ){0,2}(?:information|details?|answer)"
    r"|\bI (?:do not|don['’]t) know\b"
    r"|\b(?:I|we) (?:cannot|can['’]t|could not|couldn['’]t|(?:am|are|was|were) unable to) "
    r"(?:find|answer|provide|determine)\b"
    r"|\b(?:cannot|can['’]t|could not|couldn['’]t) be (?:found|determined|answered)\b",
    re.IGNORECASE,
)
"""A statement that the passages do not contain something; no passage can support it."""
CLAUSE_SEPARATOR = re.compile(
    r";\s+|,?\s+(?:while|whereas)\s+|,\s+(?:and|but)\s+|\s+and\s+(?=\w+ (?:\w+ )?(?:is|are|was|were|has|have)\b)"
)
HEADING = re.compile(r"^ {0,3}#{1,6} |^\|.*\|[ \t]*$", re.MULTILINE)
"""A heading or table header; it is kept as long as a claim under it is."""
HEADING_NUMBER = re.compile(r"^#+ *(?:\d+[.)]?)*")
"""The sign and number of a heading."""
MIN_IMPROVEMENT = 0.25
"""How much more support another passage needs to be cited instead of a cited passage that supports the claim."""
MOVED_MIN_SUPPORT = 0.75
"""Support that another passage needs when no cited passage supports the claim."""
CLAUSE_MIN_TERMS = 2
"""The fewest content words of a clause that is checked by itself."""


@dataclass
class ClaimCheck:
    """A claim, the finding for each passage by the passage's index, and the checks of its clauses.

    `not_found`: it says that the passages lack something. `timed_out`: there was no time to check it.
    """

    claim: Claim
    findings: dict[int, PassageFinding]
    clauses: list["ClaimCheck"] = field(default_factory=list)
    not_found: bool = False
    timed_out: bool = False

    @property
    def best_score(self) -> float:
        return max((finding.score for finding in self.findings.values()), default=0.0)

    def cited(self, count: int) -> list[int]:
        """The indices of the cited passages, without those that do not exist."""
        return [number - 1 for number in dict.fromkeys(self.claim.markers) if 1 <= number <= count]


def best_finding(findings: Mapping[int, PassageFinding]) -> tuple[int, PassageFinding] | None:
    """The passage with the highest support; of equals the first."""
    return max(findings.items(), key=lambda item: (item[1].score, -item[0]), default=None)


@dataclass(frozen=True)
class ClaimOutcome:
    """The passages that a claim cites in the answer, and the repairs; without passages the claim is removed.

    `not_found`: it says that the passages lack something, and is kept without a citation. `unverified`: neither the
    rules nor a model could decide, and it is kept and marked.
    """

    citations: list[tuple[int, PassageFinding]]
    repairs: list[Repair]
    not_found: bool = False
    unverified: bool = False


@dataclass
class CheckedAnswer:
    """The answer's text with renumbered markers, its citations, and the numbers of cited and of removed claims.

    `doubt` is the sum of the support that the unverified claims lack, at most 1 for each.
    """

    text: str
    citations: list[Citation]
    cited: int
    uncited: int
    repairs: list[Repair] = field(default_factory=list)
    doubt: float = 0.0
    trouble: list[str] = field(default_factory=list)
    """Why the model did not decide, or the draft was cut."""


def is_claim(claim: Claim) -> bool:
    """Whether a sentence states something that a passage could support: no heading, not only stop words."""
    text = claim.text.strip()
    return bool(terms(text) or bare_one(text)) and not text.endswith(":") and not YES_NO_SENTENCE.fullmatch(text)


def says_not_found(claim: Claim) -> bool:
    """Whether a sentence states that the passages lack something."""
    return bool(NOT_FOUND_STATEMENT.search(claim.text))


def clauses(claim: Claim) -> list[Claim]:
    """The clauses of a claim that can be checked one by one; none when it has only one."""
    parts = [part.strip() for part in CLAUSE_SEPARATOR.split(claim.text)]
    if len(parts) < 2 or any(len(terms(part)) < CLAUSE_MIN_TERMS for part in parts):
        return []
    return [Claim(part, claim.markers) for part in parts]


def decide_outcome(check: ClaimCheck, count: int, support_from: float) -> ClaimOutcome:
    """Keep the cited passages with support of `support_from`, cite the best passage instead, or remove the claim.

    The best passage needs `MOVED_MIN_SUPPORT` where no cited one supports the claim.
    """
    claim, cited = check.claim, check.cited(count)
    good = [(number, check.findings[number]) for number in cited if check.findings[number].score >= support_from]
    best = best_finding(check.findings)
    if good and best and best[1].score <= max(each.score for _, each in good) + MIN_IMPROVEMENT:
        dropped = [number for number in cited if number not in dict(good)]
        return ClaimOutcome(good, [_repair(claim, "dropped", check.findings[number]) for number in dropped])
    if best is None:
        return ClaimOutcome([], [Repair(claim=claim.text, action="removed", because="no passage", support=0.0)])
    needed = support_from if good else max(support_from, MOVED_MIN_SUPPORT if cited else 0.0)
    if best[1].score >= needed:
        finding = check.findings[cited[0]] if cited else best[1]
        repair = _repair(claim, "moved" if claim.markers else "added", finding)
        return ClaimOutcome([best], [{**repair, "support": round(best[1].score, 4)}])
    finding = max((check.findings[number] for number in cited), key=lambda each: each.score, default=best[1])
    return ClaimOutcome([], [_repair(claim, "removed", finding)])


def unverified_outcome(check: ClaimCheck, count: int, unsure_from: float) -> ClaimOutcome | None:
    """Keep a claim that neither rules nor model decided, marked as unverified, with its best passage.

    None for a claim whose cited passages do not exist, or whose best passage has less than `unsure_from`.
    """
    cited = {number: check.findings[number] for number in check.cited(count) if number in check.findings}
    best = best_finding(cited or check.findings)
    if (check.claim.markers and not cited) or not best or best[1].score < unsure_from or best[1].window is None:
        return None
    return ClaimOutcome([best], [_repair(check.claim, "unverified", best[1])], unverified=True)


def _repair(claim: Claim, action: str, finding: PassageFinding) -> Repair:
    because = "it cited no passage" if action == "added" else finding.because
    repair = Repair(claim=claim.text, action=action, because=because, support=round(finding.score, 4))  # type: ignore[typeddict-item]
    if action in ("removed", "unverified"):
        repair["verdict"] = "unverified" if action == "unverified" else verdict(replace(finding, score=0.0), 0.5)
    return repair


def combine_clauses(parts: Sequence[ClaimOutcome], claim: Claim) -> ClaimOutcome | None:
    """The outcome of a claim whose clauses were checked one by one; None unless each is supported."""
    if not parts or not all(part.citations for part in parts):
        return None
    citations = {(number, each.window): (number, each) for part in parts for number, each in part.citations}
    # A passage that one clause drops may be kept by another one.
    repairs = [repair for part in parts for repair in part.repairs if repair["action"] != "dropped"]
    return ClaimOutcome(list(citations.values()), [{**repairs[0], "claim": claim.text}] if repairs else [])


def assemble_answer(
    claims: Sequence[Claim], outcomes: Sequence[ClaimOutcome | None], passages: Sequence[Passage]
) -> CheckedAnswer:
    """Assemble the answer from the claims; an outcome of None is a sentence that states nothing.

    Such a sentence is kept or removed with the claim after it. A heading is kept if a claim under it is. Both are
    removed if they have a number or a name that no passage has.
    """
    citation_list, facts = CitationList(), _passage_facts(passages)
    checked = CheckedAnswer("", citation_list.citations, 0, 0)
    pending, heading = "", ""
    for claim, outcome in zip(claims, outcomes, strict=True):
        gap = claim.gap if HEADING.search(claim.gap) else heading or claim.gap
        heading, gap = "", _without_unknown_headings(gap, facts)
        if outcome is None:
            pending += gap + (claim.text if _are_known(facts, claim.text) else "")
            continue
        has_citation = bool(outcome.citations)
        markers = [
            _add_citation(citation_list, passages[number], f, outcome.unverified) for number, f in outcome.citations
        ]
        if has_citation or outcome.not_found:
            checked.text += pending + gap + (with_markers(claim.text, markers) if has_citation else claim.text)
        else:
            heading = gap if HEADING.search(gap) else ""
        checked.cited, checked.uncited = checked.cited + has_citation, checked.uncited + (not has_citation)
        checked.repairs += outcome.repairs
        checked.doubt += 1 - outcome.citations[0][1].score if outcome.unverified else 0.0
        pending = ""
    checked.text = checked.text.strip()
    return checked


PassageFacts = tuple[tuple[Value, ...], frozenset[str]]


def _passage_facts(passages: Sequence[Passage]) -> PassageFacts:
    """The values and words of the passages, their titles and sections."""
    texts = [f"{passage['title']}\n{passage['section']}\n{passage['text']}" for passage in passages]
    return tuple(value for text in texts for value in values(text)), frozenset[str]().union(*map(plain_words, texts))


def _are_known(facts: PassageFacts, text: str) -> bool:
    """Whether the passages have every value and name of a text."""
    return not missing_values(values(text), facts[0]) and names(text) <= facts[1]


def _without_unknown_headings(gap: str, facts: PassageFacts) -> str:
    """The text before a claim without headings that have a number which no passage has."""
    lines = gap.splitlines(keepends=True)
    return "".join(
        line
        for line in lines
        if not line.startswith("#") or not missing_values(values(HEADING_NUMBER.sub("", line)), facts[0])
    )


def _add_citation(citations: CitationList, passage: Passage, finding: PassageFinding, unverified: bool) -> int:
    window = finding.window
    span = (window.start, window.end) if window else (0, len(passage["text"]))
    return citations.marker(passage, span, finding.score, unverified=unverified)
