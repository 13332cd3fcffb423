"""Files of many formats become Documents with pages, or a Refusal that says why not."""

import os
import zipfile
from pathlib import Path

import pytest
from docx import Document as Word
from fpdf import FPDF
from PIL import Image, ImageDraw
from support import QUICK, die_of_the_deadly_one

from graph.errors import SettingsInvalid
from graph.ingest.document import Document, Refusal, Refused, Source
from graph.ingest.formats.extract import extract
from graph.ingest.formats.pdf import RunningLines, unreadable
from graph.ingest.options import Options
from graph.ingest.reading import read_all
from graph.settings import point_to_tessdata
from graph.text.sentences import units


def pdf(path: Path, *pages: str, password: str = "") -> Path:
    document = FPDF()
    document.set_font("helvetica", size=12)
    for page in pages:
        document.add_page()
        document.multi_cell(0, text=page)
    if password:
        document.set_encryption(owner_password="owner", user_password=password)
    document.output(str(path))
    return path


def read(*paths: Path, seconds: float = 60) -> list[Document | Refusal]:
    sources = [Source(path.name, path.name, path, "") for path in paths]
    options = Options(seconds_per_file=seconds, most_megabytes=20)
    outcomes = [outcome for _, outcome in read_all(sources, QUICK, options)]
    return [outcome if isinstance(outcome, Refusal) else outcome.document for outcome in outcomes]


def page_of(document: Document, words: str) -> int:
    place = document.text.index(words)
    return sum(start <= place for start in document.page_starts)


def test_a_pdf_knows_its_pages(tmp_path: Path) -> None:
    document = extract(
        pdf(tmp_path / "a.pdf", "The quota of a project is 50 GB.", "The warranty of a pump is 5 years.")
    )
    assert len(document.page_starts) == 2
    assert (page_of(document, "50 GB"), page_of(document, "5 years")) == (1, 2)
    assert extract(pdf(tmp_path / "a.pdf", "The quota is 50 GB.")).page_starts == (0,)


def test_a_sentence_in_larger_type_is_no_heading_of_a_pdf(tmp_path: Path) -> None:
    document = FPDF()
    document.add_page()
    for size, text in ((24, "Quotas"), (16, "A project has 50 GB at most."), (10, "Ask for more. " * 30)):
        document.set_font("helvetica", size=size)
        document.multi_cell(0, text=text, new_x="LMARGIN", new_y="NEXT")
    document.output(str(tmp_path / "a.pdf"))
    lines = extract(tmp_path / "a.pdf").text.split("\n")
    assert "A project has 50 GB at most." in lines
    assert [line for line in lines if line.startswith("#")] == ["# Quotas"]


def test_a_pdf_whose_keywords_may_restrict_it_is_in_doubt(tmp_path: Path) -> None:
    document = FPDF()
    document.set_font("helvetica", size=12)
    document.add_page()
    document.multi_cell(0, text="The quota is 50 GB.")
    document.set_keywords("allowed_groups: board")
    document.output(str(tmp_path / "a.pdf"))
    assert "'allowed_groups' may be meant to restrict it" in extract(tmp_path / "a.pdf").doubt


def test_a_pdf_with_a_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^password: "):
        extract(pdf(tmp_path / "a.pdf", "The quota is 50 GB.", password="secret"))


def test_a_word_file_keeps_its_headings_and_tables(tmp_path: Path) -> None:
    word = Word()
    word.add_heading("Warranty", 1)
    word.add_paragraph("It is five years.")
    table = word.add_table(rows=2, cols=2)
    for cell, text in zip(
        [c for row in table.rows for c in row.cells], ["Part", "Term", "Fan", "2 years"], strict=True
    ):
        cell.text = text
    word.save(str(tmp_path / "a.docx"))
    document = extract(tmp_path / "a.docx")
    assert document.text.startswith("# Warranty\n\nIt is five years.")
    assert "| Fan | 2 years |" in document.text
    assert document.title == "Warranty"


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.py"])
def test_archives_and_code_are_refused_since_their_files_would_lose_their_access(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("b.md", "---\nallowed_groups: [board]\n---\nThe takeover is on 4 May.")
    with pytest.raises(Refused, match=r"^unsupported: files of type \.\w+ are not read"):
        extract(tmp_path / name)


def test_html_loses_its_markup(tmp_path: Path) -> None:
    head = "<html><head><title>Travel</title><meta name='x' content='y'></head>"
    body = "<body><h1>Hotels</h1><p>At most 145&nbsp;EUR.</p><script>var x = 1</script></body></html>"
    (tmp_path / "a.html").write_text(head + body)
    document = extract(tmp_path / "a.html")
    assert (document.title, document.text.split()) == ("Travel", ["#", "Hotels", "At", "most", "145", "EUR."])


@pytest.mark.parametrize("kind", ["html", "docx"])
def test_a_table_of_label_and_value_keeps_its_labels(tmp_path: Path, kind: str) -> None:
    rows = [("Mass", "30 kg"), ("Noise", "60 dB"), ("Maker | Seller", "Falco")]
    if kind == "html":
        cells = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in rows)
        (tmp_path / "a.html").write_text(f"<h1>Dryer</h1><table>{cells}</table>")
    else:
        word = Word()
        table = word.add_table(0, 2)
        for label, value in rows:
            row = table.add_row().cells
            row[0].text, row[1].text = label, value
        word.save(str(tmp_path / "a.docx"))
    said = [unit.reading for unit in units(extract(tmp_path / f"a.{kind}").text)]
    assert said == ["Mass: 30 kg", "Noise: 60 dB", "Maker | Seller: Falco"]


