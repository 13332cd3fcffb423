"""What becomes of each claim, and the answer that is put together from what stands."""

import re
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import passage_of

from graph.state import Passage, Repair
from graph.verification.claims import MARKERS, Claim, claims_of
from graph.verification.passages import Window
from graph.verification.repair import (
    CheckedAnswer,
    ClaimCheck,
    ClaimOutcome,
    assemble_answer,
    clauses,
    combine_clauses,
    decide_outcome,
    is_claim,
    says_not_found,
)
from graph.verification.rules import PassageFinding

TEXT = "The seal is red. The pump lasts. The fan is quiet."


def passage(text: str = TEXT, **changes: Any) -> Passage:
    named = {"id": "guide.md#0", "document": "guide.md", "file": "guide.md", "title": "Guide"}
    return passage_of(text, **{**named, **changes})


def finding(score: float, because: str = "", start: int = 0, end: int = 16) -> PassageFinding:
    return PassageFinding(score, Window(start, end), because)


def decide(markers: tuple[int, ...], *scores: float, count: int | None = None) -> ClaimOutcome:
    findings = {number: finding(score, f"because {number}") for number, score in enumerate(scores)}
    return decide_outcome(
        ClaimCheck(Claim("It is so.", markers), findings), len(scores) if count is None else count, 0.5
    )


def cited_passages(result: ClaimOutcome) -> list[int]:
    return [number for number, _ in result.citations]


def repair(action: str, because: str, support: float, claim: str = "It is so.") -> Repair:
    verdict = {"verdict": "not_found"} if action == "removed" and because != "no passage" else {}
    return cast(Repair, {"claim": claim, "action": action, "because": because, "support": support, **verdict})


def test_a_claim_that_its_passage_supports_stands_without_a_repair() -> None:
    assert decide((2,), 0.1, 0.9) == ClaimOutcome([(1, finding(0.9, "because 1"))], [])


def test_the_bound_itself_is_enough() -> None:
    assert cited_passages(decide((1,), 0.5)) == [0]
    assert cited_passages(decide((1,), 0.4999)) == []


def test_a_passage_that_does_not_support_is_dropped_beside_one_that_does() -> None:
    result = decide((1, 2), 0.9, 0.2)
    assert cited_passages(result) == [0]
    assert result.repairs == [repair("dropped", "because 1", 0.2)]


def test_a_claim_moves_to_the_passage_that_supports_it_and_says_what_the_cited_one_lacked() -> None:
    result = decide((1,), 0.2, 0.7, 0.9)
    assert cited_passages(result) == [2]
    assert result.repairs == [repair("moved", "because 0", 0.9)]


def test_a_claim_moves_from_a_passage_that_may_support_it_to_one_that_does() -> None:
    result = decide((1,), 0.6, 0.95)
    assert (cited_passages(result), result.repairs) == ([1], [repair("moved", "because 0", 0.95)])
    assert cited_passages(decide((1,), 0.75, 0.95)) == [0]
    assert cited_passages(decide((1, 2), 0.6, 0.95)) == [0, 1]


def test_a_claim_that_its_own_passage_does_not_support_needs_more_of_another_one() -> None:
    assert cited_passages(decide((1,), 0.2, 0.75)) == [1]
    assert decide((1,), 0.2, 0.7499) == ClaimOutcome([], [repair("removed", "because 0", 0.2)])
    assert cited_passages(decide((1, 2), 0.2, 0.6)) == [1]


def test_what_another_passage_must_have_is_never_less_than_what_every_passage_must() -> None:
    findings = {0: finding(0.2), 1: finding(0.8)}
    assert cited_passages(decide_outcome(ClaimCheck(Claim("It is so.", (1,)), findings), 2, 0.9)) == []


def test_of_two_that_support_it_alike_the_one_that_ranks_higher_is_given() -> None:
    assert cited_passages(decide((), 0.2, 0.9, 0.9)) == [1]


def test_a_claim_without_a_marker_is_given_the_passage_that_supports_it() -> None:
    result = decide((), 0.2, 0.7)
    assert cited_passages(result) == [1]
    assert result.repairs == [repair("added", "it cited no passage", 0.7)]


@pytest.mark.parametrize("marker", [0, 3, 999])
def test_a_marker_that_points_nowhere_is_no_citation_and_the_claim_moves(marker: int) -> None:
    result = decide((marker,), 0.2, 0.7)
    assert cited_passages(result) == [1]
    assert [each["action"] for each in result.repairs] == ["moved"]


