"""The front door: every command as a user runs it, its exit codes, and what it must not import."""

import asyncio
import gzip
import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from support import HANDBOOK, ROOT

from graph.index.local import open_local
from graph.release import Release
from graph.retrieval.pipeline import RetrievalPipeline
from graph.settings import Settings
from graph.state import Passage
from warrant import main

WARRANT = [sys.executable, "-m", "warrant"]
QUESTION = "What is the minimum number of characters for my password?"


def run(*arguments: object, text: str | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, with an environment and a standard input of its own."""
    command, environment, keyboard = [*map(str, arguments)], os.environ.copy(), sys.stdin
    shown, trouble = io.StringIO(), io.StringIO()
    sys.stdin = io.StringIO(text or "")
    try:
        with chdir(cwd or ROOT), redirect_stdout(shown), redirect_stderr(trouble):
            code = main(command)
    finally:
        sys.stdin = keyboard
        os.environ.clear()
        os.environ.update(environment)
    return subprocess.CompletedProcess(command, int(code or 0), shown.getvalue(), trouble.getvalue())


RICH = """
import click, warrant
from graph.cli.terminal import Terminal
warrant.warrant.add_command(click.command("rich")(lambda: Terminal().print("PASS")))
warrant.LazyGroup.get_command = lambda self, ctx, name: self.commands[name]
raise SystemExit(warrant.main(["rich"]))
"""


def test_help_lists_the_commands_and_the_exit_codes() -> None:
    shown = subprocess.run([*WARRANT, "--help"], capture_output=True, text=True, cwd=ROOT, timeout=120).stdout
    assert all(
        word in " ".join(shown.split()) for word in ("index", "ask", "search", "release", "graph", "130 interrupted")
    )


def imported_by(*arguments: str) -> set[str]:
    code = f"import sys; from warrant import main; main({list(arguments)!r}); print('MODULES', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    return set(done.stdout.rpartition("MODULES")[2].split())


@pytest.mark.parametrize("line", ["import sys; from warrant import main; sys.exit(main(['eval', '--help']))", RICH])
def test_who_stops_reading_is_given_no_verdict(line: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", line], stdout=writing, stderr=subprocess.PIPE, cwd=ROOT, timeout=120)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_help_imports_nothing_heavy() -> None:
    assert not imported_by("--help") & {"numpy", "pyarrow", "pydantic", "langgraph", "lancedb", "rich", "yaml"}


def test_nothing_of_databricks_is_imported_before_it_is_needed() -> None:
    for command in (("deploy", "databricks", "endpoint", "--help"), ("deploy", "databricks", "app", "--help")):
        assert not {name for name in imported_by(*command) if name.startswith(("databricks", "mlflow"))}


def test_a_command_whose_libraries_are_missing_names_the_extra() -> None:
    """scipy is hidden in a process of its own, as if the extra had not been installed."""
    code = "import sys; sys.modules['scipy'] = None; from warrant import main; sys.exit(main(['eval', 'gate', 'x']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.returncode, done.stderr) == (
        5,
        "warrant: `gate` needs scipy, which is not installed; pip install 'warrant-rag[evals]'.\n",
    )


UNUSED = {
    "mlflow",
    "openai",
    "langchain",
    "langchain_openai",
    "kreuzberg",
    "xllamacpp",
    "scipy",
    "sklearn",
    "langserve",
}
"""Libraries that no question over a local Snapshot needs when the release quotes."""
OF_CHAT_MODELS = {f"graph.models.{name}" for name in ("chat_writer", "chat", "replies", "declines", "json_claims")}


def test_ask_imports_no_part_that_it_does_not_need(handbook: Path) -> None:
    names = imported_by("ask", QUESTION, "--index", str(handbook), "--json")
    assert "langgraph" in names
    assert not names & (UNUSED | OF_CHAT_MODELS)


def test_search_and_verify_import_no_graph_of_steps(handbook: Path) -> None:
    searched = imported_by("search", QUESTION, "--index", str(handbook), "--json")
    assert "lancedb" in searched
    assert not searched & (UNUSED | OF_CHAT_MODELS | {"langgraph", "langchain_core", "graph.verification"})
    checked = imported_by("verify", "--help")
    assert "graph.verification" in checked
    assert not checked & (UNUSED | OF_CHAT_MODELS | {"langgraph", "langchain_core", "lancedb", "onnxruntime"})


def test_ask_answers_with_file_page_and_quoted_span(handbook: Path) -> None:
    done = run("ask", QUESTION, "--index", handbook, "--trace")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("answered", "access-control.md", "14 characters", "route ", "rerank"))


def test_ask_json_is_the_answer(handbook: Path) -> None:
    answer = json.loads(run("ask", QUESTION, "--index", handbook, "--json").stdout)
    assert (answer["status"], answer["rung"], answer["citations"][0]["file"]) == (
        "answered",
        "primary",
        "handbook/policies/access-control.md",
    )
    text = run("snapshot", "text", answer["citations"][0]["document"], "--index", handbook).stdout
    assert [text[c["start"] : c["end"]] == c["quote"] for c in answer["citations"]] == [True] * len(answer["citations"])


def test_ask_without_a_question_holds_a_conversation(handbook: Path) -> None:
    done = run("ask", "--index", handbook, "--json", text=f"{QUESTION}\n\x01\nAnd how often must it be changed?\n")
    assert done.returncode == 0
    assert done.stdout.count('"status"') == 2
    assert "control character U+0001" in done.stderr


def test_a_filter_and_a_group_reach_the_search(handbook: Path) -> None:
    plain = json.loads(run("search", "salary bands", "--index", handbook, "--json").stdout)
    asked = (
        "search",
        "salary bands",
        "--index",
        handbook,
        "--json",
        "--group",
        "hr",
        "--filter",
        "doc_type=policy,reference",
    )
    allowed = json.loads(run(*asked).stdout)
    assert "handbook/hr/salary-bands.docx" not in {passage["file"] for passage in plain}
    assert {passage["metadata"]["doc_type"] for passage in allowed} <= {"policy", "reference"}


def test_a_restricted_document_is_found_by_its_group_only(handbook: Path) -> None:
    shown = json.loads(run("search", "salary bands", "--index", handbook, "--json", "--group", "hr").stdout)
    assert "handbook/hr/salary-bands.docx" in {passage["file"] for passage in shown}


def test_search_writes_a_trec_run_of_documents(handbook: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl.gz"
    with gzip.open(queries, "wt", encoding="utf-8") as lines:
        lines.write('{"id": "q1", "text": "warranty of the pump"}\n{"id": "q2", "text": "storage quota"}\n')
    done = run("search", "--index", handbook, "--queries", queries, "--trec-run", tmp_path / "run.txt", "-k", 20)
    rows = [line.split(" ") for line in (tmp_path / "run.txt").read_text().splitlines()]
    assert done.returncode == 0
    assert [len(row) for row in rows] == [6] * 40
    assert [row[3] for row in rows[:20]] == [str(rank) for rank in range(1, 21)]
    assert len({row[2] for row in rows[:20]}) == 20
    assert "handbook/policies/storage-policy-2025.md" in {row[2] for row in rows[20:25]}


def found_by(leg: str, handbook: Path, *more: object) -> list[dict[str, Any]]:
    done = run("search", "warranty of the pump", "--index", handbook, "--leg", leg, "-k", 100, "--json", *more)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_reranked_leg_shows_the_candidates_in_their_new_order(handbook: Path, tmp_path: Path) -> None:
    (tmp_path / "release.yaml").write_text("retrieval: {keep: 5}\n")
    fused = found_by("fused", handbook)
    reranked = found_by("reranked", handbook, "--release", tmp_path / "release.yaml")
    scores = [each["score"] for each in reranked]
    assert {each["id"] for each in reranked} == {each["id"] for each in fused[:5]}
    assert (scores[0], scores[4], scores) == (1.0, 0.0, sorted(scores, reverse=True))
    assert [each["score"] for each in fused[:5]] != scores[:5]


def test_the_reranked_leg_orders_as_an_answer_does(handbook: Path) -> None:
    async def ordered() -> list[Passage]:
        backend = await open_local(Settings(index=handbook), Release())
        return await RetrievalPipeline(Release(), backend).passages("warranty of the pump", {}, [])

    wanted = [(each["id"], each["score"]) for each in asyncio.run(ordered())]
    shown = [(each["id"], each["score"]) for each in found_by("reranked", handbook)]
    assert shown[: len(wanted)] == wanted


def test_the_reranked_leg_of_a_release_without_a_reranker_is_refused(handbook: Path, tmp_path: Path) -> None:
    (tmp_path / "release.yaml").write_text("reranking: {model: none}\n")
    release = tmp_path / "release.yaml"
    done = run("search", "warranty", "--index", handbook, "--leg", "reranked", "--release", release)
    assert (done.returncode, "has reranking.model none; search its fused leg" in done.stderr) == (4, True)


def test_a_query_that_cannot_be_asked_does_not_cost_the_run(handbook: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"id": "q1", "text": "???"}\n{"id": "q2", "text": "storage quota"}\n')
    done = run(
        "search", "--index", handbook, "--queries", tmp_path / "queries.jsonl", "--trec-run", tmp_path / "run.txt"
    )
    assert (done.returncode, "query q1 is left out" in done.stderr) == (0, True)
    assert {line.split(" ")[0] for line in (tmp_path / "run.txt").read_text().splitlines()} == {"q2"}


def test_a_space_in_a_documents_name_does_not_break_a_run(tmp_path: Path) -> None:
    (tmp_path / "my notes.md").write_text("The quota is 50 GB.")
    (tmp_path / "queries.jsonl").write_text('{"id": "q1", "text": "quota"}\n')
    run("index", tmp_path / "my notes.md", "--out", tmp_path / "store")
    run(
        "search",
        "--index",
        tmp_path / "store",
        "--queries",
        tmp_path / "queries.jsonl",
        "--trec-run",
        tmp_path / "run.txt",
    )
    assert (tmp_path / "run.txt").read_text().split(" ")[:4] == ["q1", "Q0", "my%20notes.md", "1"]


def test_index_prints_json_with_what_was_indexed_and_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The quota is 50 GB.")
    (tmp_path / "docs" / "b.txt").write_text("")
    (tmp_path / "docs" / "c.xyz").write_bytes(b"\x00\x01\x02")
    done = run("index", tmp_path / "docs", "--out", tmp_path / "store", "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert result["indexed"] == ["docs/a.md"]
    assert {refusal["file"]: refusal["reason"].split(":")[0] for refusal in result["refused"]} == {
        "docs/b.txt": "empty",
        "docs/c.xyz": "unsupported",
    }
    assert result["counts"]["documents"] == 1


def test_index_shows_a_table_of_what_was_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("The quota is 50 GB.")
    (tmp_path / "b.txt").write_text("")
    shown = run("index", tmp_path / "a.md", tmp_path / "b.txt", "--out", tmp_path / "store").stdout
    assert "Refused: 1" in shown
    assert "the file holds nothing" in shown


def test_a_strict_run_with_a_refusal_exits_with_one(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("")
    done = run("index", tmp_path / "b.txt", "--out", tmp_path / "store", "--strict")
    assert (done.returncode, "nothing was published" in done.stderr) == (1, True)


def test_withheld_files_have_an_exit_code_of_their_own_and_strict_publishes_nothing(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "release.yaml").write_text("embedding: wordllama-256\n")
    (tmp_path / "docs" / "a.md").write_text("The quota is 50 GB.")
    (tmp_path / "docs" / "b.md").write_text("---\nallowed_group: board\n---\nThe bonus is 70 EUR.")
    asked = ("index", tmp_path / "docs", "--out", tmp_path / "store", "--release", tmp_path / "release.yaml")
    done = run(*asked, "--json", "--default-groups", "staff")
    assert (done.returncode, "who may read them is in doubt: 1" in done.stderr) == (6, True)
    assert [(one["file"], one["withheld"]) for one in json.loads(done.stdout)["refused"]] == [("docs/b.md", True)]
    assert run(*asked, "--strict").returncode == 1
    assert run(*asked, "--default-groups", ";").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["ask", ""], 2, "A question needs at least one letter or digit"),
        (["ask", "x" * 33_000], 2, "A question may have 32000 characters; this one has 33000"),
        (["ask", "a\x07b"], 2, "control character U+0007"),
        (["ask", "why", "--filter", "colour=red"], 2, "has no column 'colour'"),
        (["ask", "why", "--filter", "region"], 2, "A filter looks like region=EU"),
        (["ask", "why", "--filter", "effective_date>soon"], 2, "holds dates such as 2025-01-31; 'soon' is not one"),
        (["ask", "why", "--index", "nowhere"], 7, "There is no Snapshot at nowhere"),
        (["search"], 2, "Give either a TEXT to search for"),
        (["search", "--queries", "nowhere.jsonl", "--trec-run", "run"], 2, "nowhere.jsonl cannot be read"),
        (["index", "nowhere"], 2, "There is nothing at nowhere"),
        (["release", "show", "--release", "nowhere.yaml"], 4, "nowhere.yaml cannot be read"),
        (["nonsense"], 2, "No such command"),
        (["ask", "--nonsense"], 2, "No such option"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_its_exit_code(
    handbook: Path, arguments: list[str], code: int, sentence: str
) -> None:
    given = arguments if "--index" in arguments or arguments[0] != "ask" else [*arguments, "--index", str(handbook)]
    done = run(*given)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_snapshot_of_another_embedding_exits_with_three(quick_handbook: Path) -> None:
    done = run("ask", QUESTION, "--index", quick_handbook)
    assert (done.returncode, "was made with the embedding wordllama-256" in done.stderr) == (7, True)


def test_a_typo_in_a_release_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "release.yaml").write_text("name: mine\nretrieval:\n  pol: 5\n")
    done = run("release", "show", "--release", tmp_path / "release.yaml")
    assert done.returncode == 4
    assert "release.yaml:3: there is no field 'retrieval.pol'; the fields here are pool, vector_weight" in done.stderr


def test_a_bad_setting_names_its_variable(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WARRANT_THREADS=many\n")
    done = run("snapshot", "show", cwd=tmp_path)
    assert (done.returncode, 'WARRANT_THREADS must be a whole number, not "many"' in done.stderr) == (4, True)


def test_release_show_prints_the_whole_release_and_can_be_read_again(tmp_path: Path) -> None:
    shown = run("release", "show").stdout
    (tmp_path / "release.yaml").write_text(shown)
    again = run("release", "show", "--release", tmp_path / "release.yaml").stdout
    assert again == shown
    assert "vector_weight: 0.5" in shown


def test_graph_draw_prints_mermaid() -> None:
    shown = run("graph", "draw").stdout
    assert all(f"\t{step}({step})" in shown for step in ("preprocess", "retrieve", "rerank", "route", "generate"))


def test_the_handbook_is_what_it_promises_to_be() -> None:
    files = [path for path in HANDBOOK.rglob("*") if path.is_file() and not path.name.endswith(".meta.yaml")]
    kinds = {path.suffix for path in files}
    assert (len(files) > 25, kinds >= {".md", ".html", ".pdf", ".docx", ".csv", ".txt"}) == (True, True)