def test_an_element_of_values_in_xml_is_a_line(tmp_path: Path) -> None:
    trees = '<tree id="7"><name>Öl &amp; Oak</name><height>20 m</height></tree><note>Cut <b>in</b> May.</note>'
    declared = f'<?xml version="1.0" encoding="iso-8859-1"?><park>{trees}</park>'
    (tmp_path / "a.xml").write_bytes(declared.encode("latin-1"))
    assert extract(tmp_path / "a.xml").text == "# park\n\n- id: 7; name: Öl & Oak; height: 20 m\n\nCut in May."


def test_a_text_file_is_kept_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One  line.\n\n\n\nA &amp; B \\* c.\n")
    assert extract(tmp_path / "a.txt").text == "One  line.\n\n\n\nA &amp; B \\* c.\n"


def test_front_matter_is_metadata_and_offsets_still_count_it(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: Quota\nregion: NO\n---\n# Storage\n")
    document = extract(tmp_path / "a.md")
    assert (document.metadata, document.text[document.body :]) == ({"title": "Quota", "region": "NO"}, "# Storage\n")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty: "),
        ("a.md", b" \n\n", "empty: "),
        ("a.txt", b"--- ... ---", "no text: "),
        ("a.pdf", b"this is no PDF", "corrupt: "),
        ("a.docx", b"PK\x03\x04 cut", "corrupt: "),
        ("a.xyz", b"\x00\x01", "unsupported: files of type .xyz are not read"),
        ("a.env", b"A=1", "unsupported: files of type .env are not read"),
        ("a.md", b"---\nregion: [EU\n---\ntext", "bad front matter: line 3"),
        ("a.eml", b"Content-Type: multipart/encrypted; protocol=x\n\nabc", "password: the message is encrypted"),
        ("a.msg", "\nContent-Type: multipart/encrypted".encode("utf-16-le"), "password: the message is encrypted"),
    ],
)
def test_a_file_that_cannot_be_indexed_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match="^" + reason):
        extract(tmp_path / name)


@pytest.mark.parametrize("name", ["a.htm", "a.xhtml", "a.mht", "a.mhtml"])
def test_a_page_is_read_as_it_is_shown_whatever_it_is_saved_as(tmp_path: Path, name: str) -> None:
    head = "Subject: Load\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
    page = "<html><head><title>Load</title></head><body>10<sup>6</sup> N<p hidden>no</p></body></html>"
    (tmp_path / name).write_text(head + page + "\n--b--\n" if ".mht" in name else page)
    document = extract(tmp_path / name)
    assert (document.title, document.text) == ("Load", "10^6 N")


def test_a_long_line_of_blanks_or_of_encoded_data_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Gate 4\n" + " " * 30_000 + "b\n" + "A1b+/" * 6_000)
    assert extract(tmp_path / "a.txt").text.split() == ["Gate", "4", "b"]