def test_a_claim_that_nothing_supports_is_removed_with_what_its_own_passage_lacked() -> None:
    assert decide((1,), 0.1, 0.3) == ClaimOutcome([], [repair("removed", "because 0", 0.1)])
    assert decide((1, 2), 0.1, 0.3) == ClaimOutcome([], [repair("removed", "because 1", 0.3)])


def test_a_claim_without_a_marker_is_removed_with_what_the_best_passage_lacked() -> None:
    assert decide((), 0.1, 0.3) == ClaimOutcome([], [repair("removed", "because 1", 0.3)])


def test_without_a_passage_every_claim_is_removed() -> None:
    assert decide((1,)) == ClaimOutcome([], [repair("removed", "no passage", 0.0)])


def test_a_passage_cited_twice_counts_once() -> None:
    assert ClaimCheck(Claim("It is so.", (2, 1, 2, 9, 0)), {}).cited(2) == [1, 0]


def test_scores_are_rounded_in_repairs() -> None:
    assert decide((), 0.123456).repairs[0]["support"] == 0.1235


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("The pump lasts.", True),
        ("5 EUR", True),
        ("One.", True),
        ("You get one.", True),
        ("No one.", False),
        ("価格は5円です。", True),
        ("The parts are:", False),
        ("The parts are: ", False),
        ("So it is.", False),
        ("...", False),
        ("", False),
    ],
)
def test_a_sentence_claims_something_when_it_has_content_and_leads_to_nothing(text: str, claims: bool) -> None:
    assert is_claim(Claim(text, ())) is claims


@pytest.mark.parametrize(
    "text",
    [
        "The documents do not mention the price.",
        "The passages don't say when it ends.",
        "The policy document doesn’t specify a fee.",
        "There is no information about the price.",
        "The price is not mentioned.",
        "No details on the colour are given.",
        "THE PASSAGES DO NOT STATE IT.",
        "I could not find the price.",
        "I don't know.",
        "The passages do not have any details on it.",
        "The text makes no mention of it.",
        "The price isn't mentioned.",
        "The price cannot be found.",
    ],
)
def test_telling_that_the_passages_lack_something_is_seen(text: str) -> None:
    assert says_not_found(Claim(text, ()))


@pytest.mark.parametrize(
    "text",
    [
        "The pump is red.",
        "It is not red.",
        "The document mentions no end.",
        "The warranty does not cover dental work.",
        "The price does not include taxes.",
        "The paint does not contain lead.",
        "Managers do not give refunds.",
        "Pets are not covered.",
        "The valve cannot provide the full flow.",
    ],
)
def test_a_claim_about_the_world_is_no_absence(text: str) -> None:
    assert not says_not_found(Claim(text, ()))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The pump lasts five years; the seal lasts two.", ["The pump lasts five years", "the seal lasts two."]),
        ("The pump lasts, while the seal leaks.", ["The pump lasts", "the seal leaks."]),
        ("The pump lasts whereas the seal leaks.", ["The pump lasts", "the seal leaks."]),
        ("The pump lasts, and the seal leaks.", ["The pump lasts", "the seal leaks."]),
        ("The pump lasts, but the seal leaks.", ["The pump lasts", "the seal leaks."]),
        ("The pump lasts long and the seal is red.", ["The pump lasts long", "the seal is red."]),
        ("Red, and blue.", []),
        ("The pump lasts and leaks.", []),
        ("The pump lasts.", []),
        ("", []),
    ],
)
def test_a_claim_has_clauses_when_each_can_be_true_for_itself(text: str, parts: list[str]) -> None:
    assert clauses(Claim(text, (1, 2))) == [Claim(part, (1, 2)) for part in parts]


CLAIM = Claim("The seal is red and the pump lasts.", (1, 2))


def test_clauses_stand_together_with_all_that_they_were_given() -> None:
    result = combine_clauses([ClaimOutcome([(0, finding(0.9))], []), ClaimOutcome([(1, finding(0.8))], [])], CLAIM)
    assert result == ClaimOutcome([(0, finding(0.9)), (1, finding(0.8))], [])


def test_when_one_clause_falls_they_all_do() -> None:
    assert combine_clauses([ClaimOutcome([(0, finding(0.9))], []), ClaimOutcome([], [])], CLAIM) is None
    assert combine_clauses([], CLAIM) is None


