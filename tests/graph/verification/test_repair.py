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
    Checked,
    Judged,
    Outcome,
    assemble,
    clauses,
    is_absence,
    is_claim,
    outcome,
    together,
)
from graph.verification.rules import Finding as Verdict

TEXT = "The seal is red. The pump lasts. The fan is quiet."


def passage(text: str = TEXT, **changes: Any) -> Passage:
    named = {"id": "guide.md#0", "document": "guide.md", "file": "guide.md", "title": "Guide"}
    return passage_of(text, **{**named, **changes})


def says(score: float, because: str = "", start: int = 0, end: int = 16) -> Verdict:
    return Verdict(score, Window(start, end), because)


def decide(markers: tuple[int, ...], *scores: float, count: int | None = None) -> Outcome:
    verdicts = {number: says(score, f"because {number}") for number, score in enumerate(scores)}
    return outcome(Judged(Claim("It is so.", markers), verdicts), len(scores) if count is None else count, 0.5)


def given_to(found: Outcome) -> list[int]:
    return [number for number, _ in found.given]


def repair(action: str, because: str, support: float, claim: str = "It is so.") -> Repair:
    told = {"verdict": "not_found"} if action == "removed" and because != "no passage" else {}
    return cast(Repair, {"claim": claim, "action": action, "because": because, "support": support, **told})


def test_a_claim_that_its_passage_supports_stands_without_a_repair() -> None:
    assert decide((2,), 0.1, 0.9) == Outcome([(1, says(0.9, "because 1"))], [])


def test_the_bound_itself_is_enough() -> None:
    assert given_to(decide((1,), 0.5)) == [0]
    assert given_to(decide((1,), 0.4999)) == []


def test_a_passage_that_does_not_support_is_dropped_beside_one_that_does() -> None:
    found = decide((1, 2), 0.9, 0.2)
    assert given_to(found) == [0]
    assert found.repairs == [repair("dropped", "because 1", 0.2)]


def test_a_claim_moves_to_the_passage_that_supports_it_and_says_what_the_cited_one_lacked() -> None:
    found = decide((1,), 0.2, 0.7, 0.9)
    assert given_to(found) == [2]
    assert found.repairs == [repair("moved", "because 0", 0.9)]


def test_a_claim_moves_from_a_passage_that_may_support_it_to_one_that_does() -> None:
    found = decide((1,), 0.6, 0.95)
    assert (given_to(found), found.repairs) == ([1], [repair("moved", "because 0", 0.95)])
    assert given_to(decide((1,), 0.75, 0.95)) == [0]
    assert given_to(decide((1, 2), 0.6, 0.95)) == [0, 1]


def test_a_claim_that_its_own_passage_does_not_support_needs_more_of_another_one() -> None:
    assert given_to(decide((1,), 0.2, 0.75)) == [1]
    assert decide((1,), 0.2, 0.7499) == Outcome([], [repair("removed", "because 0", 0.2)])
    assert given_to(decide((1, 2), 0.2, 0.6)) == [1]


def test_a_claim_without_a_citation_needs_more_than_one_that_cites_its_passage() -> None:
    assert given_to(decide((), 0.2, 0.6)) == [1]
    assert decide((), 0.2, 0.5999) == Outcome([], [repair("removed", "because 1", 0.5999)])
    assert given_to(outcome(Judged(Claim("It is so.", ()), {0: says(0.8)}), 1, 0.9)) == []


def test_what_another_passage_must_have_is_never_less_than_what_every_passage_must() -> None:
    verdicts = {0: says(0.2), 1: says(0.8)}
    assert given_to(outcome(Judged(Claim("It is so.", (1,)), verdicts), 2, 0.9)) == []


def test_of_two_that_support_it_alike_the_one_that_ranks_higher_is_given() -> None:
    assert given_to(decide((), 0.2, 0.9, 0.9)) == [1]


def test_a_claim_without_a_marker_is_given_the_passage_that_supports_it() -> None:
    found = decide((), 0.2, 0.7)
    assert given_to(found) == [1]
    assert found.repairs == [repair("added", "it cited no passage", 0.7)]


@pytest.mark.parametrize("marker", [0, 3, 999])
def test_a_marker_that_points_nowhere_is_no_citation_and_the_claim_moves(marker: int) -> None:
    found = decide((marker,), 0.2, 0.7)
    assert given_to(found) == [1]
    assert [each["action"] for each in found.repairs] == ["moved"]


def test_a_claim_that_nothing_supports_is_removed_with_what_its_own_passage_lacked() -> None:
    assert decide((1,), 0.1, 0.3) == Outcome([], [repair("removed", "because 0", 0.1)])
    assert decide((1, 2), 0.1, 0.3) == Outcome([], [repair("removed", "because 1", 0.3)])


