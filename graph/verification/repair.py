"""Decides what becomes of each claim: kept with its citations, given others, or removed; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..state import Citation, Passage, Repair
from ..text.facts import names, plain_words
from ..text.values import Value, unmet, values
from ..text.words import terms
from .claims import Claim, Sheet, joined
from .rules import Finding, verdict
from .statement import NO, YES

TELLERS = (
    r"(?:documents?|passages?|sources?|contexts?|texts?|excerpts?|articles?|materials?|records?|results?|handbook"
    r"|information|knowledge base|I|we)"
)
LACKS = r"(?:say|mention|state|specify|contain|include|provide|give|cover|answer|hold|tell|discuss|address)"
ABSENT = re.compile(
    rf"\b{TELLERS}(?: (?!that\b)\w+){{0,3}} (?:do|does|did)(?: not|n['’]t) (?:\w+ly )?{LACKS}\b"
    rf"|\b{TELLERS} (?:makes?|made) no mention\b"
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
"""What tells the reader that the passages lack something: nothing in them can support it."""
CLAUSE = re.compile(
    r";\s+|,?\s+(?:while|whereas)\s+|,\s+(?:and|but)\s+|\s+and\s+(?=\w+ (?:\w+ )?(?:is|are|was|were|has|have)\b)"
)
ASSENT = re.compile(rf"(?:{'|'.join([*YES, *NO])}|of course)[.!,]*", re.IGNORECASE)
"""An answer that says nothing by itself and stands by what follows it."""
HEADING = re.compile(r"^ {0,3}#{1,6} |^\|.*\|[ \t]*$", re.MULTILINE)
"""A heading, or the header of a table, which stays over what is left under it."""
NUMBERED = re.compile(r"^#+ *(?:\d+[.)]?)*")
"""The sign of a heading with its number."""
BETTER = 0.25
"""How much more another passage must support a claim than the one cited, to be cited in its place."""
MOVED_FROM = 0.75
"""Support that a claim needs of another passage when none that it cites supports it: of many, one is easily alike."""
UNCITED_FROM = 0.6
"""Support that a claim without a citation needs: the best of several is as often wrong as a cited one at 0.5."""
LEAST_TERMS = 2
"""Content words that a clause needs to be a claim of its own."""


@dataclass(frozen=True)
class Judged:
    """A claim and what each passage that it was held against says to it, by the passage's index."""

    claim: Claim
    findings: dict[int, Finding]

    def cited(self, count: int) -> list[int]:
        """The indices of the passages that the claim names and that there are."""
        return [number - 1 for number in dict.fromkeys(self.claim.markers) if 1 <= number <= count]

    def best(self) -> tuple[int, Finding] | None:
        """The passage that supports it most; of equals the one that ranks higher."""
        ranked = sorted(self.findings.items(), key=lambda item: (-item[1].score, item[0]))
        return ranked[0] if ranked else None


@dataclass(frozen=True)
class Outcome:
    """The passages that a claim is given with what they support of it, and what was repaired.

    `absent`: it says that the passages lack something, and stands without one. `unverified`: neither the rules nor a
    model could decide, and it stands as such.
    """

    given: list[tuple[int, Finding]]
    repairs: list[Repair]
    absent: bool = False
    unverified: bool = False


@dataclass
class Checked:
    """The answer's text with its markers renumbered, its citations, how many claims had one and had none.

    `doubt` is what the claims that stand unverified lack of full support, one for each at the most.
    """

    text: str
    citations: list[Citation]
    cited: int
    uncited: int
    repairs: list[Repair] = field(default_factory=list)
    doubt: float = 0.0
    trouble: list[str] = field(default_factory=list)
    """Why a model that should have been asked was not."""


def is_claim(claim: Claim) -> bool:
    """Whether a sentence says something that a passage could support: no heading, and not only empty words."""
    text = claim.text.strip()
    return bool(terms(text)) and not text.endswith(":") and not ASSENT.fullmatch(text)


def is_absence(claim: Claim) -> bool:
    """Whether a sentence says that the passages lack something."""
    return bool(ABSENT.search(claim.text))


def clauses(claim: Claim) -> list[Claim]:
    """The parts of a claim that can be true each for itself; none when it has but one."""
    parts = [part.strip() for part in CLAUSE.split(claim.text)]
    if len(parts) < 2 or any(len(terms(part)) < LEAST_TERMS for part in parts):
        return []
    return [Claim(part, claim.markers) for part in parts]