def test_a_repair_of_a_clause_is_told_for_the_whole_claim() -> None:
    parts = [
        ClaimOutcome([(0, finding(0.9))], []),
        ClaimOutcome([(1, finding(0.8))], [repair("moved", "x", 0.8, "the pump lasts.")]),
    ]
    result = combine_clauses(parts, CLAIM)
    assert result
    assert result.repairs == [repair("moved", "x", 0.8, CLAIM.text)]


def test_a_source_that_one_of_the_clauses_keeps_is_not_told_as_dropped() -> None:
    parts = [
        ClaimOutcome([(0, finding(0.9))], [repair("dropped", "x", 0.1, "The seal is red")]),
        ClaimOutcome([(1, finding(0.8))], [repair("dropped", "y", 0.1, "the pump lasts.")]),
    ]
    result = combine_clauses(parts, CLAIM)
    assert result
    assert result.repairs == []


def test_two_clauses_from_two_stretches_of_one_passage_keep_both() -> None:
    one, other = finding(0.9, start=0, end=16), finding(0.8, start=17, end=32)
    result = combine_clauses([ClaimOutcome([(0, one)], []), ClaimOutcome([(0, other)], [])], CLAIM)
    assert result
    assert [verdict for _, verdict in result.citations] == [one, other]


def assembled(draft: str, *outcomes: ClaimOutcome | None, passages: list[Passage] | None = None) -> CheckedAnswer:
    return assemble_answer(claims_of(draft), outcomes, passages or [passage()])


def kept(*numbers: int) -> ClaimOutcome:
    return ClaimOutcome([(number, finding(0.9)) for number in numbers], [])


REMOVED = ClaimOutcome([], [repair("removed", "x", 0.1)])


def test_a_claim_that_stands_is_followed_by_its_markers() -> None:
    result = assembled("The seal is red [7].", kept(0))
    assert (result.text, result.cited, result.uncited, result.repairs) == ("The seal is red. [1]", 1, 0, [])
    assert [(each["quote"], each["support"]) for each in result.citations] == [("The seal is red.", 0.9)]


def test_a_claim_that_falls_leaves_the_text_and_is_counted_and_told() -> None:
    result = assembled("The seal is red. The fan is loud. [1]", kept(0), REMOVED)
    assert (result.text, result.cited, result.uncited) == ("The seal is red. [1]", 1, 1)
    assert result.repairs == REMOVED.repairs


def test_markers_are_numbered_anew_in_the_order_of_the_text() -> None:
    passages = [passage(id=name) for name in "abc"]
    result = assembled("The pump lasts [3]. The seal is red [1].", kept(2), kept(0), passages=passages)
    assert result.text == "The pump lasts. [1] The seal is red. [2]"
    assert [(each["marker"], each["passage"]) for each in result.citations] == [(1, "c"), (2, "a")]


def test_a_claim_may_have_several_citations() -> None:
    result = assembled("The seal is red.", kept(1, 0), passages=[passage(id="a"), passage(id="b")])
    assert (result.text, [each["passage"] for each in result.citations]) == ("The seal is red. [1] [2]", ["b", "a"])


def test_what_tells_of_an_absence_stays_without_a_citation_and_without_a_repair() -> None:
    result = assembled(
        "The seal is red. The passages do not mention a price.", kept(0), ClaimOutcome([], [], not_found=True)
    )
    assert result.text == "The seal is red. [1] The passages do not mention a price."
    assert (result.cited, result.uncited, result.repairs) == (1, 1, [])


def test_a_sentence_that_leads_to_a_claim_stays_and_falls_with_it() -> None:
    draft = "It has these:\n- a red seal [1]"
    assert assembled(draft, None, kept(0)).text == "It has these:\n- a red seal [1]"
    assert assembled(draft, None, REMOVED).text == ""


def test_a_sentence_that_leads_nowhere_does_not_stay() -> None:
    assert assembled("The seal is red. It is so:", kept(0), None).text == "The seal is red. [1]"


def test_paragraphs_and_lists_keep_their_shape() -> None:
    draft = "The seal is red. [1]\n\nThe pump lasts. [1]\n- The fan is quiet [1]"
    result = assemble_answer(claims_of(draft), [kept(0)] * 3, [passage()])
    assert result.text == "The seal is red. [1]\n\nThe pump lasts. [1]\n- The fan is quiet [1]"


def test_a_heading_stays_over_the_claim_that_follows_it() -> None:
    assert assembled("## Parts\n\nThe seal is red.", kept(0)).text == "## Parts\n\nThe seal is red. [1]"


