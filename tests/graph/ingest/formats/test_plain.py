"""Text files keep their offsets; what is no text is refused, what Markdown hides is blank."""

import base64
import os
from pathlib import Path

import pytest

from graph.ingest.document import Document, Refused
from graph.ingest.formats.extract import extract

BLOB = base64.b64encode(bytes(range(256)) * 12).decode()


def read(folder: Path, name: str, text: str) -> Document:
    (folder / name).write_text(text)
    return extract(folder / name)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("blob", BLOB.encode(), "no text: the file holds nothing but encoded data"),
        ("blob.txt", base64.encodebytes(bytes(range(256)) * 12), "no text: the file holds nothing but encoded data"),
        ("data", os.urandom(4_000), "unsupported: the file holds binary data"),
        ("data.md", bytes(range(1, 256)) * 9, "unsupported: the file holds binary data"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match="^" + reason):
        extract(tmp_path / name)


def test_colours_of_a_terminal_and_checksums_are_text(tmp_path: Path) -> None:
    text = "\x1b[32mOK\x1b[0m " * 20 + "f3" * 32
    assert read(tmp_path, "log", text).text == text


@pytest.mark.parametrize(
    "gone",
    [
        f"![plan](data:image/png;base64,{BLOB})",
        "<!-- gone -->",
        "<script>gone</script>",
        "<p hidden>gone</p>",
        "<b style='color:white'>gone</b>",
        "<s>gone</s>",
    ],
)
def test_what_markdown_hides_is_blank_and_moves_nothing(tmp_path: Path, gone: str) -> None:
    text = f"# Pump\n\nIt weighs {gone} 9 kg.\n"
    document = read(tmp_path, "a.md", text)
    assert (len(document.text), document.text.index("9 kg")) == (len(text), text.index("9 kg"))
    assert not {"gone", BLOB[:30]} & set(document.text.replace(",", " ").split())


def test_code_in_markdown_is_kept(tmp_path: Path) -> None:
    text = "Write `<!-- a -->` or\n\n```html\n<!-- b --><s>c</s>\n```\n\n    <!-- d -->\n"
    assert read(tmp_path, "a.md", text).text == text


def test_odd_blanks_are_blanks_and_nothing_unseen_splits_a_word(tmp_path: Path) -> None:
    text = "Es kostet 35\u00a0Euro\u202fnetto, Soft\u00adware\u200b ist frei.\nEnde"
    found = read(tmp_path, "a.txt", text).text
    assert found.split() == "Es kostet 35 Euro netto, Software ist frei. Ende".split()
    assert found.index("ist frei") == text.index("ist frei")
