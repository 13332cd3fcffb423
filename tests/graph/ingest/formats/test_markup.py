"""What stands in an HTML page is read, what it hides is not, and a power is no number."""

from pathlib import Path

import pytest

from graph.ingest.document import Document
from graph.ingest.formats.extract import extract


def page(folder: Path, body: str) -> Document:
    (folder / "a.html").write_text(body)
    return extract(folder / "a.html")


def test_powers_notes_and_formulas_keep_their_value(tmp_path: Path) -> None:
    body = "<p>Area 30 m<sup>2</sup>, 10<sup>9</sup> cells, rent 480<sup><a href='#n'>2</a></sup>, H<sub>2</sub>O.</p>"
    math = "<math><msup><mi>x</mi><mn>2</mn></msup></math>"
    assert page(tmp_path, body + math).text == "Area 30 m^2, 10^9 cells, rent 480 [^2], H2O.\n\nx^2"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>It costs 40<span style='font-size:8px; vertical-align: super'>1</span> EUR.</p>", "It costs 40 [^1] EUR."),
        ("<p>Load 10<span class=power>6</span> N, H<b style='vertical-align:sub'>2</b>O.</p>", "Load 10^6 N, H2O."),
        ("<p>It costs 75<a href='#n3'><sup>[3]</sup></a> EUR.</p>", "It costs 75 [^3] EUR."),
        ("<p>See <a href='#n3'>part<sup>a</sup> two</a>.</p>", "See part [^a] two."),
        ("<p style='opacity: 0.9; font-size: 0.8em'>It costs 40 EUR.</p>", "It costs 40 EUR."),
    ],
)
def test_what_a_style_raises_is_raised_and_a_mark_is_no_link(tmp_path: Path, body: str, text: str) -> None:
    assert page(tmp_path, f"<style>.power {{ vertical-align: super }}</style>{body}").text == text


@pytest.mark.parametrize(
    "gone",
    [
        "<p hidden>gone</p>",
        "<p style='color:red; DISPLAY : none'>gone</p>",
        "<span style='visibility:hidden'>gone</span>",
        "<span style='font-size:0px'>gone</span>",
        "<p style='opacity: 0; color: red'>gone</p>",
        "<p class='old'>gone</p>",
        "<p style='position: absolute; left: -9999px'>gone</p>",
        "<p style='text-indent:-999em'>gone</p>",
        "<span style='position:absolute; clip: rect(0 0 0 0)'>gone</span>",
        "<span style='color: #FFF'>gone</span>",
        "<font color=white>gone</font>",
        "<div style='background: rgb(0, 51, 102)'><b style='color:#036'>gone</b></div>",
        "<span style='color:#00000000'>gone</span>",
        "<span style='font-size:1px'>gone</span>",
        "<span class=pale>gone</span>",
        "<template>gone</template>",
        "<video>gone</video>",
        "<dialog>gone</dialog>",
        "<noscript>gone</noscript>",
        "<script>gone</script>",
        "<style>.gone{}</style>",
        "<!-- gone -->",
        "<del>gone</del>",
        "<s>gone</s>",
        "<span style='text-decoration: line-through'>gone</span>",
        "<img src='data:image/png;base64,gonegonegonegonegonegone'>",
    ],
)
def test_what_nobody_sees_is_not_read(tmp_path: Path, gone: str) -> None:
    sheet = "<style>.old{display:none} .pale{color:#fefefe} @media print{.menu{display:none}}</style>"
    document = page(tmp_path, f"{sheet}<p class=menu>The quota {gone} is 50 GB.</p>{gone}")
    assert document.text.split() == "The quota is 50 GB.".split()


@pytest.mark.parametrize(
    "body",
    [
        "<table><tr><td style='font-size:0px; padding:9px'><div style='font-size:13px'>seen</div></td></tr></table>",
        "<div style='background:#036'><p style='color:#fff'>seen</p></div>",
        "<body bgcolor=black><p style='color:white'>seen</p></body>",
        "<body style='background: #fff url(night.png)'><p style='color:white'>seen</p></body>",
        "<table background=night.png><tr><td style='color:white'>seen</td></tr></table>",
        "<div><img src=a.png><p style='position:absolute; color:white'>seen</p></div>",
        "<div style='color:white; background-image: linear-gradient(#036, #069)'>seen</div>",
        "<link rel=stylesheet href=a.css><p style='color:white'>seen</p>",
        "<style>.hero .box {background:#036}</style><p style='color:white'>seen</p>",
        "<div style='position:absolute; left:50%; margin-left:-500px'>seen</div>",
        "<style>.tab{display:none} .active{display:block}</style><p class='tab active'>seen</p>",
        "<style>.tab{display:none !important} .active{display:block}</style><p class='active'>seen</p>",
        "<div style='color:#fff'><p style='color:#333'>seen</p></div>",
    ],
)
def test_what_only_looks_hidden_is_read(tmp_path: Path, body: str) -> None:
    assert page(tmp_path, body).text == "seen"


def test_the_owner_is_told_what_was_left_out(tmp_path: Path) -> None:
    warnings = page(tmp_path, "<p>It costs <s>9</s> 8 EUR.</p><p hidden>margin 3</p>").warnings
    assert warnings == ("hidden text was left out", "struck-out text was left out")


