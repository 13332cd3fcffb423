"""Tables of converted documents are written as they are meant."""

from dataclasses import replace

import pytest

from graph.ingest.formats.tables import to_markdown, with_layout
from graph.text.sentences import units
from graph.text.tables import layout

GOOD = "Before.\n\n| Part  | Price |\n| ----- | ----- |\n| belt  | 4 EUR |\n| a \\| b | 9 EUR |\n\nAfter."


@pytest.mark.parametrize("text", [GOOD, "No table.", "```\n| a | b |\n|---|---|\n```", "| a | b |\n|---|---|\n| | c |"])
def test_a_good_table_stays_as_it_is(text: str) -> None:
    assert with_layout(text) == text


def test_labels_and_values_get_an_empty_header() -> None:
    text = with_layout("# Dryer\n\n| Mass | 30 kg |\n| ---- | ----- |\n| Noise | 60 dB |\nAfter.")
    assert text.startswith("# Dryer\n\n|  |  |\n| --- | --- |\n| Mass | 30 kg |\n| Noise | 60 dB |\n")
    assert [unit.reading for unit in units(text)][:2] == ["Mass: 30 kg", "Noise: 60 dB"]
    assert with_layout(text) == text


def test_labels_side_by_side_come_one_below_the_other() -> None:
    text = with_layout("| Mass | 30 kg | Height | 1.2 m |\n|---|---|---|---|\n| Power | 2 kW | Noise | 60 dB |")
    said = [unit.reading for unit in units(text)]
    assert said == ["Mass: 30 kg", "Height: 1.2 m", "Power: 2 kW", "Noise: 60 dB"]


def test_titles_go_above_the_table_and_notes_below_it() -> None:
    table = "| Fees | Fees | Fees |\n|---|---|---|\n| Site | Day | Night |\n|  |  |  |\n| Lund | 3 | 4 |\n"
    text = with_layout(f"Text.\n\n{table}| Site | Day | Night |\n| * without tax | | |\n\nMore.")
    kept = "| Site | Day | Night |\n| --- | --- | --- |\n| Lund | 3 | 4 |"
    assert text == f"Text.\n\nFees\n\n{kept}\n\n* without tax\n\nMore."


def test_empty_columns_are_dropped() -> None:
    text = with_layout("| Class |  | Sign |\n|---|---|---|\n| Common |  | QX |")
    assert text == "| Class | Sign |\n| --- | --- |\n| Common | QX |"


def test_a_box_of_one_cell_is_text() -> None:
    assert with_layout("| Do not open the lid. |\n| --- |") == "Do not open the lid."


def test_each_part_of_a_table_has_its_header() -> None:
    rows = [["Stock", "", ""], ["Part", "Price", "Left"], *([f"P{n}", str(n), "a|b"] for n in range(40))]
    found = layout(rows)
    first = to_markdown(found, rows[found.first : 20])
    later = to_markdown(replace(found, titles=()), rows[20:])
    assert first.startswith("Stock\n\n| Part | Price | Left |\n| --- | --- | --- |\n| P0 | 0 | a\\|b |\n")
    assert later.startswith("| Part | Price | Left |\n| --- | --- | --- |\n| P18 | 18 | a\\|b |\n")
    assert len(first.split("\n")) + len(later.split("\n")) == 40 + 2 * 2 + 2