def outcome(judged: Judged, count: int, support_from: float) -> Outcome:
    """What becomes of one claim: support of `support_from` lets it stand, where it is or where it has far more.

    Where the passages that it cites have too little, another one must have `MOVED_FROM`; where it cites none, the best
    one must have `UNCITED_FROM`.
    """
    cited = judged.cited(count)
    good = [(number, judged.findings[number]) for number in cited if judged.findings[number].score >= support_from]
    best = judged.best()
    if good and best and best[1].score <= max(each.score for _, each in good) + BETTER:
        lost = [number for number in cited if number not in dict(good)]
        return Outcome(good, [_repair(judged.claim, "dropped", judged.findings[n]) for n in lost])
    if best is None:
        return Outcome([], [Repair(claim=judged.claim.text, action="removed", because="no passage", support=0.0)])
    if best[1].score >= (support_from if good else max(support_from, MOVED_FROM if cited else UNCITED_FROM)):
        told = judged.findings[cited[0]] if cited else best[1]
        repair = _repair(judged.claim, "moved" if judged.claim.markers else "added", told)
        return Outcome([best], [{**repair, "support": round(best[1].score, 4)}])
    told = max((judged.findings[n] for n in cited), key=lambda each: each.score, default=best[1])
    return Outcome([], [_repair(judged.claim, "removed", told)])


def undecided(judged: Judged, count: int, unsure_from: float) -> Outcome | None:
    """A claim of which nobody could say whether it is supported stands with the passage that comes nearest, as such."""
    cited = {number: judged.findings[number] for number in judged.cited(count) if number in judged.findings}
    if judged.claim.markers and not cited:
        # It cites what is not there: of a made-up citation nothing is kept in doubt.
        return None
    ranked = sorted((cited or judged.findings).items(), key=lambda item: (-item[1].score, item[0]))
    if not ranked or ranked[0][1].score < unsure_from or ranked[0][1].window is None:
        return None
    return Outcome([ranked[0]], [_repair(judged.claim, "unverified", ranked[0][1])], unverified=True)


def _repair(claim: Claim, action: str, finding: Finding) -> Repair:
    because = "it cited no passage" if action == "added" else finding.because
    repair = Repair(claim=claim.text, action=action, because=because, support=round(finding.score, 4))  # type: ignore[typeddict-item]
    if action in ("removed", "unverified"):
        repair["verdict"] = "unverified" if action == "unverified" else verdict(replace(finding, score=0.0), 0.5)
    return repair


def together(parts: Sequence[Outcome], claim: Claim) -> Outcome | None:
    """The outcome of a claim whose clauses were judged one by one; None unless each stands.

    A passage that one clause drops and another one keeps is not told as dropped.
    """
    if not parts or not all(part.given for part in parts):
        return None
    given = {(number, each.window): (number, each) for part in parts for number, each in part.given}
    told = [repair for part in parts for repair in part.repairs if repair["action"] != "dropped" or len(parts) == 1]
    return Outcome(list(given.values()), [{**told[0], "claim": claim.text}] if told else [])


def assemble(claims: Sequence[Claim], outcomes: Sequence[Outcome | None], passages: Sequence[Passage]) -> Checked:
    """Put the answer together; an outcome of None is a sentence that claims nothing.

    Such a sentence stays with the claim that it leads to, and goes with it. A heading stays over what is left under it.
    Neither may name a number or a name that no passage has.
    """
    sheet, known = Sheet(), _known(passages)
    checked = Checked("", sheet.citations, 0, 0)
    waiting, over = "", ""
    for claim, found in zip(claims, outcomes, strict=True):
        gap = claim.gap if HEADING.search(claim.gap) else over or claim.gap
        over, gap = "", _only_known(gap, known)
        if found is None:
            waiting += gap + (claim.text if _holds(known, claim.text) else "")
            continue
        stands = bool(found.given)
        markers = [_mark(sheet, passages[number], each, found.unverified) for number, each in found.given]
        if stands or found.absent:
            checked.text += waiting + gap + (joined(claim.text, markers) if stands else claim.text)
        else:
            over = gap if HEADING.search(gap) else ""
        checked.cited, checked.uncited = checked.cited + stands, checked.uncited + (not stands)
        checked.repairs += found.repairs
        checked.doubt += 1 - found.given[0][1].score if found.unverified else 0.0
        waiting = ""
    checked.text = checked.text.strip()
    return checked


Known = tuple[tuple[Value, ...], frozenset[str]]


def _known(passages: Sequence[Passage]) -> Known:
    """The values and words of the passages with their titles."""
    texts = [f"{passage['title']}\n{passage['section']}\n{passage['text']}" for passage in passages]
    told = tuple(value for text in texts for value in values(text))
    return told, frozenset[str]().union(*map(plain_words, texts))


def _holds(known: Known, text: str) -> bool:
    """Whether every value and name of a text is known."""
    return not unmet(values(text), known[0]) and names(text) <= known[1]


def _only_known(gap: str, known: Known) -> str:
    """What stands before a claim without the headings that name a number which no passage has."""
    lines = gap.splitlines(keepends=True)
    return "".join(
        line for line in lines if not line.startswith("#") or not unmet(values(NUMBERED.sub("", line)), known[0])
    )


def _mark(sheet: Sheet, passage: Passage, finding: Finding, unverified: bool) -> int:
    window = finding.window
    span = (window.start, window.end) if window else (0, len(passage["text"]))
    return sheet.marker(passage, span, finding.score, unverified=unverified)
