"""CSV and TSV files as people have them."""

from pathlib import Path

import pytest

from graph.ingest.document import Document
from graph.ingest.formats.extract import extract
from graph.ingest.formats.sheets import rows_of


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        ("a;b\n1,5;2,5\n", [["a", "b"], ["1,5", "2,5"]]),
        ("a\tb\n1,2\t3;4\n", [["a", "b"], ["1,2", "3;4"]]),
        ("a|b\n1|2\n", [["a", "b"], ["1", "2"]]),
        ("sep=,\r\na,b;c;d\r\n1,2;3;4\r\n", [["a", "b;c;d"], ["1", "2;3;4"]]),
        ('a,b\n"x, y","say ""hi"""\n', [["a", "b"], ["x, y", 'say "hi"']]),
        ('a,b\n"x" ,2\n', [["a", "b"], ["x ", "2"]]),
        ('a,b\n"never closed,2\nc,3\n', [["a", "b"], ['"never closed', "2"], ["c", "3"]]),
        ('a,b\n3/4" pipe,2\n', [["a", "b"], ['3/4" pipe', "2"]]),
        ("Report, all sites\n\na,b,c\n1,2,3\n4,5,6\n", [["Report", "all sites"], [], *["abc", "123", "456"]]),
    ],
)
def test_the_rows_of_a_file_by_its_own_separator(text: str, rows: list[list[str]]) -> None:
    assert rows_of(text) == [list(row) for row in rows]


def read(folder: Path, content: bytes) -> Document:
    (folder / "a.csv").write_bytes(content)
    return extract(folder / "a.csv")


def test_a_file_becomes_a_table_under_its_titles(tmp_path: Path) -> None:
    content = 'Frühjahr\nStand 4. Mai\n\nOrt;Preis\nKöln;"12 €\nje Tag"\nUlm;9 €;neu\n'.encode("cp1252")
    table = "| Ort | Preis |  |\n| --- | --- | --- |\n| Köln | 12 € je Tag |  |\n| Ulm | 9 € | neu |"
    found = read(tmp_path, content)
    assert (found.text, found.title) == (f"Frühjahr\n\nStand 4. Mai\n\n{table}", "Frühjahr")


def test_bars_stay_in_their_cells(tmp_path: Path) -> None:
    assert read(tmp_path, b"Name,Code\nlamp,a|b\n").text.endswith("| lamp | a\\|b |")


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (b"Pump;PX-40\nFlow;30 l/h\nMass;9 kg\n", "Pump PX-40"),
        (b"Mass;9 kg\nHeight;2 m\n", ""),
        (b"Part;Mass\nnut;1 g\n", ""),
    ],
)
def test_labels_and_values_are_titled_by_the_thing_that_they_are_of(tmp_path: Path, content: bytes, title: str) -> None:
    assert read(tmp_path, content).title == title