def test_a_claim_without_a_marker_is_removed_with_what_the_best_passage_lacked() -> None:
    assert decide((), 0.1, 0.3) == Outcome([], [repair("removed", "because 1", 0.3)])


def test_without_a_passage_every_claim_is_removed() -> None:
    assert decide((1,)) == Outcome([], [repair("removed", "no passage", 0.0)])


def test_a_passage_cited_twice_counts_once() -> None:
    assert Judged(Claim("It is so.", (2, 1, 2, 9, 0)), {}).cited(2) == [1, 0]


def test_scores_are_rounded_in_repairs() -> None:
    assert decide((), 0.123456).repairs[0]["support"] == 0.1235


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("The pump lasts.", True),
        ("5 EUR", True),
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
    assert is_absence(Claim(text, ()))


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
    assert not is_absence(Claim(text, ()))


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
    found = together([Outcome([(0, says(0.9))], []), Outcome([(1, says(0.8))], [])], CLAIM)
    assert found == Outcome([(0, says(0.9)), (1, says(0.8))], [])


def test_when_one_clause_falls_they_all_do() -> None:
    assert together([Outcome([(0, says(0.9))], []), Outcome([], [])], CLAIM) is None
    assert together([], CLAIM) is None


def test_a_repair_of_a_clause_is_told_for_the_whole_claim() -> None:
    parts = [Outcome([(0, says(0.9))], []), Outcome([(1, says(0.8))], [repair("moved", "x", 0.8, "the pump lasts.")])]
    found = together(parts, CLAIM)
    assert found
    assert found.repairs == [repair("moved", "x", 0.8, CLAIM.text)]


def test_a_source_that_one_of_the_clauses_keeps_is_not_told_as_dropped() -> None:
    parts = [
        Outcome([(0, says(0.9))], [repair("dropped", "x", 0.1, "The seal is red")]),
        Outcome([(1, says(0.8))], [repair("dropped", "y", 0.1, "the pump lasts.")]),
    ]
    found = together(parts, CLAIM)
    assert found
    assert found.repairs == []


def test_two_clauses_from_two_stretches_of_one_passage_keep_both() -> None:
    one, other = says(0.9, start=0, end=16), says(0.8, start=17, end=32)
    found = together([Outcome([(0, one)], []), Outcome([(0, other)], [])], CLAIM)
    assert found
    assert [verdict for _, verdict in found.given] == [one, other]


def put(draft: str, *outcomes: Outcome | None, passages: list[Passage] | None = None) -> Checked:
    return assemble(claims_of(draft), outcomes, passages or [passage()])


def stands(*numbers: int) -> Outcome:
    return Outcome([(number, says(0.9)) for number in numbers], [])


FALLS = Outcome([], [repair("removed", "x", 0.1)])


def test_a_claim_that_stands_is_followed_by_its_markers() -> None:
    found = put("The seal is red [7].", stands(0))
    assert (found.text, found.cited, found.uncited, found.repairs) == ("The seal is red. [1]", 1, 0, [])
    assert [(each["quote"], each["support"]) for each in found.citations] == [("The seal is red.", 0.9)]


def test_a_claim_that_falls_leaves_the_text_and_is_counted_and_told() -> None:
    found = put("The seal is red. The fan is loud. [1]", stands(0), FALLS)
    assert (found.text, found.cited, found.uncited) == ("The seal is red. [1]", 1, 1)
    assert found.repairs == FALLS.repairs


def test_markers_are_numbered_anew_in_the_order_of_the_text() -> None:
    passages = [passage(id=name) for name in "abc"]
    found = put("The pump lasts [3]. The seal is red [1].", stands(2), stands(0), passages=passages)
    assert found.text == "The pump lasts. [1] The seal is red. [2]"
    assert [(each["marker"], each["passage"]) for each in found.citations] == [(1, "c"), (2, "a")]


def test_a_claim_may_have_several_citations() -> None:
    found = put("The seal is red.", stands(1, 0), passages=[passage(id="a"), passage(id="b")])
    assert (found.text, [each["passage"] for each in found.citations]) == ("The seal is red. [1] [2]", ["b", "a"])


def test_what_tells_of_an_absence_stays_without_a_citation_and_without_a_repair() -> None:
    found = put("The seal is red. The passages do not mention a price.", stands(0), Outcome([], [], absent=True))
    assert found.text == "The seal is red. [1] The passages do not mention a price."
    assert (found.cited, found.uncited, found.repairs) == (1, 1, [])


