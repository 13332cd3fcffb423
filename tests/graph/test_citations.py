from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.citations import Claim, check, claims_of, page_at, support
from graph.state import Citation, Passage


def passage(text: str, **changes: Any) -> Passage:
    plain = {"id": "guide.md#0", "document": "guide.md", "file": "guide.md", "title": "Guide", "section": ""}
    place: dict[str, Any] = {"header": "", "page": None, "page_breaks": [], "start": 0, "end": len(text), "text": text}
    return cast(Passage, {**plain, **place, "metadata": {}, "score": 1.0, **changes})


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


@pytest.mark.parametrize("draft", ["", "  ", "...", "[1]", "[1] [2]."])
def test_a_draft_without_words_makes_no_claim(draft: str) -> None:
    assert claims_of(draft) == []


@pytest.mark.parametrize("text", ["See [2024].", "See [a].", "See [].", "See [1-2]."])
def test_brackets_that_hold_no_marker_stay_in_the_claim(text: str) -> None:
    assert claims_of(text) == [Claim(text, ())]


def test_support_is_the_share_of_the_claims_words_that_the_quote_holds() -> None:
    assert support("The pump lasts years", "A pump will last") == 2 / 3


def test_a_claim_with_a_number_that_the_quote_lacks_is_not_supported() -> None:
    assert support("The pump lasts 10 years", "The pump lasts 5 years") == 0.0
    assert support("The pump lasts 5 years", "The pump lasts 5 years, the seal 10") == 1.0


def test_a_claim_without_content_is_not_supported() -> None:
    assert support("It is so.", "It is so.") == 0.0


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_support_is_a_share_and_a_text_supports_itself(claim: str, quote: str) -> None:
    assert 0.0 <= support(claim, quote) <= 1.0
    assert support(claim, claim) in (0.0, 1.0)


def test_a_supported_claim_gets_the_exact_span_it_comes_from() -> None:
    text = "Check the seal. The pump lasts 10 years. Store it dry."
    found = check("The pump lasts 10 years [1].", [passage(text, start=100, end=154)], 0.5)
    citation = Citation(
        marker=1,
        passage="guide.md#0",
        document="guide.md",
        file="guide.md",
        title="Guide",
        page=None,
        start=116,
        end=140,
        quote="The pump lasts 10 years.",
        support=1.0,
    )
    assert (found.text, found.citations, found.cited, found.uncited) == (
        "The pump lasts 10 years. [1]",
        [citation],
        1,
        0,
    )


def test_a_claim_drawn_from_two_neighbours_is_given_both() -> None:
    text = "The pump is steel. It lasts 10 years. Call us."
    found = check("The steel pump lasts 10 years [1].", [passage(text)], 0.9)
    assert [citation["quote"] for citation in found.citations] == ["The pump is steel. It lasts 10 years."]


def test_a_claim_is_found_in_a_table_row_by_the_names_of_its_columns() -> None:
    row = passage("| seal | 2 years |", header="| Part | Interval |")
    found = check("The interval of the part seal is 2 years [1].", [row], 1.0)
    assert [citation["quote"] for citation in found.citations] == ["| seal | 2 years |"]


@pytest.mark.parametrize("marker", [0, 2, 999])
def test_a_marker_that_points_nowhere_is_dropped(marker: int) -> None:
    found = check(f"The pump lasts [{marker}].", [passage("The pump lasts.")], 0.5)
    assert (found.text, found.citations, found.cited, found.uncited) == ("The pump lasts.", [], 0, 1)


def test_a_marker_whose_passage_does_not_support_the_claim_is_dropped() -> None:
    found = check("The pump lasts 10 years [1].", [passage("The pump lasts 5 years.")], 0.1)
    assert (found.text, found.citations, found.cited, found.uncited) == ("The pump lasts 10 years.", [], 0, 1)


def test_a_claim_needs_the_support_that_the_release_asks_for() -> None:
    quote = passage("The pump lasts.")
    assert check("The steel pump lasts [1].", [quote], 0.66).cited == 1
    assert check("The steel pump lasts [1].", [quote], 0.67).cited == 0


