"""Decides what becomes of each claim: kept with its citations, given others, or removed; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from graph.citations import Claim, Sheet, joined
from graph.state import Citation, Passage, Repair
from graph.support import Verdict
from graph.words import terms

ABSENT = re.compile(
    r"\b(?:do|does|did)(?: not|n['’]t) (?:say|mention|state|specify|contain|include|provide|give|cover|answer|hold)\b"
    r"|\bno (?:information|mention|details?)\b|\b(?:is|are) not (?:mentioned|specified|stated|given|covered)\b"
    r"|\b(?:do|does|did)(?: not|n['’]t) have (?:\w+ )?(?:information|details?|answer)|\bI (?:do not|don['’]t) know\b"
    r"|\b(?:cannot|can['’]t|could not|unable to) (?:find|answer|provide|determine)\b",
    re.IGNORECASE,
)
"""What tells the reader that the passages lack something: nothing in them can support it."""
CLAUSE = re.compile(
    r";\s+|,?\s+(?:while|whereas)\s+|,\s+(?:and|but)\s+|\s+and\s+(?=\w+ (?:\w+ )?(?:is|are|was|were|has|have)\b)"
)
LEAST_TERMS = 2
"""Content words that a clause needs to be a claim of its own."""


@dataclass(frozen=True)
class Judged:
    """A claim and what each passage that it was held against says to it, by the passage's index."""

    claim: Claim
    verdicts: dict[int, Verdict]

    def cited(self, count: int) -> list[int]:
        """The indices of the passages that the claim names and that there are."""
        return [number - 1 for number in dict.fromkeys(self.claim.markers) if 1 <= number <= count]

    def best(self) -> tuple[int, Verdict] | None:
        """The passage that supports it most; of equals the one that ranks higher."""
        ranked = sorted(self.verdicts.items(), key=lambda item: (-item[1].score, item[0]))
        return ranked[0] if ranked else None


@dataclass(frozen=True)
class Outcome:
    """The passages that a claim is given with what they support of it, and what was repaired."""

    given: list[tuple[int, Verdict]]
    repairs: list[Repair]


@dataclass
class Checked:
    """The answer's text with its markers renumbered, its citations, how many claims had one and had none."""

    text: str
    citations: list[Citation]
    cited: int
    uncited: int
    repairs: list[Repair] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Why a model that should have been asked was not."""


def is_claim(claim: Claim) -> bool:
    """Whether a sentence says something that a passage could support: no heading, and not only empty words."""
    return bool(terms(claim.text)) and not claim.text.rstrip().endswith(":")


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
    """What becomes of one claim: support at least `support_from` lets it stand."""
    cited = judged.cited(count)
    good = [(number, judged.verdicts[number]) for number in cited if judged.verdicts[number].score >= support_from]
    best = judged.best()
    if good:
        lost = [number for number in cited if number not in dict(good)]
        return Outcome(good, [_repair(judged.claim, "dropped", judged.verdicts[n]) for n in lost])
    if best is None:
        return Outcome([], [Repair(claim=judged.claim.text, action="removed", because="no passage", support=0.0)])
    if best[1].score >= support_from:
        told = judged.verdicts[cited[0]] if cited else best[1]
        repair = _repair(judged.claim, "moved" if judged.claim.markers else "added", told)
        return Outcome([best], [{**repair, "support": round(best[1].score, 4)}])
    told = max((judged.verdicts[n] for n in cited), key=lambda verdict: verdict.score, default=best[1])
    return Outcome([], [_repair(judged.claim, "removed", told)])


def _repair(claim: Claim, action: str, verdict: Verdict) -> Repair:
    because = "it cited no passage" if action == "added" else verdict.because
    return Repair(claim=claim.text, action=action, because=because, support=round(verdict.score, 4))  # type: ignore[typeddict-item]


def together(parts: Sequence[Outcome], claim: Claim) -> Outcome | None:
    """The outcome of a claim whose clauses were judged one by one; None unless each stands."""
    if not parts or not all(part.given for part in parts):
        return None
    given = list({number: (number, verdict) for part in parts for number, verdict in part.given}.values())
    repairs = [repair for part in parts for repair in part.repairs]
    return Outcome(given, [{**repairs[0], "claim": claim.text}] if repairs else [])


def assemble(claims: Sequence[Claim], outcomes: Sequence[Outcome | None], passages: Sequence[Passage]) -> Checked:
    """Put the answer together; an outcome of None is a sentence that claims nothing.

    Such a sentence stays with the claim that it leads to, and goes with it.
    """
    sheet = Sheet()
    checked = Checked("", sheet.citations, 0, 0)
    waiting: list[str] = []
    for claim, found in zip(claims, outcomes, strict=True):
        if found is None:
            waiting.append(claim.gap + claim.text)
        elif found.given:
            markers = [_mark(sheet, passages[number], verdict) for number, verdict in found.given]
            checked.text += "".join(waiting) + claim.gap + joined(claim.text, markers)
            checked.cited += 1
            waiting = []
        elif is_absence(claim):
            checked.text += "".join(waiting) + claim.gap + claim.text
            checked.uncited += 1
            waiting = []
            continue
        else:
            checked.uncited += 1
            waiting = []
        checked.repairs += found.repairs if found else []
    checked.text = checked.text.strip()
    return checked


def _mark(sheet: Sheet, passage: Passage, verdict: Verdict) -> int:
    window = verdict.window
    span = (window.start, window.end) if window else (0, len(passage["text"]))
    return sheet.marker(passage, span, verdict.score)
