from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.sentences import cells, plain, reading_of_row, units
from graph.text.splitting import sentences, trim

few = settings(deadline=None)
TABLE = "| Part | Interval |\n| --- | --- |\n| filter | 6 months |\n| seal | 2 years |"


def readings(text: str, header: str = "") -> list[str]:
    return [unit.reading for unit in units(text, header)]


def quotes(text: str) -> list[str]:
    return [text[unit.start : unit.end] for unit in units(text)]


def test_trim_moves_both_ends_off_the_space() -> None:
    assert trim("ab  cd \n ef", 2, 9) == (4, 6)


def test_trimming_nothing_but_space_leaves_an_empty_stretch() -> None:
    start, end = trim("a   b", 1, 4)
    assert start >= end


def test_sentences_are_offsets_into_the_whole_text() -> None:
    text = "Skip this. Check the seal.  Replace it yearly. And this."
    assert [text[a:b] for a, b in sentences(text, 11, 46)] == ["Check the seal.", "Replace it yearly."]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    text = "Ask Dr. Smith about it. He knows."
    assert [text[a:b] for a, b in sentences(text, 0, len(text))] == ["Ask Dr. Smith about it.", "He knows."]


@few
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_sentences_lose_nothing_of_a_text_but_space(text: str) -> None:
    found = sentences(text, 0, len(text))
    assert "".join("".join(text[a:b] for a, b in found).split()) == "".join(text.split())


@few
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_units_are_ordered_stretches_that_do_not_overlap(text: str) -> None:
    ends = [offset for unit in units(text) for offset in (unit.start, unit.end)]
    assert ends == sorted(ends)
    assert [quote for quote in quotes(text) if not quote.strip()] == []


def test_each_sentence_of_a_paragraph_can_be_quoted() -> None:
    text = "Check the seal.\nReplace it\nyearly.\n\nStore it dry."
    assert quotes(text) == ["Check the seal.", "Replace it\nyearly.", "Store it dry."]
    assert readings(text) == ["Check the seal.", "Replace it yearly.", "Store it dry."]


def test_each_list_item_is_a_unit_without_its_bullet() -> None:
    text = "Bring:\n- a wrench\n* two seals\n3. some oil\n4) a cloth"
    assert readings(text) == ["Bring:", "a wrench", "two seals", "some oil", "a cloth"]


def test_a_list_item_keeps_its_continued_line() -> None:
    assert readings("- a wrench\n  of steel\n- a cloth") == ["a wrench of steel", "a cloth"]


def test_headings_and_rules_are_not_quotable() -> None:
    assert readings("# Maintenance\n\nCheck it.\n\n---\n\n## Storage\nKeep it dry.") == ["Check it.", "Keep it dry."]


def test_a_hash_without_a_space_is_no_heading() -> None:
    assert readings("#5 is the spare part.") == ["#5 is the spare part."]


def test_a_table_row_is_read_with_the_names_of_its_columns() -> None:
    assert readings(TABLE) == ["Part: filter; Interval: 6 months", "Part: seal; Interval: 2 years"]
    assert quotes(TABLE) == ["| filter | 6 months |", "| seal | 2 years |"]


def test_rows_whose_header_stands_in_an_earlier_passage_are_read_with_it() -> None:
    assert readings("| seal | 2 years |", "| Part | Interval |") == ["Part: seal; Interval: 2 years"]


def test_a_second_table_has_its_own_names() -> None:
    text = "| seal | 2 years |\n\n| Model | Power |\n|---|---|\n| K5 | 5 kW |"
    assert readings(text, "| Part | Interval |") == ["Part: seal; Interval: 2 years", "Model: K5; Power: 5 kW"]


def test_a_row_that_does_not_fit_the_header_is_read_without_it() -> None:
    assert readings("| Part | Interval |\n|---|---|\n| seal | 2 years | dry |") == ["seal; 2 years; dry"]


def test_rows_of_label_and_value_are_read_under_no_other_row() -> None:
    assert readings("| Weight | 30 kg |\n|---|---|\n| **Height:** | 1.2 m |") == ["Weight: 30 kg", "Height: 1.2 m"]


def test_a_table_with_an_empty_header_has_none() -> None:
    assert readings("|  |  |  |\n|---|---|---|\n| Ann | clerk | B1 |") == ["Ann; clerk; B1"]


def test_a_title_row_is_read_alone_and_the_row_below_it_names_the_columns() -> None:
    text = "| May | | |\n|---|---|---|\n| Part | Shelf | Pieces |\n| nut | A1 | 30 |\n| Part | Shelf | Pieces |"
    assert readings(text) == ["May", "Part: nut; Shelf: A1; Pieces: 30"]


def test_a_heading_between_rows_has_no_label() -> None:
    text = "| Part | Shelf | Pieces |\n|---|---|---|\n| Seals | | |\n| ring | A1 | 30 |"
    assert readings(text) == ["Seals", "Part: ring; Shelf: A1; Pieces: 30"]


def test_a_unit_without_a_letter_or_digit_is_left_out() -> None:
    assert readings("...\n\n| - | * |\n\nReal text.") == ["Real text."]


def test_the_cells_of_a_row_come_without_space_and_emphasis() -> None:
    assert cells("  | **Part** | 6 months |  ") == ["Part", "6 months"]
    assert cells("| a | | c |") == ["a", "", "c"]


def test_an_empty_cell_and_a_nameless_column_are_read_without_a_colon() -> None:
    assert reading_of_row(["seal", "", "dry"], ["Part", "Interval", ""]) == "Part: seal; dry"


def test_running_text_has_no_bullet_emphasis_link_target_or_line_break() -> None:
    assert plain("- **Read** the [manual](https://x.org/m.pdf)\n  `before` _use_") == "Read the manual before use"


def test_an_underscore_inside_a_word_stays() -> None:
    assert plain("set max_tokens and a*b") == "set max_tokens and a*b"


def test_marks_of_quoted_blocks_and_footnotes_are_no_words() -> None:
    assert plain("> Do not touch\n> the lid.") == "Do not touch the lid."
    assert plain("[^1]: Only after a meal.") == "Only after a meal."


def test_the_last_row_before_a_rule_is_a_row() -> None:
    text = "| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |\n\n---\n\nText here."
    assert [unit.reading for unit in units(text)] == ["a: 1; b: 2", "a: 3; b: 4", "Text here."]


def test_an_empty_first_cell_and_a_bar_in_a_cell_are_kept() -> None:
    assert cells("|| a | b \\| c |") == ["", "a", "b | c"]


def test_a_multiplication_is_no_emphasis() -> None:
    assert plain("**Two** times *three*: 2 * 3 kW") == "Two times three: 2 * 3 kW"


def test_a_line_in_capitals_is_a_heading_and_not_part_of_the_sentence_below() -> None:
    text = "WHAT CAN BE LOST\nIn the worst case one day.\n\nE52 is an alarm.\n\nCALL US AT ONCE!"
    assert [unit.reading for unit in units(text)] == [
        "In the worst case one day.",
        "E52 is an alarm.",
        "CALL US AT ONCE!",
    ]