@pytest.mark.parametrize("name", ["README", "guide.adoc"])
def test_files_without_an_ending_and_asciidoc_are_text(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("The quota is 50 GB.")
    assert extract(tmp_path / name).text == "The quota is 50 GB."


def test_a_reader_that_dies_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = pdf(tmp_path / "good.pdf", "The quota is 50 GB.")
    (tmp_path / "deadly.pdf").write_bytes(good.read_bytes())
    monkeypatch.setattr("graph.ingest.reading.read_and_cut", die_of_the_deadly_one)
    died, read_well = read(tmp_path / "deadly.pdf", good)
    assert died == Refusal(
        "deadly.pdf", "corrupt: its reader died (exit code -9), as it does when it needs more than 2048 MB"
    )
    assert isinstance(read_well, Document)


def test_a_reader_that_hangs_costs_one_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hang.pdf")
    [outcome] = read(tmp_path / "hang.pdf", seconds=1)
    assert outcome == Refusal("hang.pdf", "too slow: it could not be read within 1 s")


def test_a_bomb_of_zeros_does_not_stop_the_others(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<w:document>" + b"0" * 50_000_000)
    bomb, good = read(tmp_path / "bomb.docx", pdf(tmp_path / "good.pdf", "The quota is 50 GB."))
    assert isinstance(bomb, Refusal)
    assert isinstance(good, Document)


def test_lines_with_bullets_or_numbers_are_items_in_a_pdf(tmp_path: Path) -> None:
    bullets, numbers = "- a valid pass of the\nplant\n- boots", "1. Ring.\n2. Wait for\n12. May to end.\n3. Enter."
    assert extract(pdf(tmp_path / "a.pdf", f"Bring along:\n{bullets}\n\nThen:\n{numbers}")).text == (
        "Bring along:\n\n- a valid pass of the plant\n- boots\n\n"
        "Then:\n\n1. Ring.\n2. Wait for 12. May to end.\n3. Enter."
    )


def test_rows_without_lines_around_them_stay_apart_in_a_pdf(tmp_path: Path) -> None:
    prose = "The periods begin on the day on which the unit is put into service by a partner of ours. " * 3
    rows = "Complete unit 5 years\nCompressor, with what\nbelongs to it 8 years\nFilters none"
    assert extract(pdf(tmp_path / "a.pdf", f"{prose}\n{rows}")).text.split("\n\n")[1:] == [
        "Complete unit 5 years",
        "Compressor, with what belongs to it 8 years",
        "Filters none",
    ]


def test_a_scan_is_refused_without_ocr_and_read_with_it(tmp_path: Path) -> None:
    picture = Image.new("RGB", (900, 120), "white")
    ImageDraw.Draw(picture).text((20, 40), "The quota of a project is 50 GB", fill="black", font_size=40)
    scan = FPDF()
    scan.add_page()
    scan.image(picture, x=10, y=10, w=180)
    scan.output(str(tmp_path / "scan.pdf"))
    with pytest.raises(Refused, match=r"^no text: the file holds no words"):
        extract(tmp_path / "scan.pdf")
    try:
        point_to_tessdata("eng")
    except SettingsInvalid as error:
        pytest.skip(str(error))
    assert "quota of a project is 50 GB" in extract(tmp_path / "scan.pdf", "eng").text


def test_a_language_without_data_is_told() -> None:
    with pytest.raises(SettingsInvalid, match=r"OCR needs xyz.traineddata, .* set TESSDATA_PREFIX"):
        point_to_tessdata("xyz")


def test_a_picture_is_read_by_its_description(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1>Parts</h1><p><img src="x.png" alt="exploded view of the pump"></p>')
    assert "exploded view of the pump" in extract(tmp_path / "a.html").text


@pytest.mark.parametrize("field", ["allowed_groups: ';'", 'region: "\\ud800"'])
def test_front_matter_that_cannot_be_metadata_refuses_the_file(tmp_path: Path, field: str) -> None:
    (tmp_path / "a.md").write_text(f"---\n{field}\n---\nThe quota is 50 GB.")
    with pytest.raises(Refused, match=r"^bad front matter: "):
        extract(tmp_path / "a.md")


def test_a_pdf_says_which_of_its_pages_hold_no_text(tmp_path: Path) -> None:
    document = extract(pdf(tmp_path / "a.pdf", "The quota of a project is 50 GB.", "", "The warranty is 5 years.", ""))
    assert document.warnings == ("pages 2, 4 hold no text: scans, pictures or blank; --ocr reads scans",)


def test_the_first_lines_of_a_pdf_are_read_and_running_lines_once() -> None:
    pages = [f"Contract HV-7\nOrder {number * 7} speaks of pumps.\nPage {number} of 3" for number in (1, 2, 3)]
    running = RunningLines(pages)
    text = "\n".join(map(running.without, pages))
    assert text.count("Contract HV-7") == 1
    assert "Page" not in text
    assert text.count("speaks of pumps") == 3


def test_a_page_of_glyphs_without_letters_is_told() -> None:
    assert unreadable(["Plain text.", "\ue001\ue002 \ue003 a", "(cid:12)(cid:7)"]) == [2, 3]
