"""`warrant verify`: a verdict for each claim, and an exit code for CI."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from graph.cli.verify import command
from graph.errors import QuestionInvalid

TRUE = {"id": "t", "question": "How long is it?", "answer": "It is 4 m long. [1]", "passages": ["It is 4 m long."]}
FALSE = {**TRUE, "id": "f", "answer": "It is 5 m long. [1]"}


def written(folder: Path, *lines: object) -> str:
    file = folder / "answers.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return str(file)


def test_the_exit_code_tells_whether_every_claim_holds(tmp_path: Path) -> None:
    assert CliRunner().invoke(command, [written(tmp_path, TRUE)]).exit_code == 0
    result = CliRunner().invoke(command, [written(tmp_path, TRUE, FALSE)])
    assert result.exit_code == 1
    assert "1 contradicted, 1 supported" in result.output


def test_a_line_comes_out_for_each_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [written(tmp_path, TRUE, "", FALSE), "--json"])
    told = [json.loads(line) for line in result.output.splitlines()]
    assert [(each["id"], [claim["verdict"] for claim in each["claims"]]) for each in told] == [
        ("t", ["supported"]),
        ("f", ["contradicted"]),
    ]


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionInvalid, match=r"answers\.jsonl:2: passages is missing"):
        CliRunner().invoke(command, [written(tmp_path, TRUE, {"answer": "x"})], catch_exceptions=False)


def test_a_passage_that_is_neither_a_text_nor_an_object_is_told_both(tmp_path: Path) -> None:
    wanted = r":1: passages\.0 = 5: give a text, or an object with text, title and section"
    with pytest.raises(QuestionInvalid, match=wanted):
        CliRunner().invoke(command, [written(tmp_path, {"answer": "x", "passages": [5]})], catch_exceptions=False)
