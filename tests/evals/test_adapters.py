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
REAL: dict[str, tuple[int, int, dict[str, int], dict[str, int]]] = {
    "squad_v2_dev": (3035, 1473, {"repeated": 2}, {}),
    "mtrag": (583, 479, {"repeated": 3, "underspecified": 78, "conversational": 2}, {}),
    "hotpotqa_100": (100, 100, {}, {"complex": 100}),
    "scifact": (300, 300, {}, {}),
    "mintaka_dev": (1005, 1005, {}, {"complex": 703, "simple": 302}),
}
"""Samples, answerable ones, what is left out, and how complex they are."""
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


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ({"answers": [["EU", "European Union"], ["Brussels"]]}, ("EU", "European Union", "Brussels")),
        ({"answers": "Ann"}, ("Ann",)),
        ({"answer": 42}, ("42",)),
        ({"answers": [True]}, ("yes",)),
        ({"answers": {"text": ["in 1066", "1066"], "answer_start": [3, 6]}}, ("in 1066", "1066")),
        ({"reference": {"value": "Bo", "aliases": ["Bob"]}}, ("Bo", "Bob")),
        ({"references": ["Ann", "d1"]}, ("Ann",)),
        ({"answers": [["Ann"]], "metadata": {"is_impossible": False}}, ("Ann",)),
        ({"answers": []}, None),
        ({"answers": [[]]}, None),
        ({}, None),
        ({"answers": ["Insufficient information."]}, None),
        ({"answers": ["Ann"], "metadata": {"answerable": False}}, None),
        ({"answers": ["Ann"], "unanswerable": True}, None),
        ({"answers": ["Ann"], "type": "No-Answer"}, None),
    ],
)
def test_answers_are_read_however_they_are_nested(
    tmp_path: Path, query: dict[str, Any], known: tuple[str, ...] | None
) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "d1", "text": "t"}\n')
    other = {"id": "other", "text": "Which?", "answers": ["x"]}
    dataset, left = adapt(made(tmp_path, [other, {"id": "q", "text": "Who?", **query}], ""))
    sample = dataset.sample("q")
    assert (sample.answerable, sample.answers, left) == (known is not None, known or (), Counter())
    assert sample.documents == (("d1",) if "references" in query else ())


@pytest.mark.parametrize(
    ("query", "tags"),
    [
        ({"metadata": {"complexity_suggested": "complex"}}, ("complex",)),
        ({"complexity": "Simple", "type": "count"}, ("count", "simple")),
        ({"metadata": {"hops": 2}}, ("complex",)),
        ({"metadata": {"hops": 1}}, ("simple",)),
        ({"metadata": {"complexity": "odd"}}, ()),
        ({}, ()),
    ],
)
def test_complexity_becomes_a_tag(tmp_path: Path, query: dict[str, Any], tags: tuple[str, ...]) -> None:
    dataset, _ = adapt(made(tmp_path, [{"id": "q", "text": "Who?", "answer": "Ann", **query}], ""))
    assert dataset.samples[0].tags == tags


def test_what_nobody_judged_and_what_is_asked_twice_is_left_out(tmp_path: Path) -> None:
    """A set with judgements alone has queries of its other splits; one without relevant documents was judged."""
    queries = [{"id": name, "text": f"Who is {name[0]}?"} for name in ("a1", "a2", "b", "c")]
    dataset, left = adapt(made(tmp_path, queries, "q\td\tr\na1\td1\t1\na2\td1\t1\nb\td1\t0\n"))
    assert {sample.question: sample.answerable for sample in dataset.samples} == {"Who is a?": True, "Who is b?": False}
    assert left == Counter(unjudged=1, repeated=1)
    with pytest.raises(DatasetInvalid, match="neither answers nor judgements"):
        adapt(made(tmp_path, queries, ""))


def test_a_smaller_sample_is_part_of_a_larger_one(tmp_path: Path) -> None:
    folder = made(tmp_path, [{"id": str(number), "text": f"Who is {number}?", "answer": "Ann"} for number in range(50)])
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
        ([{"id": "a", "text": " ", "answer": "x"}], JUDGEMENTS, "The query 'a' in .* is no sample"),
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
@pytest.mark.parametrize("name", REAL)
def test_real_sets_can_be_read(name: str) -> None:
    dataset, left = adapt(DATA / name)
    known = [sample for sample in dataset.samples if sample.answerable]
    complexity = {tag: many for tag, many in dataset.tags.items() if tag in ("simple", "complex")}
    assert (len(dataset.samples), len(known), dict(left), complexity) == REAL[name]
    assert all(sample.reference for sample in known) == (name != "scifact")
    assert all(bool(sample.documents) for sample in known) == (name != "mintaka_dev")