def test_a_heading_stays_over_the_second_claim_when_the_first_falls() -> None:
    result = assembled("## Parts\n\nThe fan is loud. The seal is red.", REMOVED, kept(0))
    assert result.text == "## Parts\n\nThe seal is red. [1]"


def test_a_table_keeps_its_header_when_its_first_row_falls() -> None:
    result = assembled("| Part | Colour |\n|---|---|\n| fan | blue |\n| seal | red |", REMOVED, kept(0))
    assert result.text == "| Part | Colour |\n|---|---|\n| seal | red | [1]"


def test_a_heading_cannot_say_what_no_passage_says() -> None:
    assert "nine" not in assembled("## The warranty is nine years\n\nThe seal is red.", kept(0)).text


def test_a_heading_goes_when_nothing_is_left_under_it() -> None:
    draft = "## Parts\n\nThe fan is loud.\n\n## Colours\n\nThe seal is red."
    assert assembled(draft, REMOVED, kept(0)).text == "## Colours\n\nThe seal is red. [1]"


def test_a_numbered_heading_stays() -> None:
    assert assembled("## 7. Parts\n\nThe seal is red.", kept(0)).text.startswith("## 7. Parts")


@pytest.mark.parametrize("lead", ["It costs 900 EUR, which is for:", "Montara and Corrento have:"])
def test_a_lead_that_names_what_no_passage_has_does_not_stay(lead: str) -> None:
    assert assembled(f"{lead}\n- a red seal [1]", None, kept(0)).text == "- a red seal [1]"


@pytest.mark.parametrize("word", ["Yes.", "No.", "Correct!", "Yes,"])
def test_a_yes_is_no_claim(word: str) -> None:
    assert not is_claim(Claim(word, ()))


def test_a_yes_stays_with_what_follows_it() -> None:
    assert assembled("Yes. The seal is red.", None, kept(0)).text == "Yes. The seal is red. [1]"
    assert assembled("Yes. The fan is loud.", None, REMOVED).text == ""


def test_nothing_that_stands_is_no_text() -> None:
    result = assembled("The fan is loud.", REMOVED)
    assert (result.text, result.citations, result.cited, result.uncited) == ("", [], 0, 1)


def test_no_claims_are_no_text() -> None:
    assert assembled("") == CheckedAnswer("", [], 0, 0)


def test_a_verdict_without_a_window_cites_the_whole_passage() -> None:
    result = assembled("The seal is red.", ClaimOutcome([(0, PassageFinding(0.9, None, ""))], []))
    assert [each["quote"] for each in result.citations] == [TEXT]


def test_offsets_are_those_of_the_document() -> None:
    result = assembled(
        "The pump lasts.", ClaimOutcome([(0, finding(0.9, start=17, end=32))], []), passages=[passage(start=500)]
    )
    assert [(each["start"], each["end"], each["quote"]) for each in result.citations] == [(517, 532, "The pump lasts.")]


PIECES = [
    "The seal is red.",
    "The pump lasts [1].",
    "[2]",
    "[9]",
    "It has:",
    "- a fan [3]",
    "\n",
    "\n\n",
    "# Parts",
    "é!",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.data())
def test_assembling_invents_nothing_and_every_marker_has_its_citation(pieces: list[str], data: st.DataObject) -> None:
    draft = " ".join(pieces)
    claims, passages = claims_of(draft), [passage(id=str(number), start=100 * number) for number in range(3)]
    spans = st.sampled_from([(0, 16), (17, 32), (33, 50)])
    given_one = st.builds(
        lambda n, span, score: (n, finding(score, "", *span)), st.integers(0, 2), spans, st.floats(0, 1)
    )
    some = st.builds(
        lambda result: ClaimOutcome(result, []), st.lists(given_one, max_size=2, unique_by=lambda pair: pair[0])
    )
    result = assemble_answer(claims, [data.draw(st.none() | some) for _ in claims], passages)
    assert set(re.findall(r"\w+", MARKERS.sub("", result.text))) <= set(re.findall(r"\w+", draft))
    assert {int(n) for n in re.findall(r"\[(\d+)\]", result.text)} == {each["marker"] for each in result.citations}
    assert [each["marker"] for each in result.citations] == list(range(1, len(result.citations) + 1))
    for each in result.citations:
        own = passages[int(each["passage"])]
        assert each["quote"] == own["text"][each["start"] - own["start"] : each["end"] - own["start"]]
    assert result.cited + result.uncited <= len(claims)
