"""Puts the Answer together from what the steps found; pure."""

from collections.abc import Sequence

from .release import Release
from .safety.injection import is_doubtful, is_injection
from .safety.links import without_links
from .state import Answer, Citation, Passage, Repair, State, Status
from .verification.conflicts import conflicts
from .verification.repair import CheckedAnswer

NEAREST = 3
NOTHING_ASKED = "It asks for nothing that could be looked up."


def why_not(missing: Sequence[str], sure: float, least: float) -> str:
    """Why a question is not answered: what it names and nothing has, or how far the confidence falls short."""
    if missing:
        return f"Not found: {', '.join(missing)}."
    return f"The confidence {sure:.2f} is below {least:.2f}."


def answered(state: State, checked: CheckedAnswer, release: Release, snapshot: str) -> Answer:
    """An answer with its citations; partial when a claim or a part of the question has none, or there may be more."""
    quoted, selection = state["draft"] is not None and state["draft"]["writer"] == "extractive", state["selection"]
    notes = []
    unanswered = [part for part in selection["unanswered"] if not is_injection(part)]
    if quoted and unanswered:
        notes.append("No answer was found to: " + " ".join(unanswered))
    if quoted and selection["partial"]:
        notes.append(selection["partial"])
    status: Status = "partial" if checked.uncited or notes else "answered"
    text = without_links("\n\n".join([checked.text, *notes]), release.checking.links)
    answer = _answer(state, release, snapshot, status, text, checked.citations)
    if quoted:
        answer["missing"], answer["unanswered"] = selection["missing"], selection["unanswered"]
    answer["repairs"] = [Repair(**{**each, "claim": without_links(each["claim"])}) for each in checked.repairs]
    answer["confidence"] *= 1 - checked.doubt / max(1, checked.cited + checked.uncited)
    answer["conflicts"] = conflicts(checked.citations, [*state["passages"], *state["candidates"]])
    if answer["detail"] is None:
        answer["detail"] = "; ".join([*notes, *state["trouble"], *checked.trouble[:1]]) or None
    return answer


def declined(state: State, release: Release, snapshot: str) -> Answer:
    """An answer that says that there is none, what was not found, and the passages that came nearest."""
    if not state["searches"]:
        return _answer(state, release, snapshot, "declined", release.prompts.courtesy.strip(), [])
    # What an order names is not said after it.
    ordered = is_injection(state["standalone"]) or is_doubtful(state["standalone"])
    missing = [] if ordered else state["selection"]["missing"]
    notes = [f"Not found: {', '.join(missing)}."] if missing else []
    answer = _answer(state, release, snapshot, "declined", " ".join([release.prompts.declined.strip(), *notes]), [])
    answer["missing"], answer["unanswered"] = missing, state["parts"]
    return answer


def _answer(state: State, release: Release, snapshot: str, status: Status, text: str, found: list[Citation]) -> Answer:
    failure = state["failure"]
    return Answer(
        text=text,
        status=status,
        confidence=state["confidence"],
        citations=found,
        route=state["complexity"],
        rung=state["rung"],
        reason=failure["reason"] if failure else None,
        detail=failure["detail"] if failure else None,
        nearest=[] if found else list(dict.fromkeys(_place(p) for p in state["passages"]))[:NEAREST],
        release=release.label,
        snapshot=snapshot,
        timings={},
        usage=state["usage"],
        asked=state["standalone"],
        parts=state["parts"],
        unanswered=[],
        missing=[],
        language=state["language"],
        repairs=[],
        conflicts=[],
        cached=state["cached"],
    )


def _place(passage: Passage) -> str:
    page = f", page {passage['page']}" if passage["page"] else ""
    section = f" ({passage['section']})" if passage["section"] else ""
    return f"{passage['file']}{page}{section}"
