import datetime
from pathlib import Path

import pytest

from graph.errors import SourceInvalid
from graph.ingest.metadata import groups_of, manifest, normalise, sidecar


def test_a_file_without_a_sidecar_has_no_fields(tmp_path: Path) -> None:
    assert sidecar(tmp_path / "guide.txt") == {}


@pytest.mark.parametrize("suffix", [".meta.yaml", ".meta.yml"])
def test_a_sidecar_is_read_from_yaml(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"guide.txt{suffix}").write_text("region: EU\nyear: 2024\n7: seven\n")
    assert sidecar(tmp_path / "guide.txt") == {"region": "EU", "year": 2024, "7": "seven"}


def test_a_sidecar_is_read_from_json(tmp_path: Path) -> None:
    (tmp_path / "guide.txt.meta.json").write_text('{"region": "EU", "tags": ["a"]}')
    assert sidecar(tmp_path / "guide.txt") == {"region": "EU", "tags": ["a"]}


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
        sidecar(tmp_path / "guide.txt")


def test_a_folder_without_a_manifest_describes_nothing(tmp_path: Path) -> None:
    assert manifest(tmp_path) == {}


def test_a_manifest_gives_the_fields_of_each_file_without_empty_cells(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text('file,region,title\na.txt, EU ,"Guide, new"\nsub/b.txt,,\n,US,\n')
    assert manifest(tmp_path) == {"a.txt": {"region": "EU", "title": "Guide, new"}, "sub/b.txt": {}}


def test_a_manifest_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("file,region\na.txt,EU\n".encode("utf-8-sig"))
    assert manifest(tmp_path) == {"a.txt": {"region": "EU"}}


def test_rows_shorter_or_longer_than_the_header_lose_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,region,year\na.txt,EU\nb.txt,US,2024,more\n")
    assert manifest(tmp_path) == {"a.txt": {"region": "EU"}, "b.txt": {"region": "US", "year": "2024"}}


def test_a_manifest_without_the_column_file_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("name,region\na.txt,EU\n")
    with pytest.raises(SourceInvalid, match=r"manifest\.csv:1: a manifest needs a column `file`; it has name, region"):
        manifest(tmp_path)


def test_a_manifest_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"file,region\na.txt,caf\xe9\n")
    with pytest.raises(SourceInvalid, match=r"manifest\.csv: this is not a CSV file in UTF-8"):
        manifest(tmp_path)


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
    [("hr", ["hr"]), ("it, hr;it", ["hr", "it"]), (["hr ", "", "hr"], ["hr"]), (7, ["7"]), ([], [])],
)
def test_group_names_come_sorted_and_once(given_groups: object, names: list[str]) -> None:
    assert groups_of(given_groups) == names


@pytest.mark.parametrize("nobody", [";", " , ", "", [""]])
def test_groups_that_name_nobody_are_refused_and_not_public(nobody: object) -> None:
    with pytest.raises(SourceInvalid, match="names no group"):
        groups_of(nobody)


@pytest.mark.parametrize("text", ["effective_date: 2025-02-30", "x: " + "[" * 5000, "a: 1\na: 2"])
def test_yaml_that_cannot_be_a_value_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt.meta.yaml").write_text(text, "utf-8")
    with pytest.raises(SourceInvalid, match=r"a.txt.meta.yaml:\d+: this is not YAML or JSON"):
        sidecar(tmp_path / "a.txt")


def test_words_that_old_yaml_would_change_stay_words(tmp_path: Path) -> None:
    (tmp_path / "a.txt.meta.yaml").write_text("region: NO\ntime: 12:30\nfinal: true\nlevel: 3", "utf-8")
    assert sidecar(tmp_path / "a.txt") == {"region": "NO", "time": "12:30", "final": True, "level": 3}


def test_a_mapping_with_keys_of_many_types_becomes_text() -> None:
    assert normalise({"x": {1: "a", "b": "c"}}) == {"x": '{"1": "a", "b": "c"}'}


def test_a_manifest_finds_its_files_however_the_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,r\n a.txt ,EU\nsub/../b.txt,US\n", "utf-8")
    assert manifest(tmp_path) == {"a.txt": {"r": "EU"}, "b.txt": {"r": "US"}}
