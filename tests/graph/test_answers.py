from typing import Any, cast

from graph.answers import NEAREST, answered, declined, why_not
from graph.release import Prompts, Release
from graph.state import Citation, Failure, Passage, Repair, Search, Selection, State, no_usage
from graph.verification.repair import CheckedAnswer

RELEASE = Release(name="eu", prompts=Prompts(answer="", declined=" No evidence.\n", courtesy=" Ask me.\n"))
CITATION = cast(Citation, {"marker": 1, "passage": "a.md", "start": 0, "end": 9, "quote": "It is so."})
REPAIR = Repair(claim="It is not.", action="removed", because="x", support=0.1)


def passage(file: str, **changes: Any) -> Passage:
    plain = {"id": file, "document": file, "file": file, "title": "Guide", "page": None, "section": "", "header": ""}
    return cast(Passage, {**plain, "start": 0, "text": "It is so.", "metadata": {}, **changes})


def selection(**changes: Any) -> Selection:
    plain = {"quotes": [], "confidence": 0.7, "partial": "", "missing": [], "unanswered": []}
    return cast(Selection, {**plain, **changes})


def state(*passages: Passage, failure: Failure | None = None, writer: str = "openai:m", **selected: Any) -> State:
    return State(
        searches=[Search(text="How long?", weight=1.0)],
        selection=selection(**selected),
        draft={"text": "It is so. [1]", "writer": writer},
        passages=list(passages),
        candidates=[],
        failure=failure,
        confidence=0.7,
        complexity="complex",
        standalone="How long?",
        parts=[],
        language="und",
        cached=[],
        trouble=[],
        rung="backup",
        usage=no_usage(),
    )


def nearest(*passages: Passage) -> list[str]:
    return declined(state(*passages), RELEASE, "s1")["nearest"]


def test_no_model_asked_is_no_usage() -> None:
    assert no_usage() == {"model": "extractive", "calls": 0, "input_tokens": 0, "output_tokens": 0}


def test_an_answer_carries_its_citations_and_where_it_comes_from() -> None:
    checked = CheckedAnswer("It is so. [1]", [CITATION], cited=1, uncited=0)
    assert answered(state(passage("a.md")), checked, RELEASE, "s1") == {
        "text": "It is so. [1]",
        "status": "answered",
        "confidence": 0.7,
        "citations": [CITATION],
        "route": "complex",
        "rung": "backup",
        "reason": None,
        "detail": None,
        "nearest": [],
        "release": RELEASE.label,
        "snapshot": "s1",
        "timings": {},
        "usage": no_usage(),
        "asked": "How long?",
        "parts": [],
        "unanswered": [],
        "missing": [],
        "language": "und",
        "repairs": [],
        "conflicts": [],
        "cached": [],
    }


def test_an_answer_with_a_claim_that_has_no_citation_is_partial() -> None:
    checked = CheckedAnswer("It is so. [1] And so.", [CITATION], cited=1, uncited=1)
    assert answered(state(), checked, RELEASE, "s1")["status"] == "partial"


SUPPORTED = CheckedAnswer("It is so. [1]", [CITATION], cited=1, uncited=0)


def test_a_quoted_answer_says_which_part_of_the_question_it_does_not_answer() -> None:
    found = state(writer="extractive", unanswered=["How wide?", "Why?"], missing=["Cedar"])
    answer = answered(found, SUPPORTED, RELEASE, "s1")
    note = "No answer was found to: How wide? Why?"
    assert (answer["status"], answer["text"]) == ("partial", f"It is so. [1]\n\n{note}")
    assert (answer["unanswered"], answer["missing"]) == (["How wide?", "Why?"], ["Cedar"])
    assert answer["detail"] == note


def test_a_quoted_answer_says_why_there_may_be_more_to_it() -> None:
    note = "The first 12 of 40 are quoted."
    answer = answered(state(writer="extractive", partial=note), SUPPORTED, RELEASE, "s1")
    assert (answer["status"], answer["text"], answer["detail"]) == ("partial", f"It is so. [1]\n\n{note}", note)
    assert answer["unanswered"] == []


def test_what_cannot_be_quoted_is_no_note_to_an_answer_that_a_model_wrote() -> None:
    found = state(unanswered=["How wide?"], missing=["Cedar"], partial="There is more.")
    answer = answered(found, SUPPORTED, RELEASE, "s1")
    assert (answer["status"], answer["text"]) == ("answered", "It is so. [1]")
    assert (answer["unanswered"], answer["missing"]) == ([], [])


