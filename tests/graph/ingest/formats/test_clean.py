import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ingest.formats.clean import as_written, decode, has_words, tidy, without_unseen

PIECES = [
    "&#0;",
    "&#xD800;",
    "&#9999999;",
    "&nbsp;",
    "\r\n",
    "-\n",
    "\\*",
    "![a](b.png)",
    "\ud83d",
    "   ",
    "\f",
    "\u200b",
]
GERMAN = "Die Gewährleistung beträgt fünf Jahre. Das Gerät ist jährlich zu prüfen."


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not text.startswith("\ufeff")))
def test_utf8_is_read_with_and_without_its_mark(text: str) -> None:
    assert decode(text.encode("utf-8-sig")) == text
    content = text.encode()
    assert decode(content) == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_wide_encodings_are_read_by_their_mark(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)).lstrip("\ufeff") == GERMAN


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_read_as_some_text(content: bytes) -> None:
    assert isinstance(decode(content), str)


def test_a_text_file_keeps_everything_but_line_ends_and_letter_forms() -> None:
    assert as_written("a\r\nb\rc\n  cafe\u0301\t&amp; \\*  \n") == "a\nb\nc\n  caf\u00e9\t&amp; \\*  \n"


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_characters="\r\u00ad\u200b\u2060\ufeff")))
def test_a_text_in_composed_letters_with_plain_line_ends_keeps_all_but_odd_blanks(text: str) -> None:
    plain = unicodedata.normalize("NFC", text)
    pairs = zip(as_written(plain), plain, strict=True)
    assert all(new == old or (new == " " and old.isspace()) for new, old in pairs)


def test_blanks_of_no_width_part_the_words_of_thai() -> None:
    assert as_written("\u0e01\u0e32\u200b\u0e01\u0e34\u0e19") == "\u0e01\u0e32\u200b\u0e01\u0e34\u0e19"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\x00b\x1bc\u200bd\ufeffe\u00adf", "abcdef"),
        ("one\r\ntwo\x0cthree", "one\ntwo\nthree"),
        ("AT&amp;T &lt;5 &#176;C&gt;", "AT&T <5 °C>"),
        (r"5 \* 3 \_x\_ \[a\] 1\. \\", "5 * 3 _x_ [a] 1. \\"),
        ("before ![scan](img/p1.PNG) after", "before scan after"),
        ("before ![](image.jpeg?w=5) after", "before  after"),
        ("see [the manual](manual.pdf)", "see [the manual](manual.pdf)"),
        ("a    b\t\t\tc  d", "a  b  c  d"),
        ("line  \t\nnext", "line\nnext"),
        ("a\n\n\n \n\nb", "a\n\nb"),
        ("war-\nranty and EU-\nUS", "warranty and EU-\nUS"),
    ],
)
def test_what_a_converter_leaves_behind_is_tidied(raw: str, clean: str) -> None:
    assert tidy(raw) == clean


def test_a_markdown_table_survives_tidying() -> None:
    table = "| Part | Interval |\n| --- | --- |\n| seal | 2 years |"
    assert tidy(table) == table


@pytest.mark.parametrize(("text", "words"), [("a", True), ("7", True), ("保", True), ("", False), ("-- \n|?", False)])
def test_a_text_has_words_when_it_has_a_letter_or_digit(text: str, words: bool) -> None:
    assert has_words(text) is words


@pytest.mark.parametrize(
    "text",
    [
        GERMAN,
        "café",
        "The price is 5 €.",
        "naïve",
    ],
)
def test_western_text_in_its_old_code_page_is_read(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


def test_one_bad_byte_does_not_ruin_a_file() -> None:
    text = "Die Gewährleistung beträgt fünf Jahre. " * 5
    assert decode(text.encode() + b"\xff") == text + "\ufffd"


def test_entities_become_characters_before_control_characters_go() -> None:
    assert tidy("soft&shy;ware a&#8203;b") == "software ab"


def test_the_ampersand_of_an_address_is_no_entity() -> None:
    assert tidy("https://x.org/?a=1&region=EU&copy=2") == "https://x.org/?a=1&region=EU&copy=2"


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(st.characters(), max_size=9), st.sampled_from(PIECES)), max_size=30).map("".join))
def test_any_text_is_tidied_to_one_without_control_characters(text: str) -> None:
    tidied = tidy(text)
    assert [
        character
        for character in tidied
        if unicodedata.category(character) == "Cc" and character < "\x80" and character not in "\n\t"
    ] == []


def test_a_line_of_brackets_is_tidied_in_time_that_grows_with_it() -> None:
    """Its square would be hours."""
    assert tidy("![" * 500_000) == "![" * 500_000


@pytest.mark.parametrize("open_element", ["<a ", "<b hidden>", "<script>", '<a style="x'])
def test_elements_that_never_end_hide_nothing_and_are_each_looked_at_once(open_element: str) -> None:
    text = open_element * 20_000
    assert without_unseen(text) == text


def test_what_is_hidden_between_code_and_in_one_another_is_blank() -> None:
    text = "`<s>a</s>` <s>b<!-- c --></s> `<!--` <P HIDDEN>d</P> <!-- <s> --> e"
    assert without_unseen(text).split() == ["`<s>a</s>`", "`<!--`", "e"]


@pytest.mark.parametrize(
    ("head", "encoding", "text"),
    [
        ("<html><meta charset='ISO-8859-2'>", "iso-8859-2", "Łódź ma trzy dworce."),
        ('<html><meta http-equiv=x content="text/html; charset=windows-1250">', "cp1250", "Poplatek činí 30 korun."),
        ('<?xml version="1.0" encoding="koi8-r"?>', "koi8-r", "Вход стоит пять."),
        ("<html><meta charset=utf-7>", "cp1252", "Ein Stück kostet +AGY-."),
    ],
)
def test_old_code_pages_are_read_by_their_name_or_their_bytes(head: str, encoding: str, text: str) -> None:
    assert decode((head + text).encode(encoding)) == head + text
