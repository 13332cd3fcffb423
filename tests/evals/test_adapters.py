"""Published sets become datasets: what is known is taken over, what cannot be judged is left out and counted."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support import ROOT

from evals.adapters import adapt
from evals.dataset import read_dataset
from evals.errors import DatasetInvalid
from warrant import warrant

DATA = ROOT.parent / "shared" / "data"
QUERIES: list[dict[str, Any]] = [
    {
        "id": "c1<::>2",
        "text": "And in France?",
        "history": [{"role": "user", "content": "Where?"}],
        "type": "answerable",
    },
    {"id": "q2", "text": "Who?", "answers": ["Ann", "Ann", " ", "Bo"], "metadata": {"passage_id": "p7"}},
    {"id": "q3", "text": "Whom?", "answers": ["Ann"], "type": "unanswerable"},
    {"id": "q4", "text": "That one?", "type": "underspecified"},
]
JUDGEMENTS = "query_id\tdoc_id\trelevance\nq2\td1\t1\nq2\td2\t2\nq2\td3\t0\nq3\td1\t1\n"


def made(folder: Path, queries: list[Any] = QUERIES, judgements: str = JUDGEMENTS) -> Path:
    with gzip.open(folder / "queries.jsonl.gz", "wt") as file:
        file.write("".join(f"{query if isinstance(query, str) else json.dumps(query)}\n" for query in queries))
    (folder / "qrels.tsv").write_text(judgements)
    return folder


def test_what_a_set_knows_of_a_query_is_taken_over(tmp_path: Path) -> None:
    dataset, left = adapt(made(tmp_path))
    found = {sample.id: sample for sample in dataset.samples}
    assert (set(found), left) == ({"c1<::>2", "q2", "q3"}, Counter(underspecified=1))
    assert (found["q2"].reference, found["q2"].alternatives, found["q2"].documents) == ("Ann", ("Bo",), ("d2", "d1"))
    assert [found[name].depends_on for name in ("c1<::>2", "q2", "q3")] == ["c1", "p7", "q3"]
    assert [each.content for each in found["c1<::>2"].history] == ["Where?"]
    assert (found["q3"].answerable, found["q3"].reference, found["q3"].documents) == (False, None, ())
    assert found["c1<::>2"].tags == ("answerable",)


def test_a_smaller_sample_is_part_of_a_larger_one(tmp_path: Path) -> None:
    folder = made(tmp_path, [{"id": str(number), "text": "Who?"} for number in range(50)])
    few, more = ({sample.id for sample in adapt(folder, most)[0].samples} for most in (10, 30))
    assert (len(few), len(more)) == (10, 30)
    assert few < more
    assert few != {str(number) for number in range(10)}


@pytest.mark.parametrize(
    ("queries", "judgements", "told"),
    [
        (["{"], JUDGEMENTS, "Line 1 of .*queries.jsonl is no query"),
        (["[1]"], JUDGEMENTS, "Line 1 of .*queries.jsonl is no query"),
        ([{"id": "a"}], JUDGEMENTS, "id and text are needed"),
        ([{"id": "a", "text": " "}], JUDGEMENTS, "The query 'a' in .* is no sample"),
        (QUERIES, "x\ty\tz\na b c\n", "Line 2 of .*qrels.tsv must be query, document and relevance"),
    ],
)
def test_what_is_wrong_with_a_set_is_told(tmp_path: Path, queries: list[Any], judgements: str, told: str) -> None:
    with pytest.raises(DatasetInvalid, match=told):
        adapt(made(tmp_path, queries, judgements))


def test_a_folder_without_queries_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="has neither"):
        adapt(tmp_path)


def test_the_command_writes_a_dataset(tmp_path: Path) -> None:
    told = CliRunner().invoke(warrant, ["eval", "adapt", str(made(tmp_path)), "--out", str(tmp_path / "d.jsonl")])
    assert (told.exit_code, told.stderr) == (0, "3 samples; 1 underspecified left out.\n")
    assert read_dataset(tmp_path / "d.jsonl").digest == adapt(tmp_path)[0].digest


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not here")
@pytest.mark.parametrize("name", ["squad_v2_dev", "mtrag", "hotpotqa_100", "scifact", "mintaka_dev"])
def test_real_sets_can_be_read(name: str) -> None:
    dataset, left = adapt(DATA / name)
    assert len(dataset.samples) >= 100
    assert name == "mintaka_dev" or any(sample.documents for sample in dataset.samples)
    assert bool(left) == (name == "mtrag")