def test_markers_are_numbered_anew_in_the_order_of_the_text() -> None:
    passages = [passage("The seal is red.", id="a"), passage("Unused.", id="b"), passage("The pump lasts.", id="c")]
    found = check("The pump lasts [3]. The seal is red [1].", passages, 0.5)
    assert found.text == "The pump lasts. [1] The seal is red. [2]"
    assert [(each["marker"], each["passage"]) for each in found.citations] == [(1, "c"), (2, "a")]


def test_the_same_span_cited_twice_is_one_citation_with_the_weaker_support() -> None:
    found = check("The pump lasts [1]. The steel pump lasts [1].", [passage("The pump lasts.")], 0.5)
    assert found.text == "The pump lasts. [1] The steel pump lasts. [1]"
    assert [(each["marker"], each["support"]) for each in found.citations] == [(1, 0.6667)]


def test_one_claim_may_cite_two_passages_and_none_of_them_twice() -> None:
    passages = [passage("The pump lasts.", id="a"), passage("A pump lasts long.", id="b")]
    found = check("The pump lasts [1][2][1].", passages, 0.5)
    assert (found.text, len(found.citations), found.cited) == ("The pump lasts. [1] [2]", 2, 1)


def test_claims_with_and_without_a_citation_are_counted() -> None:
    found = check("The pump lasts [1]. The seal is red. All is well [7].", [passage("The pump lasts.")], 0.5)
    assert (found.cited, found.uncited) == (1, 2)


def test_a_citation_names_the_page_on_which_its_span_begins() -> None:
    text = "Check the seal. The pump lasts."
    placed = passage(text, start=100, end=131, page=3, page_breaks=[116])
    found = check("Check the seal [1]. The pump lasts [1].", [placed], 0.5)
    assert [(each["quote"], each["page"]) for each in found.citations] == [
        ("Check the seal.", 3),
        ("The pump lasts.", 4),
    ]


@pytest.mark.parametrize(("offset", "page"), [(0, 2), (9, 2), (10, 3), (19, 3), (20, 4), (99, 4)])
def test_a_page_begins_exactly_at_its_break(offset: int, page: int) -> None:
    assert page_at(passage("", page=2, page_breaks=[10, 20]), offset) == page


def test_a_document_without_pages_has_no_page() -> None:
    assert page_at(passage("", page=None), 5) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["The pump lasts", "5 years", "[1]", "[2]", "[9]", ".", "\n", "é"]), max_size=12),
    st.lists(
        st.sampled_from(["The pump lasts 5 years.", "It is é.", "- red\n- 5 years", "😀"]), min_size=1, max_size=3
    ),
)
def test_every_quote_is_an_exact_slice_and_every_marker_has_its_citation(draft: list[str], texts: list[str]) -> None:
    document = "\n\n".join(texts)
    starts = [len("\n\n".join(texts[:number])) + 2 * bool(number) for number in range(len(texts))]
    found = check(
        " ".join(draft), [passage(text, id=str(at), start=at) for at, text in zip(starts, texts, strict=True)], 0.4
    )
    assert [each["quote"] for each in found.citations] == [document[e["start"] : e["end"]] for e in found.citations]
    assert [each["marker"] for each in found.citations] == list(range(1, len(found.citations) + 1))
    assert {marker for claim in claims_of(found.text) for marker in claim.markers} == {
        each["marker"] for each in found.citations
    }


def test_a_marker_inside_a_sentence_does_not_split_it() -> None:
    assert [(claim.text, claim.markers) for claim in claims_of("The cap [1] is 5 kW. It holds [2, 3].")] == [
        ("The cap is 5 kW.", (1,)),
        ("It holds.", (2, 3)),
    ]


def test_a_marker_before_the_first_sentence_belongs_to_it() -> None:
    assert [(claim.text, claim.markers) for claim in claims_of("[1] It is so.")] == [("It is so.", (1,))]


def test_paragraphs_of_a_draft_stay_paragraphs() -> None:
    passages = [passage("The cap is 5 kW. The fan is quiet.")]
    checked = check("The cap is 5 kW. [1]\n\nThe fan is quiet. [1]", passages, 0.5)
    assert checked.text == "The cap is 5 kW. [1]\n\nThe fan is quiet. [2]"


def test_a_sign_is_part_of_a_number() -> None:
    assert support("Store at -20 degrees.", "Store at 20 degrees.") == 0.0