def test_a_sentence_that_leads_to_a_claim_stays_and_falls_with_it() -> None:
    draft = "It has these:\n- a red seal [1]"
    assert put(draft, None, stands(0)).text == "It has these:\n- a red seal [1]"
    assert put(draft, None, FALLS).text == ""


def test_a_sentence_that_leads_nowhere_does_not_stay() -> None:
    assert put("The seal is red. It is so:", stands(0), None).text == "The seal is red. [1]"


def test_paragraphs_and_lists_keep_their_shape() -> None:
    draft = "The seal is red. [1]\n\nThe pump lasts. [1]\n- The fan is quiet [1]"
    found = assemble(claims_of(draft), [stands(0)] * 3, [passage()])
    assert found.text == "The seal is red. [1]\n\nThe pump lasts. [1]\n- The fan is quiet [1]"


def test_a_heading_stays_over_the_claim_that_follows_it() -> None:
    assert put("## Parts\n\nThe seal is red.", stands(0)).text == "## Parts\n\nThe seal is red. [1]"


def test_a_heading_stays_over_the_second_claim_when_the_first_falls() -> None:
    found = put("## Parts\n\nThe fan is loud. The seal is red.", FALLS, stands(0))
    assert found.text == "## Parts\n\nThe seal is red. [1]"


def test_a_table_keeps_its_header_when_its_first_row_falls() -> None:
    found = put("| Part | Colour |\n|---|---|\n| fan | blue |\n| seal | red |", FALLS, stands(0))
    assert found.text == "| Part | Colour |\n|---|---|\n| seal | red | [1]"


def test_a_heading_cannot_say_what_no_passage_says() -> None:
    assert "nine" not in put("## The warranty is nine years\n\nThe seal is red.", stands(0)).text


def test_a_heading_goes_when_nothing_is_left_under_it() -> None:
    draft = "## Parts\n\nThe fan is loud.\n\n## Colours\n\nThe seal is red."
    assert put(draft, FALLS, stands(0)).text == "## Colours\n\nThe seal is red. [1]"


def test_a_numbered_heading_stays() -> None:
    assert put("## 7. Parts\n\nThe seal is red.", stands(0)).text.startswith("## 7. Parts")


@pytest.mark.parametrize("lead", ["It costs 900 EUR, which is for:", "Montara and Corrento have:"])
def test_a_lead_that_names_what_no_passage_has_does_not_stay(lead: str) -> None:
    assert put(f"{lead}\n- a red seal [1]", None, stands(0)).text == "- a red seal [1]"


@pytest.mark.parametrize("word", ["Yes.", "No.", "Correct!", "Yes,"])
def test_a_yes_is_no_claim(word: str) -> None:
    assert not is_claim(Claim(word, ()))


def test_a_yes_stays_with_what_follows_it() -> None:
    assert put("Yes. The seal is red.", None, stands(0)).text == "Yes. The seal is red. [1]"
    assert put("Yes. The fan is loud.", None, FALLS).text == ""


def test_nothing_that_stands_is_no_text() -> None:
    found = put("The fan is loud.", FALLS)
    assert (found.text, found.citations, found.cited, found.uncited) == ("", [], 0, 1)


def test_no_claims_are_no_text() -> None:
    assert put("") == Checked("", [], 0, 0)


def test_a_verdict_without_a_window_cites_the_whole_passage() -> None:
    found = put("The seal is red.", Outcome([(0, Verdict(0.9, None, ""))], []))
    assert [each["quote"] for each in found.citations] == [TEXT]


def test_offsets_are_those_of_the_document() -> None:
    found = put("The pump lasts.", Outcome([(0, says(0.9, start=17, end=32))], []), passages=[passage(start=500)])
    assert [(each["start"], each["end"], each["quote"]) for each in found.citations] == [(517, 532, "The pump lasts.")]


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
    given_one = st.builds(lambda n, span, score: (n, says(score, "", *span)), st.integers(0, 2), spans, st.floats(0, 1))
    some = st.builds(lambda found: Outcome(found, []), st.lists(given_one, max_size=2, unique_by=lambda pair: pair[0]))
    found = assemble(claims, [data.draw(st.none() | some) for _ in claims], passages)
    assert set(re.findall(r"\w+", MARKERS.sub("", found.text))) <= set(re.findall(r"\w+", draft))
    assert {int(n) for n in re.findall(r"\[(\d+)\]", found.text)} == {each["marker"] for each in found.citations}
    assert [each["marker"] for each in found.citations] == list(range(1, len(found.citations) + 1))
    for each in found.citations:
        own = passages[int(each["passage"])]
        assert each["quote"] == own["text"][each["start"] - own["start"] : each["end"] - own["start"]]
    assert found.cited + found.uncited <= len(claims)
