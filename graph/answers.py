"""Puts the Answer together from what the steps found; pure."""

from .release import Release
from .state import Answer, Citation, Passage, State, Status
from .state import no_usage as no_usage
from .verification.conflicts import conflicts
from .verification.repair import Checked

NEAREST = 3


def answered(state: State, checked: Checked, release: Release, snapshot: str) -> Answer:
    """An answer with its citations; partial when some claim has none, or the evidence for some part is too thin."""
    thin = bool(state["parts"]) and state["confidence"] < release.routing.answer_from
    status: Status = "partial" if checked.uncited or thin else "answered"
    answer = _answer(state, release, snapshot, status, checked.text, checked.citations)
    answer["repairs"] = checked.repairs
    answer["confidence"] *= 1 - checked.doubt / max(1, checked.cited + checked.uncited)
    answer["conflicts"] = conflicts(checked.citations, [*state["passages"], *state["candidates"]])
    if answer["detail"] is None:
        answer["detail"] = "; ".join([*state["trouble"], *checked.trouble[:1]]) or None
    return answer


def declined(state: State, release: Release, snapshot: str) -> Answer:
    """An answer that says that there is none, and names the passages that came nearest."""
    return _answer(state, release, snapshot, "declined", release.prompts.declined.strip(), [])


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
        language=state["language"],
        mended=state["mended"],
        repairs=[],
        conflicts=[],
        cached=state["cached"],
    )


def _place(passage: Passage) -> str:
    page = f", page {passage['page']}" if passage["page"] else ""
    section = f" ({passage['section']})" if passage["section"] else ""
    return f"{passage['file']}{page}{section}"
