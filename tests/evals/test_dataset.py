"""Datasets: what a line may hold, what is told of a wrong one, and what the digest is over."""

import json
from pathlib import Path
from typing import Any

import pytest

from evals.dataset import Sample, read_dataset, write_dataset
from evals.errors import DatasetInvalid
from graph.cli.exit_codes import exit_code

GOOD: dict[str, Any] = {"id": "a", "question": "Who?", "answerable": True}
OTHER: dict[str, Any] = {"id": "b", "question": "Whose?", "answerable": True}


def written(path: Path, *rows: Any) -> Path:
    file = path / "d.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), "utf-8")
    return file


def test_a_dataset_is_read_as_it_was_written(tmp_path: Path) -> None:
    full = Sample.model_validate(
        {
            **GOOD,
            "history": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"}],
            "filters": {"region": "EU"},
            "groups": ["hr"],
            "reference": "Ann.",
            "alternatives": ["Ann Smith."],
            "documents": ["people.md"],
            "quotes": ["Ann is it."],
            "tags": ["simple"],
            "cluster": "talk-1",
            "note": "checked",
        }
    )
    plain = Sample.model_validate({**GOOD, "id": "b", "answerable": False})
    write_dataset(tmp_path / "d.jsonl", [full, plain])
    found = read_dataset(tmp_path / "d.jsonl")
    assert (found.name, found.samples) == ("d", (full, plain))
    assert (found.sample("b"), found.tags) == (plain, {"simple": 1})
    assert full.as_question == {
        "question": "Who?",
        "history": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"}],
        "filters": {"region": "EU"},
        "groups": ["hr"],
    }
    assert (full.answers, plain.answers) == (("Ann.", "Ann Smith."), ())


@pytest.mark.parametrize(
    ("told", "depends"),
    [({}, "a"), ({"documents": ["x.md", "y.md"]}, "x.md"), ({"documents": ["x.md"], "cluster": "talk"}, "talk")],
)
def test_samples_depend_on_each_other_by_cluster_document_or_not_at_all(told: dict[str, Any], depends: str) -> None:
    assert Sample.model_validate({**GOOD, **told}).depends_on == depends


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "line 2: it must be a JSON object, not '{'"),
        ({"id": "b", "answerable": True}, "line 2: question is missing"),
        ({**GOOD, "id": "b", "question": "  "}, "line 2: question must be at least 1 characters long"),
        ({**GOOD, "id": "b", "answerable": None}, "line 2: answerable must be true or false, not null"),
        ({**GOOD, "id": "b", "refrence": "Ann"}, "line 2: there is no field refrence"),
        ({**GOOD, "id": "a"}, "line 2: the id 'a' was used in line 1 already"),
        ({**GOOD, "id": "a/b"}, 'line 2: id = "a/b": it must be 1 to 200 characters without'),
        (
            {**GOOD, "id": "b", "answerable": False, "documents": ["x"]},
            "line 2: answerable is false, but documents or quotes answer it; set",
        ),
        ({**GOOD, "id": "b", "quotes": ["x"]}, "line 2: quotes are given without documents; name"),
        ({**GOOD, "id": "b", "alternatives": ["x"]}, "line 2: alternatives are given without a reference; make"),
        (
            {**GOOD, "id": "b", "history": [{"role": "system", "content": "x"}]},
            "line 2: history.0.role must be",
        ),
        ([1, 2], "line 2: it must be an object with fields, not [1, 2]"),
        ({**GOOD, "id": "b", "reference": "\ud800"}, "line 2: reference must be text, not"),
    ],
)
def test_what_is_wrong_is_told_by_line(tmp_path: Path, row: Any, told: str) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        read_dataset(written(tmp_path, GOOD, row))
    assert told in str(caught.value)
    assert exit_code(caught.value) == 2


def test_every_wrong_line_is_told_and_no_more_than_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        read_dataset(written(tmp_path, *["{"] * 30))
    told = str(caught.value)
    assert "wrong in 30 places" in told
    assert "line 20:" in told
    assert "line 21:" not in told
    assert "and 10 more" in told


def test_a_file_without_samples_or_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="is empty"):
        read_dataset(written(tmp_path, "", " "))
    with pytest.raises(DatasetInvalid, match="No such file"):
        read_dataset(tmp_path / "nowhere.jsonl")
    (tmp_path / "d.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetInvalid, match="not UTF-8"):
        read_dataset(tmp_path / "d.jsonl")


def test_the_digest_is_over_what_is_scored(tmp_path: Path) -> None:
    first = read_dataset(written(tmp_path, GOOD, OTHER)).digest
    assert read_dataset(written(tmp_path, {**OTHER, "note": "n", "origin": {"x": 1}}, GOOD)).digest == first
    others = [{**GOOD, "question": "Whom?"}, {**GOOD, "tags": ["t"]}, {**GOOD, "answerable": False}]
    assert len({read_dataset(written(tmp_path, other, OTHER)).digest for other in others} | {first}) == 4


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"question": "WHO pays"}, True),
        ({"question": "\uff37\uff28\uff2f pay\u200ds"}, True),
        ({"note": "n", "reference": "Bo"}, True),
        ({"groups": ["staff"]}, False),
        ({"filters": {"region": "EU"}}, False),
        ({"history": [{"role": "user", "content": "Hello"}]}, False),
    ],
)
def test_a_question_that_is_repeated_under_another_id_is_refused(
    tmp_path: Path, change: dict[str, Any], same: bool
) -> None:
    first = {"id": "a", "question": "Who pays?", "answerable": True}
    path = written(tmp_path, first, {**first, "id": "b", **change})
    assert len(read_dataset(path, repeats=True).samples) == 2
    if same:
        with pytest.raises(DatasetInvalid, match="line 2: the question was asked in line 1 already"):
            read_dataset(path)
    else:
        assert len(read_dataset(path).samples) == 2
