import datetime
from pathlib import Path

import pytest

from graph.errors import SourceInvalid
from graph.ingest.access import groups_of
from graph.ingest.metadata import manifest, normalise, sidecar


@pytest.mark.parametrize("suffix", [".meta.yaml", ".meta.yml"])
def test_a_sidecar_is_read_from_yaml(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"guide.txt{suffix}").write_text("region: EU\nyear: 2024\n7: seven\n")
    assert sidecar(tmp_path / f"guide.txt{suffix}") == {"region": "EU", "year": 2024, "7": "seven"}


def test_a_sidecar_is_read_from_json(tmp_path: Path) -> None:
    (tmp_path / "guide.txt.meta.json").write_text('{"region": "EU", "tags": ["a"]}')
    assert sidecar(tmp_path / "guide.txt.meta.json") == {"region": "EU", "tags": ["a"]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"region: [EU", "is not YAML or JSON"),
        (b"region: caf\xe9", "cannot be read as UTF-8"),
        (b"- EU", "is a mapping"),
        (b"", "is a mapping"),
    ],
)
def test_a_sidecar_that_is_no_mapping_is_refused_by_its_name(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "guide.txt.meta.yaml").write_bytes(content)
    with pytest.raises(SourceInvalid, match=f"guide.txt.meta.yaml:.*{why}"):
        sidecar(tmp_path / "guide.txt.meta.yaml")


def test_a_manifest_gives_the_fields_of_each_file_without_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text('file, Region ,title\na.txt, EU , "Guide, new"\n\nsub/b.txt,,\n')
    assert manifest(tmp_path / "manifest.csv") == [
        ("a.txt", {"Region": "EU", "title": "Guide, new"}),
        ("sub/b.txt", {}),
    ]


@pytest.mark.parametrize(
    "text", ["\ufefffile,region\na.txt,EU\n", "file;region\na.txt;EU\n", "file\tregion\na.txt\tEU\n"]
)
def test_a_manifest_is_read_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.csv").write_text(text)
    assert manifest(tmp_path / "manifest.csv") == [("a.txt", {"region": "EU"})]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,region\na.txt\n", "has 1 cells and the header 2"),
        ("file,title,region\na.txt,Guide, new,EU\n", "has 4 cells and the header 3"),
        ('file,title\na.txt,"Guide\nb.txt,EU\n', "this is not a CSV file"),
        ('file,title\na.txt,"Guide\nb.txt,EU"\n', "has a line break in a cell"),
        ("file,region\n,EU\n", "names no file"),
        ("file,,region\na.txt,board,EU\n", "a cell in a column without a name"),
        ("file,allowed_groups,Allowed-Groups\na.txt,hr,it\n", "two columns say the same"),
        ("file,region,region\na.txt,EU,US\n", "two columns say the same"),
        ("", "needs one column `file`"),
    ],
)
def test_a_manifest_that_may_have_lost_a_cell_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(SourceInvalid, match=why):
        manifest(tmp_path / "manifest.csv")


def test_a_manifest_without_the_column_file_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("name,region\na.txt,EU\n")
    with pytest.raises(
        SourceInvalid, match=r"manifest\.csv:1: a manifest needs one column `file`; it has name, region"
    ):
        manifest(tmp_path / "manifest.csv")


def test_a_manifest_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"file,region\na.txt,caf\xe9\n")
    with pytest.raises(SourceInvalid, match=r"manifest\.csv: this cannot be read as UTF-8"):
        manifest(tmp_path / "manifest.csv")


def test_fields_become_json_values_and_what_is_missing_is_left_out() -> None:
    given_fields = {
        "date": datetime.date(2025, 1, 31),
        "time": datetime.datetime(2025, 1, 31, 12, tzinfo=datetime.UTC),
        "list": [1, datetime.date(2025, 1, 31)],
        "mapping": {"b": 1, "a": 2},
        "none": None,
        "empty": "",
        "zero": 0,
        "no": False,
    }
    assert normalise(given_fields) == {
        "date": "2025-01-31",
        "time": "2025-01-31T12:00:00+00:00",
        "list": [1, "2025-01-31"],
        "mapping": '{"a": 2, "b": 1}',
        "zero": 0,
        "no": False,
    }


def test_groups_become_a_list_however_they_are_written() -> None:
    assert normalise({"allowed_groups": "hr; it"}) == {"allowed_groups": ["hr", "it"]}
    assert normalise({"allowed_groups": ["it", "hr"]}) == {"allowed_groups": ["hr", "it"]}


@pytest.mark.parametrize(
    ("given_groups", "names"),
    [("hr", ["hr"]), ("it, hr;it", ["hr", "it"]), (["hr ", "", "hr"], ["hr"]), (7, ["7"])],
)
def test_group_names_come_sorted_and_once(given_groups: object, names: list[str]) -> None:
    assert groups_of(given_groups) == names


@pytest.mark.parametrize("nobody", [";", " , ", "", [""], [], None])
def test_groups_that_name_nobody_are_refused_and_not_public(nobody: object) -> None:
    with pytest.raises(SourceInvalid, match="names no group"):
        groups_of(nobody)


@pytest.mark.parametrize("text", ["effective_date: 2025-02-30", "x: " + "[" * 5000, "a: 1\na: 2"])
def test_yaml_that_cannot_be_a_value_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt.meta.yaml").write_text(text, "utf-8")
    with pytest.raises(SourceInvalid, match=r"a.txt.meta.yaml:\d+: this is not YAML or JSON"):
        sidecar(tmp_path / "a.txt.meta.yaml")


def test_words_that_old_yaml_would_change_stay_words(tmp_path: Path) -> None:
    (tmp_path / "a.txt.meta.yaml").write_text("region: NO\ntime: 12:30\nfinal: true\nlevel: 3", "utf-8")
    assert sidecar(tmp_path / "a.txt.meta.yaml") == {"region": "NO", "time": "12:30", "final": True, "level": 3}


def test_a_mapping_with_keys_of_many_types_becomes_text() -> None:
    assert normalise({"x": {1: "a", "b": "c"}}) == {"x": '{"1": "a", "b": "c"}'}
