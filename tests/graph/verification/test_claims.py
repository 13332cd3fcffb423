"""Splitting a draft into claims, and making citations."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import passage_of

from graph.state import Citation, Passage
from graph.verification.claims import (
    MARKERS,
    CitationList,
    Claim,
    claim_content,
    claims_of,
    page_at,
    plain_claim,
    with_markers,
)


def passage(text: str, **changes: Any) -> Passage:
    named = {"id": "guide.md#0", "document": "guide.md", "file": "guide.md", "title": "Guide"}
    return passage_of(text, **{**named, **changes})


def read(draft: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(claim.text, claim.markers) for claim in claims_of(draft)]


def gaps(draft: str) -> list[str]:
    return [claim.gap for claim in claims_of(draft)]


def test_a_marker_belongs_to_the_sentence_before_it() -> None:
    assert claims_of("It lasts ten years. [1] It is free [2].") == [
        Claim("It lasts ten years.", (1,)),
        Claim("It is free.", (2,)),
    ]


@pytest.mark.parametrize("draft", ["It is so [1][2].", "It is so [1] [2].", "It is so [1, 2].", "It is so. [ 1 ,2 ]"])
def test_several_markers_in_any_form_belong_to_one_claim(draft: str) -> None:
    assert claims_of(draft) == [Claim("It is so.", (1, 2))]


def test_a_sentence_without_a_marker_is_a_claim_without_one() -> None:
    assert claims_of("It is so. It is free [1].") == [Claim("It is so.", ()), Claim("It is free.", (1,))]


@pytest.mark.parametrize("draft", ["", "  ", "...", "[1]", "[1] [2].", "\n\n", "😀 [1]", "---", "\u200b"])
def test_a_draft_without_words_makes_no_claim(draft: str) -> None:
    assert claims_of(draft) == []


@pytest.mark.parametrize("text", ["See [2024].", "See [a].", "See [].", "See [1-2]."])
def test_brackets_that_hold_no_marker_stay_in_the_claim(text: str) -> None:
    assert claims_of(text) == [Claim(text, ())]


def test_a_marker_inside_a_sentence_does_not_split_it() -> None:
    assert read("The cap [1] is 5 kW. It holds [2, 3].") == [("The cap is 5 kW.", (1,)), ("It holds.", (2, 3))]


def test_a_marker_before_the_first_sentence_belongs_to_it() -> None:
    assert read("[1] It is so.") == [("It is so.", (1,))]


def test_an_abbreviation_does_not_end_a_claim() -> None:
    assert read("Dr. Smith [1] came. He left [2].") == [("Dr. Smith came.", (1,)), ("He left.", (2,))]


def test_sentences_of_another_language_are_claims() -> None:
    assert read("価格は5円です。[1] 次は6円です。[2]") == [("価格は5円です。", (1,)), ("次は6円です。", (2,))]


@pytest.mark.parametrize(
    ("draft", "claims"),
    [
        ("- A is red [1]\n- B is blue [2]", [("A is red", (1,)), ("B is blue", (2,))]),
        ("* A is red [1]\n* B is blue", [("A is red", (1,)), ("B is blue", ())]),
        ("1. Open it. [1]\n2. Close it. [2]", [("Open it.", (1,)), ("Close it.", (2,))]),
        ("1) Open it [1]\n2) Close it [2]", [("Open it", (1,)), ("Close it", (2,))]),
        ("Bring:\n- a wrench [1]", [("Bring:", ()), ("a wrench", (1,))]),
        ("- A: red [1]\n  - and deep [2]", [("A: red", (1,)), ("and deep", (2,))]),
    ],
)
def test_each_item_of_a_list_is_a_claim(draft: str, claims: list[tuple[str, tuple[int, ...]]]) -> None:
    assert read(draft) == claims


def test_each_row_of_a_table_is_a_claim_and_its_header_none() -> None:
    table = "| Part | Days |\n|---|---|\n| Seal | 5 [1] |\n| Fan | 6 [2] |"
    assert read(table) == [("| Seal | 5 |", (1,)), ("| Fan | 6 |", (2,))]


@pytest.mark.parametrize("heading", ["# Warranty\n\n", "## Warranty\n", "WARRANTY TERMS\n"])
def test_a_heading_stands_in_the_gap_before_the_claim(heading: str) -> None:
    assert claims_of(f"{heading}It is five years [1].") == [Claim("It is five years.", (1,), heading)]


def test_a_draft_of_headings_only_is_read_as_claims() -> None:
    assert "".join(claim.text for claim in claims_of("# Warranty")) == "# Warranty"


def test_what_stands_between_claims_is_kept_where_it_shapes_the_text() -> None:
    assert gaps("A is so. B is so.\nC is not.\n\n- D is so\n- E is so") == [" ", " ", "\n", "\n\n- ", "\n- "]


def test_a_marker_made_of_two_is_no_marker_and_does_not_stay() -> None:
    assert not any(MARKERS.search(claim.text) for claim in claims_of("It is so [[1]2]."))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="["), max_size=120))
def test_claims_and_the_gaps_between_them_lose_no_word_of_a_draft(draft: str) -> None:
    claims = claims_of(draft)
    result = "".join(claim.gap + claim.text for claim in claims)
    assert all(claim.text.strip() == claim.text and claim.text for claim in claims)
    assert "".join(result.split()) in "".join(draft.split())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["A is so.", "B is 5 [1]", "[2]", "\n", "\n\n", "- c [3]", "# D", "| e | f |", "é!"])))
def test_every_marker_of_a_draft_with_words_is_told(pieces: list[str]) -> None:
    draft = " ".join(pieces)
    result = [marker for claim in claims_of(draft) for marker in claim.markers]
    assert sorted(result) == sorted(int(n) for n in re.findall(r"\[(\d)\]", draft) if claims_of(draft))


def test_a_row_is_said_as_its_cells_and_other_claims_without_their_signs() -> None:
    assert plain_claim("| Seal | | 5 days |") == "Seal; 5 days"
    assert plain_claim("**The** [seal](x.md) is\n`red`.") == "The seal is red."


@pytest.mark.parametrize(
    "lead",
    [
        "According to the documents, ",
        "Based on the information provided in the passages, ",
        "As stated in the handbook, ",
        "Yes, according to the provided context, ",
        "In the text above, ",
        "",
    ],
)
def test_what_only_tells_where_a_claim_is_from_is_not_stated(lead: str) -> None:
    assert claim_content(f"{lead}the **seal** is red.") == "the seal is red."


@pytest.mark.parametrize(
    "claim",
    [
        "According to the 2019 handbook, the seal is red.",
        "According to Corrento, the seal is red.",
        "In the cellar, the seal is red.",
        "In the documents of the buyer, the seal is red.",
        "The documents, in red, lie here.",
        "According to the documents,",
    ],
)
def test_what_a_lead_says_of_its_own_is_stated(claim: str) -> None:
    assert claim_content(claim) == claim


def test_markers_stand_behind_a_claim_once_each_and_in_order() -> None:
    assert with_markers("It is so.", [2, 1, 2]) == "It is so. [1] [2]"
    assert with_markers("It is so .", [1]) == "It is so. [1]"
    assert with_markers("It is so.", []) == "It is so."


def test_a_citation_is_the_exact_slice_of_its_document() -> None:
    text, citations = "Check the seal. The pump lasts 10 years. Store it dry.", CitationList()
    assert citations.marker(passage(text, start=100), (16, 40), 0.98765) == 1
    assert citations.citations == [
        Citation(
            marker=1,
            passage="guide.md#0",
            document="guide.md",
            file="guide.md",
            title="Guide",
            page=None,
            start=116,
            end=140,
            quote="The pump lasts 10 years.",
            support=0.9877,
            verdict="supported",
        )
    ]


def test_citations_are_numbered_in_the_order_in_which_they_are_given() -> None:
    citations, one, other = CitationList(), passage("One. Two.", id="a"), passage("One. Two.", id="b")
    assert [citations.marker(each, span, 1.0) for each in (other, one) for span in ((0, 4), (5, 9))] == [1, 2, 3, 4]
    assert [each["passage"] for each in citations.citations] == ["b", "b", "a", "a"]


def test_the_same_span_cited_twice_is_one_citation_with_the_weaker_support() -> None:
    citations = CitationList()
    result = [citations.marker(passage("One. Two."), (0, 4), support) for support in (0.9, 0.6, 0.8)]
    assert (result, [each["support"] for each in citations.citations]) == ([1, 1, 1], [0.6])


def test_a_citation_names_the_page_on_which_its_span_begins() -> None:
    citations = CitationList()
    placed = passage("Check the seal. The pump lasts.", start=100, end=131, page=3, page_breaks=[116])
    citations.marker(placed, (0, 15), 1.0)
    citations.marker(placed, (16, 31), 1.0)
    assert [each["page"] for each in citations.citations] == [3, 4]


@pytest.mark.parametrize(("offset", "page"), [(0, 2), (9, 2), (10, 3), (19, 3), (20, 4), (99, 4)])
def test_a_page_begins_exactly_at_its_break(offset: int, page: int) -> None:
    assert page_at(passage("", page=2, page_breaks=[10, 20]), offset) == page


def test_a_document_without_pages_has_no_page() -> None:
    assert page_at(passage("", page=None), 5) is None


def test_brackets_in_brackets_are_read_to_some_depth_only() -> None:
    assert claims_of("It is so [[1]].")[0].markers == (1,)
    assert claims_of("It is so " + "[" * 5000 + "1" + "]" * 5000)[0].text