def test_notes_are_told_before_the_rerankers_and_the_judges_trouble() -> None:
    found = State(**{**state(writer="extractive", partial="There is more."), "trouble": ["the reranker is away"]})
    checked = CheckedAnswer("It is so. [1]", [CITATION], 1, 0, trouble=["the judge is away"])
    assert answered(found, checked, RELEASE, "s1")["detail"] == (
        "There is more.; the reranker is away; the judge is away"
    )


def test_declining_says_so_in_the_releases_words_with_the_reason_and_the_nearest_passages() -> None:
    failed = Failure(reason="no_evidence", detail="nothing near", transient=False)
    answer = declined(state(passage("a.md"), failure=failed), RELEASE, "s1")
    assert (answer["text"], answer["status"], answer["citations"]) == ("No evidence.", "declined", [])
    assert (answer["reason"], answer["detail"], answer["nearest"]) == ("no_evidence", "nothing near", ["a.md"])


def test_declining_says_what_the_question_names_and_nothing_has() -> None:
    found = State(**{**state(missing=["Cedar", "K7-2"]), "parts": ["How long?", "How wide?"]})
    answer = declined(found, RELEASE, "s1")
    assert (answer["text"], answer["missing"]) == ("No evidence. Not found: Cedar, K7-2.", ["Cedar", "K7-2"])
    assert answer["unanswered"] == ["How long?", "How wide?"]


def test_a_question_that_asks_for_nothing_gets_the_releases_courtesy() -> None:
    nothing = State(**{**state(missing=["Cedar"]), "searches": []})
    answer = declined(nothing, RELEASE, "s1")
    assert (answer["text"], answer["status"], answer["missing"]) == ("Ask me.", "declined", [])


def test_why_a_question_is_not_answered_is_what_is_missing_or_how_unsure_it_is() -> None:
    assert why_not(["Cedar"], 0.9, 0.45) == "Not found: Cedar."
    assert why_not([], 0.314, 0.45) == "The confidence 0.31 is below 0.45."


def test_an_answer_after_a_failure_still_says_what_failed() -> None:
    failed = Failure(reason="timeout", detail="20 s", transient=True)
    answer = answered(state(failure=failed), CheckedAnswer("It is so. [1]", [CITATION], 1, 0), RELEASE, "s1")
    assert (answer["status"], answer["reason"], answer["detail"]) == ("answered", "timeout", "20 s")


def test_the_nearest_passages_are_named_by_file_page_and_section() -> None:
    assert nearest(passage("a.pdf", page=3, section="Care > Seals"), passage("b.pdf", page=1), passage("c.md")) == [
        "a.pdf, page 3 (Care > Seals)",
        "b.pdf, page 1",
        "c.md",
    ]


def test_a_place_is_named_once_and_only_the_first_few_are_named() -> None:
    files = ["a", "a", "b", "c", "d"]
    assert nearest(*(passage(file) for file in files)) == ["a", "b", "c", "d"][:NEAREST]


def test_an_answer_tells_what_was_repaired() -> None:
    checked = CheckedAnswer("It is so. [1]", [CITATION], 1, 1, repairs=[REPAIR])
    assert answered(state(), checked, RELEASE, "s1")["repairs"] == [REPAIR]


def test_an_answer_tells_why_a_model_was_not_asked_to_judge() -> None:
    checked = CheckedAnswer("It is so. [1]", [CITATION], 1, 0, trouble=["the judge is away", "again"])
    answer = answered(state(), checked, RELEASE, "s1")
    assert (answer["status"], answer["reason"], answer["detail"]) == ("answered", None, "the judge is away")


def test_why_a_rung_was_climbed_to_is_told_before_the_judges_trouble() -> None:
    failed = Failure(reason="timeout", detail="20 s", transient=True)
    checked = CheckedAnswer("It is so. [1]", [CITATION], 1, 0, trouble=["the judge is away"])
    assert answered(state(failure=failed), checked, RELEASE, "s1")["detail"] == "20 s"


def version(file: str, text: str, since: str) -> Passage:
    return passage(file, text=text, title="Fees", metadata={"effective_date": since})


def test_an_answer_tells_where_another_version_says_otherwise_whether_it_was_kept_or_only_found() -> None:
    cited = version("a.md", "The fee is 5 EUR.", "2024-01-01")
    old = version("b.md", "The fee is 4 EUR.", "2022-01-01")
    citation = cast(Citation, {**CITATION, "end": 17, "quote": "The fee is 5 EUR."})
    checked = CheckedAnswer("The fee is 5 EUR. [1]", [citation], 1, 0)
    for found in (state(cited, old), {**state(cited), "candidates": [cited, old]}):
        answer = answered(cast(State, found), checked, RELEASE, "s1")
        told = [(conflict["document"], conflict["version"], conflict["quote"]) for conflict in answer["conflicts"]]
        assert told == [("b.md", "older", "The fee is 4 EUR.")]
