"""Word, PowerPoint, OpenDocument and EPUB files are read as their reader sees them."""

import zipfile
from pathlib import Path

import pytest
from docx import Document as Word
from docx.shared import Pt

from graph.ingest.document import Document, Refused
from graph.ingest.formats.extract import extract
from graph.ingest.formats.package import properties
from graph.ingest.front_matter import doubt_in_tags

NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    + " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in {"o": "office", "t": "text", "s": "style", "tb": "table", "d": "drawing"}.items()
    )
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def zipped(path: Path, **parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def relations(**targets: tuple[str, str]) -> str:
    inside = "".join(
        f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{to}"/>' for key, (kind, to) in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def word(folder: Path, body: str, doctype: str = "", **parts: str) -> Document:
    types = '<Default Extension="xml" ContentType="application/xml"/>'
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    override = f'<Override PartName="/word/document.xml" ContentType="{main}"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">{types}{override}</Types>',
        "_rels/.rels": relations(r1=("officeDocument", "word/document.xml")),
        "word/document.xml": f"{doctype}<w:document {NAMES}><w:body>{body}</w:body></w:document>",
        **{f"word/{name}.xml": f"<w:{root} {NAMES}>{text}</w:{root}>" for name, (root, text) in _split(parts).items()},
    }
    return extract(zipped(folder / "a.docx", **files))


def _split(parts: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (name, text) for name, text in parts.items()}


def run(text: str, sheet_format: str = "") -> str:
    return f'<w:r><w:rPr>{sheet_format}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


UP = '<w:vertAlign w:val="superscript"/>'


def test_word_powers_strikes_and_hidden_text(tmp_path: Path) -> None:
    body = paragraph(
        run("It bears 10"),
        run("4", UP),
        run(" N and costs "),
        run("70", "<w:strike/>"),
        run("90 EUR."),
        run(" Secret.", "<w:vanish/>"),
    )
    document = word(tmp_path, body)
    assert document.text == "It bears 10^4 N and costs 90 EUR."
    assert document.warnings == ("hidden text was left out", "struck-out text was left out")


def test_word_text_is_hidden_where_it_is_white_on_white(tmp_path: Path) -> None:
    white, ground = '<w:color w:val="FFFFFF"/>', '<w:shd w:val="clear" w:fill="002060"/>'
    row = f"<w:tr><w:tc><w:tcPr>{ground}</w:tcPr>{paragraph(run('Part', white))}</w:tc></w:tr>"
    body = paragraph(run("Seen."), run(" Not seen.", white)) + f"<w:tbl>{row}</w:tbl>"
    document = word(tmp_path, body + paragraph(run("On blue.", white + ground)))
    assert [part for part in ("Seen.", "Not seen.", "Part", "On blue.") if part in document.text] == [
        "Seen.",
        "Part",
        "On blue.",
    ]


def test_word_styles_hide_text_too(tmp_path: Path) -> None:
    word_file = Word()
    ghost = word_file.styles.add_style("Ghost", 1)
    ghost.font.hidden = True
    child = word_file.styles.add_style("Child", 1)
    child.base_style = ghost
    word_file.add_paragraph("Not seen.", style="Child")
    child = word_file.styles.add_style("Shown", 1)
    child.base_style, child.font.hidden = ghost, False
    word_file.add_paragraph("Seen.", style="Shown")
    word_file.save(str(tmp_path / "a.docx"))
    assert extract(tmp_path / "a.docx").text == "Seen."


def test_word_paragraphs_that_their_style_numbers_are_a_numbered_list(tmp_path: Path) -> None:
    word_file = Word()
    word_file.add_paragraph("Steps:")
    for step in ("Open the lid.", "Close it."):
        word_file.add_paragraph(step, style="List Number")
    word_file.save(str(tmp_path / "a.docx"))
    assert extract(tmp_path / "a.docx").text == "Steps:\n\n1. Open the lid.\n2. Close it."


def test_word_numbers_its_lists_as_its_reader_sees_them(tmp_path: Path) -> None:
    def level(number: int, form: str, text: str) -> str:
        return f'<w:lvl w:ilvl="{number}"><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'

    def item(text: str, depth: int, number: int = 1) -> str:
        numbered = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
        return f"<w:p><w:pPr>{numbered}</w:pPr>{run(text)}</w:p>"

    steps = level(0, "decimal", "%1.") + level(1, "lowerLetter", "%2)")
    clauses = level(0, "decimal", "%1.") + level(1, "decimal", "%1.%2")
    numbering = "".join(
        f'<w:abstractNum w:abstractNumId="{n}">{levels}</w:abstractNum>'
        f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>'
        for n, levels in ((1, steps), (2, clauses))
    )
    listed = item("Open.", 0) + item("Lift.", 1) + item("Push.", 1) + item("Close.", 0)
    part = "word/_rels/document.xml.rels"
    path = tmp_path / "a.docx"
    word(tmp_path, listed + item("Scope", 0, 2) + item("It applies.", 1, 2), numbering=numbering)
    assert part not in zipfile.ZipFile(path).namelist()
    assert extract(path).text == ("1. Open.\n    - a) Lift.\n    - b) Push.\n2. Close.\n\n1. Scope\n\n1.1 It applies.")


def test_word_has_the_pages_that_word_has_noted(tmp_path: Path) -> None:
    turned = run("First") + "<w:r><w:lastRenderedPageBreak/></w:r>" + run("second")
    document = word(tmp_path, paragraph(turned) + paragraph("<w:r><w:br w:type='page'/></w:r>", run("still second")))
    assert (document.text, document.page_starts) == ("Firstsecond\n\nstill second", (0, 5))


def test_merged_cells_of_word_stand_in_each_of_their_places(tmp_path: Path) -> None:
    word_file = Word()
    table = word_file.add_table(3, 3)
    for row, texts in zip(table.rows, [("Site", "Grade", "Days"), ("Lund", "A", "3"), ("", "B", "4")], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    word_file.save(str(tmp_path / "a.docx"))
    assert extract(tmp_path / "a.docx").text.endswith("| Lund | A | 3 |\n| Lund | B | 4 |")


def test_word_headers_and_footers_stand_once_around_the_text(tmp_path: Path) -> None:
    word_file = Word()
    word_file.add_paragraph("The loan runs for 9 years.")
    section = word_file.sections[0]
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = section.header.paragraphs[0].text = "File KX-17"
    table = section.header.add_table(1, 2, Pt(300))
    table.cell(0, 0).text, table.cell(0, 1).text = "Version", "3.4"
    section.footer.paragraphs[0].text = "Valid until 2031"
    word_file.save(str(tmp_path / "a.docx"))
    text = extract(tmp_path / "a.docx").text
    assert text.split("\n\n") == ["File KX-17", "Version: 3.4", "The loan runs for 9 years.", "Valid until 2031"]


def test_word_text_boxes_are_read_once_after_their_paragraph(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph(run('In the box.'))}</w:txbxContent>"
    drawn = f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
    both = f"<mc:AlternateContent>{drawn}</mc:AlternateContent>"
    text = word(tmp_path, paragraph(run("Before"), f"<w:r>{both}</w:r>", run(" and after."))).text
    assert text == "Before and after.\n\nIn the box."


def test_word_notes_follow_the_paragraph_that_refers_to_them(tmp_path: Path) -> None:
    reference = f'<w:r><w:rPr>{UP}</w:rPr><w:footnoteReference w:id="7"/></w:r>'
    note = f'<w:footnote w:id="7">{paragraph("<w:r><w:footnoteRef/></w:r>", run(" Net of tax."))}</w:footnote>'
    noted = paragraph(run("It costs 250"), reference, run(" EUR."))
    framed = f"<w:tbl><w:tr><w:tc>{noted}</w:tc></w:tr></w:tbl>"
    for body in (noted, framed):
        text = word(tmp_path, body + paragraph(run("End.")), footnotes=note).text
        assert text == "It costs 250 [^1] EUR.\n\n[^1] Net of tax.\n\nEnd."


def test_a_formula_of_word_is_written_on_the_line_where_it_stands(tmp_path: Path) -> None:
    def math(*parts: str) -> str:
        texts = (f"<m:e><m:r><m:t>{part}</m:t></m:r></m:e>" for part in parts)
        return "".join(texts)

    names = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    inner = f"<m:sSup>{math('10', '6')}</m:sSup>{math('+')}<m:f>{math('a+b', 'c')}</m:f>"
    text = word(tmp_path, paragraph(run("Load "), f"<m:oMath {names}>{inner}</m:oMath>", run(" N"))).text
    assert text == "Load 10^6+(a+b)/c N"


def test_word_keeps_hyphens_tabs_and_what_was_inserted(tmp_path: Path) -> None:
    changed = f'<w:moveFrom w:id="1">{run("old")}</w:moveFrom><w:ins w:id="2">{run("new")}</w:ins>'
    body = paragraph(run("HV"), "<w:r><w:noBreakHyphen/></w:r>", run("55"), "<w:r><w:tab/></w:r>", changed)
    assert word(tmp_path, body).text.split() == ["HV-55", "new"]


def test_word_reads_no_entity_and_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("bluebell")
    doctype = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    assert "bluebell" not in word(tmp_path, paragraph("<w:r><w:t>Seen. &x;</w:t></w:r>"), doctype).text


def test_a_word_file_whose_xml_is_broken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^corrupt: its part word/document.xml is no XML"):
        word(tmp_path, "<w:p>")


def slide(*runs: str, show: str = "1") -> str:
    return slide_of(shape(f"<a:p>{''.join(runs)}</a:p>"), show=show)


def slide_of(*shapes: str, show: str = "1") -> str:
    return f'<p:sld {NAMES} show="{show}"><p:cSld><p:spTree>{"".join(shapes)}</p:spTree></p:cSld></p:sld>'


def shape(text: str, kind: str = "", y: int = 0) -> str:
    about = f"<p:cNvPr id='2' name='t'/><p:nvPr>{f'<p:ph {kind}/>' if kind else ''}</p:nvPr>"
    placed = f"<p:spPr><a:xfrm><a:off x='0' y='{y}'/></a:xfrm></p:spPr>"
    return f"<p:sp><p:nvSpPr>{about}</p:nvSpPr>{placed}<p:txBody>{text}</p:txBody></p:sp>"


def presentation(path: Path, *slides: str) -> Path:
    ids = "".join(f'<p:sldId id="25{n}" r:id="s{n}"/>' for n in range(len(slides)))
    return zipped(
        path,
        **{
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
            "_rels/.rels": relations(r1=("officeDocument", "ppt/presentation.xml")),
            "ppt/presentation.xml": f"<p:presentation {NAMES}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(
                **{f"s{n}": ("slide", f"slides/slide{n}.xml") for n in range(len(slides))}
            ),
            **{f"ppt/slides/slide{n}.xml": text for n, text in enumerate(slides)},
        },
    )


def test_powerpoint_lists_keep_their_depth_and_each_slide_is_a_page(tmp_path: Path) -> None:
    def line(text: str, properties: str = "") -> str:
        return f"<a:p><a:pPr {properties}<a:r><a:t>{text}</a:t></a:r></a:p>"

    steps = "".join(line(text, "><a:buAutoNum type='arabicPeriod'/></a:pPr>") for text in ("Open.", "Close."))
    tools = line("Hand tools", "/>") + line("Saw", 'lvl="1"/>') + line("Gloves", "/>")
    merged = "<a:tc><a:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:txBody></a:tc><a:tc hMerge='1'/>"
    row = "<a:tc><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>{}</a:t></a:r></a:p></a:tc>"
    rows = [merged.format("Tax & fees"), row.format("A", "3"), row.format("B", "4")]
    table = "".join(f"<a:tr>{cells.replace('&', '&amp;')}</a:tr>" for cells in rows)
    frame = f"<p:graphicFrame><a:graphic><a:tbl>{table}</a:tbl></a:graphic></p:graphicFrame>"
    first = slide_of(
        shape(steps, y=9_000_000), shape(tools, 'idx="1"', y=1_000_000), shape(line("Kit", "/>"), 'type="title"')
    )
    document = extract(presentation(tmp_path / "a.pptx", first, slide_of(frame)))
    assert document.text == (
        "## Kit\n\n- Hand tools\n    - Saw\n- Gloves\n\n1. Open.\n2. Close.\n\n"
        "Tax & fees\n\n|  |  |\n| --- | --- |\n| A | 3 |\n| B | 4 |"
    )
    assert document.page_starts == (0, document.text.index("Tax"))


def test_powerpoint_reads_the_slides_that_are_shown(tmp_path: Path) -> None:
    def words(text: str, sheet_format: str = "") -> str:
        return f"<a:r><a:rPr {sheet_format}/><a:t>{text}</a:t></a:r>"

    shown = slide(words("Load 10"), words("6", 'baseline="30000"'), words(" N"), words(" gone", 'strike="sngStrike"'))
    document = extract(presentation(tmp_path / "a.pptx", shown, slide(words("Withheld"), show="0")))
    assert document.text.lstrip("# ") == "Load 10^6 N"
    assert document.warnings == ("hidden slides were left out", "struck-out text was left out")


def test_opendocument_text_is_read_as_it_is_shown(tmp_path: Path) -> None:
    styles = (
        '<s:style s:name="U" s:family="text"><s:text-properties s:text-position="super 58%"/></s:style>'
        '<s:style s:name="X" s:family="text"><s:text-properties s:text-line-through-style="solid"/></s:style>'
        '<s:style s:name="Y" s:family="text" s:parent-style-name="X"/>'
    )
    note = '<t:note t:note-class="footnote"><t:note-body><t:p>Net.</t:p></t:note-body></t:note>'
    cell = '<tb:table-cell><t:p>10<t:span t:style-name="U">3</t:span></t:p></tb:table-cell>'
    body = (
        f'<t:p>It costs <t:span t:style-name="Y">70</t:span>250{note}<t:s/>EUR.</t:p>'
        '<t:section t:name="a" t:display="none"><t:p>Hidden.</t:p></t:section>'
        f"<tb:table><tb:table-row>{cell}{cell}</tb:table-row></tb:table>"
    )
    header = "<s:master-page><s:header><t:p>File KX-17</t:p></s:header></s:master-page>"
    path = zipped(
        tmp_path / "a.odt",
        **{
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<o:document-content {NAMES}><o:automatic-styles>{styles}</o:automatic-styles>"
            f"<o:body><o:text>{body}</o:text></o:body></o:document-content>",
            "styles.xml": f"<o:document-styles {NAMES}><o:master-styles>{header}</o:master-styles></o:document-styles>",
        },
    )
    document = extract(path)
    blocks = document.text.split("\n\n")
    assert blocks[:3] == ["File KX-17", "It costs 250 [^1] EUR.", "[^1] Net."]
    assert "| 10^3 | 10^3 |" in document.text
    assert document.warnings == ("hidden text was left out", "struck-out text was left out")


def open_document(path: Path, body: str, styles: str = "") -> Path:
    content = f"<o:automatic-styles>{styles}</o:automatic-styles><o:body>{body}</o:body>"
    return zipped(path, **{"content.xml": f"<o:document-content {NAMES}>{content}</o:document-content>"})


def test_lists_of_opendocument_are_numbered_where_their_style_says_so(tmp_path: Path) -> None:
    styles = (
        '<t:list-style s:name="L"><t:list-level-style-number t:level="1" s:num-format="1"/>'
        '<t:list-level-style-bullet t:level="2"/></t:list-style>'
    )
    inner = "<t:list><t:list-item><t:p>Look.</t:p></t:list-item></t:list>"
    items = f"<t:list-item><t:p>Check.</t:p>{inner}</t:list-item><t:list-item><t:p>Fire.</t:p></t:list-item>"
    body = f'<o:text><t:list t:style-name="L">{items}</t:list></o:text>'
    assert extract(open_document(tmp_path / "a.odt", body, styles)).text == "1. Check.\n    - Look.\n2. Fire."


def test_slides_of_opendocument_are_pages_without_their_notes(tmp_path: Path) -> None:
    names = 'xmlns:show="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"'
    box = "<d:frame {}><d:text-box><t:p>{}</t:p></d:text-box></d:frame>"
    title, text = box.format('show:class="title"', "Kilns"), box.format("", "It fires.")
    notes = f"<show:notes>{box.format('', 'Say hello.')}</show:notes>"
    pages = f"<d:page>{title}{text}{notes}</d:page><d:page>{box.format('', 'The end.')}</d:page>"
    document = extract(open_document(tmp_path / "a.odp", f"<o:presentation {names}>{pages}</o:presentation>"))
    assert (document.text, document.page_starts) == ("## Kilns\n\nIt fires.\n\nThe end.", (0, 21))


def test_the_pages_of_an_epub_are_read_as_html(tmp_path: Path) -> None:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="b.opf" '
    )
    path = zipped(
        tmp_path / "a.epub",
        **{
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container
            + 'media-type="application/oebps-package+xml"/></rootfiles></container>',
            "b.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest><item id="c" href="c.xhtml" '
            'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c"/></spine></package>',
            "c.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><body>'
            "<p>Load 10<sup>6</sup>&nbsp;N <s>old</s></p></body></html>",
        },
    )
    assert extract(path).text == "Load 10^6 N"


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n1 0 obj <</Title (x) /AllowedGroups (board)>> endobj",
        rb"{\rtf1{\*\userprops{\propname AllowedGroups}\proptype30{\staticval board}}Text.\par}",
    ],
)
def test_properties_that_an_owner_has_added_to_a_file_have_names(content: bytes) -> None:
    assert "AllowedGroups" in properties(content)


@pytest.mark.parametrize("part", ["docProps/custom.xml", "meta.xml", "OEBPS/content.opf"])
def test_properties_that_an_owner_has_added_to_a_package_have_names(tmp_path: Path, part: str) -> None:
    added = '<p><property name="AllowedGroups"/><m:user-defined m:name="Site"/><meta property="Team">x</meta></p>'
    text = properties(zipped(tmp_path / "a.zip", **{part: added}).read_bytes())
    assert "AllowedGroups" in doubt_in_tags(text)
