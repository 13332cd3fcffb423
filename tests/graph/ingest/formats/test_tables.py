"""Tables of converted documents are written as they are meant."""

from dataclasses import replace

from graph.ingest.formats.tables import table_of, to_markdown
from graph.text.sentences import units
from graph.text.tables import layout


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.split("\n")]


def test_labels_and_values_get_an_empty_header() -> None:
    text = table_of(rows("Mass|30 kg\nNoise|60 dB"))
    assert text == "|  |  |\n| --- | --- |\n| Mass | 30 kg |\n| Noise | 60 dB |"
    assert [unit.reading for unit in units(text)] == ["Mass: 30 kg", "Noise: 60 dB"]


def test_labels_side_by_side_come_one_below_the_other() -> None:
    text = table_of(rows("Mass|30 kg|Height|1.2 m\nPower|2 kW|Noise|60 dB"))
    said = [unit.reading for unit in units(text)]
    assert said == ["Mass: 30 kg", "Height: 1.2 m", "Power: 2 kW", "Noise: 60 dB"]


def test_titles_go_above_the_table_without_what_is_empty() -> None:
    fees = "Fees|Fees||Fees\nSite|Day||Night\n|||\nLund|3||4\nSite|Day||Night"
    kept = "| Site | Day | Night |\n| --- | --- | --- |\n| Lund | 3 | 4 |"
    assert table_of(rows(fees)) == f"Fees\n\n{kept}"


def test_a_box_of_one_cell_is_text() -> None:
    assert table_of([["Do not open the lid."]]) == "Do not open the lid."


def test_each_part_of_a_table_has_its_header() -> None:
    stock = [["Stock", "", ""], ["Part", "Price", "Left"], *([f"P{n}", str(n), "a|b"] for n in range(40))]
    found = layout(stock)
    first = to_markdown(found, stock[found.first : 20])
    later = to_markdown(replace(found, titles=()), stock[20:])
    assert first.startswith("Stock\n\n| Part | Price | Left |\n| --- | --- | --- |\n| P0 | 0 | a\\|b |\n")
    assert later.startswith("| Part | Price | Left |\n| --- | --- | --- |\n| P18 | 18 | a\\|b |\n")
    assert len(first.split("\n")) + len(later.split("\n")) == 40 + 2 * 2 + 2
