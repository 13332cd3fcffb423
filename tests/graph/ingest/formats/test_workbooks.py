"""Excel files: what people see of their sheets, and nothing of what is hidden."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from graph.ingest.document import Refused
from graph.ingest.formats.extract import extract
from graph.ingest.formats.xlsx import shown

XML = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
Rows = Mapping[int, Sequence[object]]
FORMATS = {"%": 1, "date": 2, "kg": 3, "struck": 4}
STYLES = (
    f'{XML}<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="0.0&quot; kg&quot;"/></numFmts>'
    "<fonts><font/><font><strike/></font></fonts>"
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="14"/><xf numFmtId="164"/><xf fontId="1"/></cellXfs>'
    "</styleSheet>"
)


def cell(place: str, value: object) -> str:
    if isinstance(value, tuple):
        return f'<c r="{place}" s="{FORMATS[value[1]]}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>' if value else f'<c r="{place}" s="1"/>'


def sheet(rows: Rows, *, hidden: Sequence[int] = (), columns: str = "", merged: str = "") -> str:
    body = "".join(
        f'<row r="{number}" hidden="{int(number in hidden)}">'
        + "".join(cell(f"{chr(65 + place)}{number}", value) for place, value in enumerate(row))
        + "</row>"
        for number, row in rows.items()
    )
    merges = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f"{XML}<worksheet {MAIN}>{columns}<sheetData>{body}</sheetData>{merges}</worksheet>"


def book(path: Path, states: Mapping[str, str], *sheets: str) -> Path:
    names = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{states[name]}" r:id="r{n}"/>' for n, name in enumerate(states)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>' for n in range(len(sheets))
    )
    workbook = f'{XML}<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        first = f'<Relationship Id="r0" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f"{XML}<Relationships {PACKAGE}>{first}</Relationships>")
        archive.writestr("xl/workbook.xml", workbook)
        archive.writestr("xl/_rels/workbook.xml.rels", f"{XML}<Relationships {PACKAGE}>{links}</Relationships>")
        archive.writestr("xl/styles.xml", STYLES)
        for number, text in enumerate(sheets):
            archive.writestr(f"xl/worksheets/s{number}.xml", text)
    return path


def one(path: Path, rows: Rows, **told: object) -> str:
    return extract(book(path / "a.xlsx", {"Stock": "visible"}, sheet(rows, **told))).text  # type: ignore[arg-type]


def test_values_are_written_as_people_see_them(tmp_path: Path) -> None:
    names = ["Part", "Left", "Off", "Since", "Mass", "Sold"]
    values = ["nut", 30, (0.15, "%"), (45413, "date"), (2, "kg"), True]
    assert one(tmp_path, {2: names, 3: values}) == (
        "## Stock\n\n| Part | Left | Off | Since | Mass | Sold |\n| --- | --- | --- | --- | --- | --- |\n"
        "| nut | 30 | 15% | 2024-05-01 | 2.0 kg | TRUE |"
    )


def test_raised_and_struck_out_text_of_a_cell_is_no_part_of_its_number(tmp_path: Path) -> None:
    raised = "</t><r><t>250</t></r><r><rPr><vertAlign val='superscript'/></rPr><t>2</t></r><t>"
    struck = "</t><r><rPr><strike/></rPr><t>90 EUR</t></r><r><t> 80 EUR</t></r><t>"
    file = book(
        tmp_path / "a.xlsx", {"S": "visible"}, sheet({1: ["Item", "Price"], 2: ["Rope", raised], 3: ["", struck]})
    )
    document = extract(file)
    assert document.text.endswith("\n| Rope | 250 [^2] |\n|  | 80 EUR |")
    assert document.warnings == ("struck-out text was left out",)


def test_a_sheet_of_opendocument_is_read_as_it_is_shown(tmp_path: Path) -> None:
    names = ("text", "style", "table", "office")
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    up = '<style:style style:name="U" style:family="text"><style:text-properties style:text-position="super"/>'
    table = "".join(
        f'<table:table-row table:visibility="{seen}">'
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for seen, row in {
            "visible": ["Rope", '250<text:span text:style-name="U">2</text:span>'],
            "collapse": ["Secret", "13"],
        }.items()
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:automatic-styles>{up}</style:style></office:automatic-styles>"
            f'<office:body><office:spreadsheet><table:table table:name="S">{table}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    document = extract(tmp_path / "a.ods")
    assert document.text.endswith("--- |\n| Rope | 250 [^2] |")
    assert document.warnings == ("hidden text was left out",)


def test_a_merged_cell_and_a_date_of_opendocument_are_read_in_each_row(tmp_path: Path) -> None:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("text", "table", "office")
    )
    site = '<table:table-cell table:number-rows-spanned="2"><text:p>Lund</text:p></table:table-cell>'
    day = '<table:table-cell office:date-value="2026-02-{}"><text:p>{}/02</text:p></table:table-cell>'
    head = "".join(f"<table:table-cell><text:p>{name}</text:p></table:table-cell>" for name in ("Site", "Day"))
    cells = [head, site + day.format("01", "01"), "<table:covered-table-cell/>" + day.format("09", "09")]
    empty = '<table:table-cell table:number-columns-repeated="16380"/>'
    rows = "".join(f"<table:table-row>{row}{empty}</table:table-row>" for row in cells)
    rest = f'<table:table-row table:number-rows-repeated="1048570">{empty}</table:table-row>'
    sheets = f'<office:spreadsheet><table:table table:name="S">{rows}{rest}</table:table></office:spreadsheet>'
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body>{sheets}</office:body></office:document-content>",
        )
    assert extract(tmp_path / "a.ods").text.endswith("| Lund | 2026-02-01 |\n| Lund | 2026-02-09 |")


def test_cells_in_a_struck_out_style_are_not_read(tmp_path: Path) -> None:
    values = ["nut", (30, "struck")]
    file = book(tmp_path / "a.xlsx", {"S": "visible"}, sheet({1: ["Part", "Left"], 2: values, 3: ["bolt", 7]}))
    document = extract(file)
    assert "30" not in document.text
    assert document.warnings == ("The struck-out cells (1) of the sheet S were not read.",)


def test_empty_rows_separate_titles_tables_and_notes(tmp_path: Path) -> None:
    stock: Rows = {1: ["Stock list"], 3: ["Part", "Left"], 4: ["nut", 30], 6: ["bolt", 7]}
    staff: Rows = {9: ["Site", "Staff"], 10: ["Lund", 4], 12: ["As of May."]}
    assert one(tmp_path, {**stock, **staff}) == (
        "## Stock\n\nStock list\n\n| Part | Left |\n| --- | --- |\n| nut | 30 |\n| bolt | 7 |\n\n"
        "| Site | Staff |\n| --- | --- |\n| Lund | 4 |\n\nAs of May."
    )


def test_a_cell_that_is_merged_downwards_names_each_row(tmp_path: Path) -> None:
    text = one(tmp_path, {1: ["Site", "Grade", "Days"], 2: ["Lund", "A", 3], 3: ["", "B", 4]}, merged="A2:A3")
    assert text.endswith("| Lund | A | 3 |\n| Lund | B | 4 |")


def test_hidden_sheets_rows_and_columns_are_left_out_and_told_of(tmp_path: Path) -> None:
    columns = '<cols><col min="3" max="3" hidden="1"/></cols>'
    seen = sheet({1: ["Part", "Price", "Cost"], 2: ["nut", 3, 1], 3: ["bolt", 4, 2]}, hidden=[3], columns=columns)
    secret = sheet({1: ["Cost", "Margin"], 2: [1, 2]})
    states = {"Prices": "visible", "Purchase": "hidden", "Margins": "veryHidden"}
    found = extract(book(tmp_path / "a.xlsx", states, seen, secret, secret))
    assert found.text == "## Prices\n\n| Part | Price |\n| --- | --- |\n| nut | 3 |"
    assert found.warnings == (
        "The hidden rows (1) and hidden columns (1) of the sheet Prices were not read.",
        "The hidden sheet Purchase was not read.",
        "The hidden sheet Margins was not read.",
    )


def test_a_sheet_that_reaches_too_far_is_not_held_in_memory(tmp_path: Path) -> None:
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    far = sheet({1: ["Part"]}).replace("</sheetData>", last)
    found = extract(book(tmp_path / "a.xlsx", {"Far": "visible", "Near": "visible"}, far, sheet({1: ["Part"]})))
    assert found.text == "## Near\n\nPart"
    assert found.warnings[0].startswith("The sheet Far was not read: it reaches over 1048576 rows and 16384 columns")


def test_many_empty_rows_add_nothing(tmp_path: Path) -> None:
    empty = {number: ["", ""] for number in range(3, 20_000)}
    assert one(tmp_path, {1: ["Part", "Left"], 2: ["nut", 30], **empty}).endswith("| nut | 30 |")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"no workbook"])
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(Refused, match=r"^corrupt: "):
        extract(tmp_path / "a.xlsx")


def test_an_encrypted_workbook_is_refused_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(Refused, match=r"^password: "):
        extract(tmp_path / "a.xlsx")


def test_a_workbook_that_hides_all_says_so(tmp_path: Path) -> None:
    hidden = book(tmp_path / "a.xlsx", {"Costs": "hidden", "Notes": "visible"}, sheet({1: ["Cost"]}), sheet({}))
    with pytest.raises(Refused, match=r"^no text: The hidden sheet Costs was not read\.$"):
        extract(hidden)


def test_a_sheet_that_cannot_be_understood_is_refused(tmp_path: Path) -> None:
    broken = book(tmp_path / "a.xlsx", {"S": "visible"}, "<worksheet><sheetData><row r='1'>")
    with pytest.raises(Refused, match=r"^corrupt: its description of the sheets cannot be read"):
        extract(broken)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.125, "0.0%", "12.5%"),
        (1234.5, "#,##0.00 [$€-407]", "1234.50 €"),
        (5, '"$"#,##0', "$ 5"),
        (123, "00000", "00123"),
        (-4, "0;[Red]-0", "-4"),
        (2500, '0.0,"K"', "2500"),
        (0.1 + 0.2, "General", "0.3"),
        (12, "0.00E+00", "12"),
    ],
)
def test_a_number_is_shown_by_its_format(value: float, code: str, text: str) -> None:
    assert shown(value, code) == text
