"""The layout of tables: a good header stays, and what is no header is not taken for one."""

import pytest

from graph.text.tables import fill_group_names, layout, layout_of


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.split("/")]


HEADED = {
    "numbers below": "Part|Stock|Price/Belt|4|12 EUR/Seal|9|3 EUR",
    "all text": "Team|Lead|Place/Blue|Ann Orr|Lund/Red|Ben Poe|Oslo",
    "years as names": "Region|2022|2023/North|10|12/South|8|7",
    "a scale as names": "kW|1|2|5/Price|100|150|300/Mass|4|6|9",
    "amounts as names": "Hose|10 bar|20 bar/20 °C|5.1|5.3/40 °C|4.8|5.0",
    "dates as names": "Item|31 Dec 2024/Cash|4,100/Debt|200/Stock|900",
    "things as columns": "Property|LX-1|LX-2/Mass|40 kg|44 kg/Price|900 EUR|990 EUR",
    "a blank corner": "|LX-1|LX-2/Mass|40 kg|44 kg/Lift|3 m|4 m",
    "a name for mixed values": "Item|Maximum/Weight|30 kg/Length|2 m/Value|500 EUR",
    "values and words": "Plan|Seats|Price/Free|unlimited|0/Team|20|15",
    "ordinals": "Site|1st half|2nd half/Lund|30|40/Oslo|20|25",
    "a name that is also a value": "Name|Type/name|text/age|int",
    "a column without a name": "Team|/Ann|clerk/Ben|cook",
    "one row": "Model|Mass|Power/Q7|12 kg|2 kW",
    "bold": "**Name**|**4410**/Ann|4411/Ben|4412",
    "notes in cells": "Rule|Text/R1|Doors are shut at night by the guard./R2|Keys are handed in before ten.",
}
BARE = {
    "labels of amounts": ("Weight|30 kg/Height|1.2 m/Maker|Falco AG", "pairs"),
    "two labels": ("Weight|30 kg/Height|1.2 m", "pairs"),
    "labels with colons": ("Name:|Ann Orr/Team:|Blue/Room:|B-12", "pairs"),
    "labels of an address": ("Contact|ann@falco.example/Desk|B-12/Hours|9 to 5", "pairs"),
    "labels of dates": ("Valid from|2024-02-01/Owner|Finance/Issue|3", "pairs"),
    "labels of counts": ("Rooms|12/Beds|30/Floors|3", "pairs"),
    "labels of a thing with a code": ("Pump|PX-40/Flow|30 l/Head|12 m/Mass|9 kg", "pairs"),
    "pairs side by side": ("Mass|30 kg|Height|1.2 m/Power|2 kW|Noise|60 dB", "pairs"),
    "records": ("P1|Lund|14|2020-01-02/P2|Oslo|15|2020-02-02", "plain"),
    "numbered rows": ("1|Open the lid/2|Pull the plug/3|Dry it", "plain"),
    "years below years": ("Ann|1984|2020/Ben|1979|2011/Cid|1990|2022", "plain"),
    "things without names": ("Mass|40 kg|44 kg/Lift|3 m|4 m/Price|900 EUR|990 EUR", "plain"),
    "the same word again": ("Ann|Sales/Ben|Sales/Cid|Sales/Dea|Tech", "pairs"),
    "one row": ("Open|Monday", "plain"),
}


@pytest.mark.parametrize("text", HEADED.values(), ids=HEADED)
def test_a_header_stays(text: str) -> None:
    found = layout(rows(text))
    assert (found.titles, found.header, found.first, found.kind) == ((), tuple(rows(text)[0]), 1, "records")


@pytest.mark.parametrize(("text", "kind"), BARE.values(), ids=BARE)
def test_a_first_row_of_data_is_no_header(text: str, kind: str) -> None:
    found = layout(rows(text))
    assert (found.titles, found.header, found.first, found.kind) == ((), None, 0, kind)


def test_lines_above_the_header_are_titles() -> None:
    found = layout(rows("Report||||/Region|North|||/||||/Site|Q1|Q2|Q3|Q4/Lund|1|2|3|4"))
    assert (found.titles, found.first) == (("Report", "Region: North"), 4)
    assert found.header == ("Site", "Q1", "Q2", "Q3", "Q4")


def test_a_title_over_all_columns_stands_above_labels_too() -> None:
    found = layout(rows("Dryer QX|Dryer QX/Mass|30 kg/Noise|60 dB"))
    assert (found.titles, found.header, found.first) == (("Dryer QX",), None, 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Region|2024||2025|/|Q1|Q2|Q1|Q2/North|1|2|3|4", ["Region", "2024 Q1", "2024 Q2", "2025 Q1", "2025 Q2"]),
        ("Site|Cost|Cost|Staff/Site|plan|real|Staff/Lund|1|2|3", ["Site", "Cost plan", "Cost real", "Staff"]),
        ("Model|Power|Mass/|kW|(kg)/A1|3|20/A2|4|25", ["Model", "Power (kW)", "Mass (kg)"]),
    ],
)
def test_a_header_of_two_lines_is_joined(text: str, names: list[str]) -> None:
    found = layout(rows(text))
    assert (list(found.header or ()), found.first) == (names, 2)


def test_a_row_of_words_under_the_header_is_data() -> None:
    assert layout(rows("Region|Q1|Q2|/North|n/a|none|closed/South|3|4|".replace("n/a", "-"))).first == 1


def test_an_empty_header_says_that_there_is_none() -> None:
    assert layout_of(rows("|/Team|Lead/Blue|Ann")).header is None


def test_the_first_rows_alone_tell_the_layout() -> None:
    assert layout([["Part", "Stock"], *[["belt", "4"]] * 60, *[["belt", "many"]] * 500]).header == ("Part", "Stock")


def test_a_cell_over_several_rows_names_each_of_them() -> None:
    table = rows("Norway|Junior|25/|Senior|31/Spain|Junior|22/|Senior|26")
    assert [row[0] for row in fill_group_names(table)] == ["Norway", "Norway", "Spain", "Spain"]


@pytest.mark.parametrize("text", ["North|1|2/South|3|4/|4|6", "Pump|axial|1/Fan|radial|2/|Total|3", "A|b|c/|d|/|e|f"])
def test_totals_and_torn_rows_belong_to_no_group(text: str) -> None:
    assert fill_group_names(rows(text)) == rows(text)