def test_hidden_rows_and_columns_of_a_table_are_not_read(tmp_path: Path) -> None:
    columns = "<colgroup><col><col style='visibility:collapse'><col></colgroup>"
    rows = "<tr><th>Item</th><th>Cost</th><th>Price</th></tr><tr><td>Bolt</td><td>1</td><td>2</td></tr>"
    text = page(tmp_path, f"<table>{columns}{rows}<tr hidden><td>Nut</td><td>3</td><td>4</td></tr></table>").text
    assert [line.replace(" ", "") for line in text.splitlines()][::2] == ["|Item|Price|", "|Bolt|2|"]


def test_text_right_after_a_table_is_no_row_of_it(tmp_path: Path) -> None:
    text = page(
        tmp_path, "<table><tr><th>Bolt</th><th>Nut</th></tr><tr><td>1</td><td>2</td></tr></table>As of May."
    ).text
    assert text.splitlines()[-2:] == ["", "As of May."]


def test_terms_and_what_they_mean_are_items_of_a_list(tmp_path: Path) -> None:
    text = page(
        tmp_path, "<dl><dt>Basic:</dt><dd>Standing room.</dd><dt>Night</dt><dd>Rides <b>late</b>.</dd></dl>"
    ).text
    assert "- **Basic:** Standing room.\n- **Night:** Rides **late**." in text


def test_a_definition_list_is_pairs_of_a_bold_line_and_a_paragraph(tmp_path: Path) -> None:
    text = page(tmp_path, "<dl><dt>May dogs come?</dt><dd>On a lead.</dd><dt>And cats?</dt><dd>No.</dd></dl>").text
    assert text == "**May dogs come?**\n\nOn a lead.\n\n**And cats?**\n\nNo."


@pytest.mark.parametrize("box", ["div", "blockquote", "table><tr><td"])
def test_what_is_nested_deeply_is_read(tmp_path: Path, box: str) -> None:
    end = "".join(f"</{tag}>" for tag in reversed(box.split("><")))
    text = page(tmp_path, f"<{box}>" * 120 + "The quota is 50 GB." + end * 120 + "<p>After it.</p>").text
    assert "The quota is 50 GB." in text
    assert "After it." in text


def test_line_ends_of_the_source_and_odd_blanks_are_blanks(tmp_path: Path) -> None:
    text = page(tmp_path, "<p>The net\nweight is\n35&nbsp;kg&#8239;or soft&shy;ware.</p><pre>a\n  b</pre>").text
    assert text == "The net weight is 35 kg or software.\n\n```\na\n  b\n```"


def test_a_cell_over_several_rows_stands_in_each_of_them(tmp_path: Path) -> None:
    table = "<table><tr><th>A<th>B<th>C<tr><td rowspan=2>1<td rowspan='9' colspan=2>wide<tr></tr><tr><td>3</table>"
    rows = [row.split("|")[1:4] for row in page(tmp_path, table).text.splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["1", "wide", "wide"],
        ["1", "wide", "wide"],
        ["3", "wide", "wide"],
    ]


def test_a_first_row_over_all_columns_is_the_title_of_its_table(tmp_path: Path) -> None:
    rows = "<tr><td colspan=2>Parts of 2026<tr><th>Part<th>Number<tr><td>Valve<td>BV-17<tr><td colspan=2>On order"
    title, header, _, first, *rest = page(tmp_path, f"<table>{rows}</table>").text.replace("\n\n", "\n").splitlines()
    assert [title, header.split(), first.split()] == [
        "Parts of 2026",
        "| Part | Number |".split(),
        "| Valve | BV-17 |".split(),
    ]
    assert "On order" in rest[0]


@pytest.mark.parametrize("odd", ["\x01", "\x0b", "&#1;", "&#x1b;", "\uffff", "<img alt='\x02'>"])
def test_a_page_with_control_characters_is_read(tmp_path: Path, odd: str) -> None:
    body = f"<p>It costs{odd} <s>9{odd}</s> 8{odd} EUR.</p><dl><dt>Rent{odd}</dt><dd>7{odd}</dd></dl>"
    assert page(tmp_path, body).text == "It costs 8 EUR.\n\n- **Rent:** 7"


def test_a_table_in_a_cell_follows_its_table(tmp_path: Path) -> None:
    inner = "<table><tr><th>Part<th>Price<tr><td>Rope<td>8</table>"
    rows = f"<tr><td>Shop<td>Hours<tr><td>{inner}<td>Mon"
    text = page(tmp_path, f"<table>{rows}</table>").text
    assert text.index("| Rope | 8 |") > text.index("Mon")


def test_blocks_of_a_heading_and_of_an_item_are_one_line(tmp_path: Path) -> None:
    listed = "<ol start=3><li><p>Open.</p><p>Wait.</p><ul><li>Look.</ul><li><h3>Shut.</h3></ol>"
    assert (
        page(tmp_path, f"<h2><div>Lift <span>4</span></div></h2>{listed}").text
        == "## Lift 4\n\n3. Open. Wait.\n    - Look.\n4. Shut."
    )


def test_links_code_and_quotations_are_marked(tmp_path: Path) -> None:
    body = "<p><a href='https://x.org'> The plan </a>, <a href='#a'>below</a>: <code>run</code></p>"
    assert (
        page(tmp_path, f"{body}<blockquote>So be it.</blockquote>").text
        == "[The plan](https://x.org), below: `run`\n\n> So be it."
    )
