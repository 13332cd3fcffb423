import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.ingest.chunk import REMNANT, cut
from graph.ingest.document import Chunk, Document
from graph.release import Chunking

SIZES = Chunking(target_tokens=32, minimum_tokens=8)
few = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

line = st.text(st.characters(), max_size=40)
word = st.text(st.sampled_from("aé😀保_*`|#-"), min_size=1, max_size=8)
paragraph = st.lists(word, min_size=1, max_size=60).map(" ".join)
block = st.one_of(
    line,
    paragraph,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "###"]), word),
    st.builds("{}\n===".format, word),
    st.builds("```\n{}\n\n# no heading\n```".format, paragraph),
    st.lists(word, min_size=1, max_size=20).map(lambda items: "\n".join(f"- {item}\n  - {item}" for item in items)),
    st.lists(word, min_size=1, max_size=20).map(
        lambda rows: "| a | b |\n|---|---|\n" + "\n".join(f"| {r} | 1 |" for r in rows)
    ),
    st.builds("Q: {}?\nA: {}".format, paragraph, paragraph),
    st.builds("**{}?**\n\n{}".format, word, paragraph),
    st.sampled_from(
        ["> quoted", "<div>\n\nhtml\n\n</div>", "[a]: https://x.org", "---", "```\nunclosed", "\u00a0", "    code"]
    ),
    st.integers(200, 900).map("x".__mul__),
)
markdown = st.lists(block, max_size=12).map("\n\n".join)


def count(text: str) -> int:
    """Words, and a token more for each ten letters of a long one."""
    return sum(1 + len(word) // 10 for word in text.split())


def numbered(start: int, end: int) -> str:
    return " ".join(f"w{number}" for number in range(start, end))


def texts(document: Document, sizes: Chunking = SIZES) -> list[str]:
    return [document.text[chunk.start : chunk.end] for chunk in cut(document, sizes, count)]


def test_a_short_document_is_one_chunk() -> None:
    assert cut(Document("# Care\n\nCheck the seal."), SIZES, count) == [Chunk(0, 23, "Care", "", None, ())]


@pytest.mark.parametrize("text", ["", "\n\n  \n", "\u00a0"])
def test_a_document_of_nothing_but_space_has_no_chunk(text: str) -> None:
    assert texts(Document(text)) == texts(Document(text, structured=False)) == []


@few
@given(markdown, st.booleans())
def test_chunks_in_order_cover_every_word_of_any_document(text: str, structured: bool) -> None:
    chunks = cut(Document(text, structured=structured), SIZES, count)
    bounds = [offset for chunk in chunks for offset in (chunk.start, chunk.end)]
    assert bounds == sorted(bounds)
    assert "".join("".join(text[c.start : c.end].split()) for c in chunks) == "".join(text.split())


@few
@given(markdown, st.booleans())
def test_no_chunk_is_empty(text: str, structured: bool) -> None:
    assert [each for each in texts(Document(text, structured=structured)) if not each.strip()] == []


@few
@given(st.lists(st.one_of(paragraph, st.integers(200, 900).map("x".__mul__)), max_size=12).map("\n\n".join))
def test_no_chunk_of_running_text_is_larger_than_the_target_and_a_remnant(text: str) -> None:
    most = (1 + REMNANT) * SIZES.target_tokens
    assert [each for each in texts(Document(text, structured=False)) if count(each) > most] == []


@few
@given(markdown)
def test_the_same_document_is_always_cut_the_same(text: str) -> None:
    assert cut(Document(text), SIZES, count) == cut(Document(text), SIZES, count)


@few
@given(markdown, markdown)
def test_front_matter_is_left_out_and_offsets_are_into_the_whole_text(front: str, text: str) -> None:
    whole = cut(Document(front + text, body=len(front)), SIZES, count)
    alone = cut(Document(text), SIZES, count)
    assert [(c.start - len(front), c.end - len(front), c.section) for c in whole] == [
        (c.start, c.end, c.section) for c in alone
    ]


def test_paragraphs_are_packed_up_to_the_target() -> None:
    parts = [numbered(0, 20), numbered(20, 32), numbered(32, 62)]
    assert texts(Document("\n\n".join(parts))) == [f"{parts[0]}\n\n{parts[1]}", parts[2]]


def test_a_heading_begins_a_chunk_when_the_one_before_has_the_least_size() -> None:
    first, second = f"# One\n\n{numbered(0, 8)}", f"# Two\n\n{numbered(8, 16)}"
    assert texts(Document(f"{first}\n\n{second}")) == [first, second]


def test_a_section_below_the_least_size_goes_with_the_next() -> None:
    text = f"# One\n\nBrief.\n\n# Two\n\n{numbered(0, 8)}"
    assert [(c.section, c.end) for c in cut(Document(text), SIZES, count)] == [("One", len(text))]


def test_a_heading_stays_with_the_text_below_it() -> None:
    below = numbered(0, 32)
    assert texts(Document(f"# One\n\n## Care\n\n{below}")) == [f"# One\n\n## Care\n\n{below}"]


@pytest.mark.parametrize(
    "question",
    ["# Where is it?", "**Where is it?**", "Q: Where is it?", "Where is it?", "<details>\n<summary>Place</summary>"],
)
def test_a_question_stays_with_its_answer(question: str) -> None:
    before, answer = numbered(0, 24), numbered(30, 56)
    found = texts(Document(f"{before}\n\n{question}\n\n{answer}"), Chunking(target_tokens=32, minimum_tokens=28))
    assert found == [before, f"{question}\n\n{answer}"]


def test_pairs_in_one_paragraph_are_cut_between_pairs() -> None:
    pairs = [f"Q: Where is {n}?\nA: {numbered(n, n + 9)}." for n in range(0, 60, 10)]
    found = texts(Document("\n".join(pairs)))
    assert len(found) > 1
    assert [each for each in found if not each.startswith("Q: ") or each.count("Q:") != each.count("A:")] == []


def test_a_short_rest_of_a_section_goes_with_the_chunk_before_it() -> None:
    text = f"{numbered(0, 32)}\n\n{numbered(32, 36)}"
    assert texts(Document(text)) == [text]


def test_a_section_is_the_path_of_headings_above_it() -> None:
    body = numbered(0, 10)
    text = f"# A\n\n{body}\n\n### C\n\n{body}\n\n## B\n\n{body}\n\nSetext\n======\n\n{body}"
    assert [c.section for c in cut(Document(text), SIZES, count)] == ["A", "A > C", "A > B", "Setext"]


def test_a_section_is_named_without_emphasis_or_attributes() -> None:
    assert [c.section for c in cut(Document("# The **big** `pump` {#pump}\n\nText."), SIZES, count)] == ["The big pump"]


def test_a_hash_in_a_code_fence_is_no_heading() -> None:
    text = f"# A\n\n```\n# not a heading\n```\n\n{numbered(0, 8)}"
    assert [c.section for c in cut(Document(text), SIZES, count)] == ["A"]


def test_a_carriage_return_is_no_line_end() -> None:
    text = f"# A\n\nb\rc\r\rd\n\n# B\n\n{numbered(0, 30)}"
    sizes = Chunking(target_tokens=32, minimum_tokens=2)
    assert [(c.section, text[c.start : c.end]) for c in cut(Document(text), sizes, count)] == [
        ("A", "# A\n\nb\rc\r\rd"),
        ("B", f"# B\n\n{numbered(0, 30)}"),
    ]


def test_headings_mean_nothing_in_an_unstructured_document() -> None:
    assert [c.section for c in cut(Document("# A\n\nText.", structured=False), SIZES, count)] == [""]


def test_a_list_that_is_too_long_is_cut_between_its_items() -> None:
    items = [f"- {numbered(number, number + 9)}" for number in range(0, 54, 9)]
    assert texts(Document("\n".join(items))) == ["\n".join(items[:3]), "\n".join(items[3:])]


def test_a_paragraph_that_is_too_long_is_cut_between_its_sentences() -> None:
    said = [f"The {numbered(number, number + 14)}." for number in range(0, 56, 14)]
    assert texts(Document(" ".join(said))) == [" ".join(said[:2]), " ".join(said[2:])]


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    found = texts(Document(numbered(0, 100)))
    assert " ".join(found) == numbered(0, 100)
    assert max(map(count, found)) <= 32


def test_a_word_that_is_too_long_is_cut_inside() -> None:
    found = texts(Document("x" * 1000))
    assert "".join(found) == "x" * 1000
    assert max(map(count, found)) <= (1 + REMNANT) * 32


def test_the_header_row_of_a_table_is_carried_to_its_later_chunks() -> None:
    rows = [f"| part{number} | {number} months |" for number in range(12)]
    text = "\n".join(["| Part | Interval |", "| --- | --- |", *rows])
    headers = [chunk.header for chunk in cut(Document(text), SIZES, count)]
    assert headers == ["", *["| Part | Interval |"] * (len(headers) - 1)]
    assert len(headers) > 1


def test_a_table_without_header_carries_none_and_one_under_a_title_its_own() -> None:
    body = "\n".join(f"| Part {n} | {n} kg |" for n in range(200))
    for top, header in (("| Part | 7 kg |", ""), ("| Parts of May | |\n|---|---|\n| Part | Mass |", "| Part | Mass |")):
        rule = "" if "---" in top else "\n|---|---|"
        later = {chunk.header for chunk in cut(Document(f"{top}{rule}\n{body}"), SIZES, count)[1:]}
        assert later == {header}


def test_a_table_that_fits_carries_no_header() -> None:
    assert [c.header for c in cut(Document("Text.\n\n| a | b |\n|---|---|\n| 1 | 2 |"), SIZES, count)] == [""]


def test_a_document_without_pages_has_chunks_without_a_page() -> None:
    assert [(c.page, c.page_breaks) for c in cut(Document("Text."), SIZES, count)] == [(None, ())]


def test_a_chunk_names_the_page_it_begins_on_and_where_further_pages_begin() -> None:
    pages = [numbered(0, 30), numbered(30, 45), numbered(45, 60), numbered(60, 90)]
    starts = tuple(len("\n\n".join(pages[:number])) + 2 * bool(number) for number in range(4))
    document = Document("\n\n".join(pages), page_starts=starts)
    assert [(c.start, c.page, c.page_breaks) for c in cut(document, SIZES, count)] == [
        (0, 1, ()),
        (starts[1], 2, (starts[2],)),
        (starts[3], 4, ()),
    ]


@few
@given(st.lists(paragraph, min_size=1, max_size=8))
def test_every_word_is_on_the_page_that_its_chunk_says(pages: list[str]) -> None:
    starts = tuple(len("\n\n".join(pages[:number])) + 2 * bool(number) for number in range(len(pages)))
    for chunk in cut(Document("\n\n".join(pages), page_starts=starts), SIZES, count):
        assert chunk.page == sum(start <= chunk.start for start in starts)
        assert chunk.page_breaks == tuple(start for start in starts if chunk.start < start < chunk.end)


def test_a_header_that_would_drown_its_rows_is_left_out() -> None:
    wide = "| " + " | ".join(f"column{number}" for number in range(40)) + " |"
    rows = "\n".join("| " + " | ".join(f"r{row}" for _ in range(40)) + " |" for row in range(5))
    document = Document(f"{wide}\n{'|---' * 40}|\n{rows}")
    chunks = cut(document, SIZES, count)
    assert len(chunks) > 5
    assert {chunk.header for chunk in chunks} == {""}


def test_no_chunk_reaches_over_a_long_stretch_of_blanks() -> None:
    text = "Before it." + "\n\n" + " " * 5_000 + "\n\n" + "After it."
    chunks = cut(Document(text), SIZES, count)
    assert [text[chunk.start : chunk.end] for chunk in chunks] == ["Before it.", "After it."]
