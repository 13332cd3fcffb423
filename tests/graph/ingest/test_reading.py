"""Reading is bounded: whatever one document does, it costs that document and nothing else."""

import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support import QUICK, PanicException, run_index

from graph.ingest.csv_parts import parts
from graph.ingest.document import Refusal, Source
from graph.ingest.options import Options
from graph.ingest.reading import Cut, read_all, with_texts

DEFAULT = Options()


def read(*paths: Path, options: Options = DEFAULT) -> list[Cut | Refusal]:
    sources = [Source(path.name, path.name, path, "") for path in paths]
    return [outcome for _, outcome in read_all(sources, QUICK, options)]


def archive(path: Path, member: str, megabytes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open(member, "w") as inside:
        for _ in range(megabytes):
            inside.write(b"0" * (1 << 20))
    return path


@pytest.mark.parametrize(("name", "member"), [("a.docx", "word/document.xml"), ("a.epub", "OEBPS/a.xhtml")])
def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, name: str, member: str) -> None:
    [outcome] = read(archive(tmp_path / name, member, 30), options=Options(most_megabytes=20))
    assert outcome == Refusal(name, "too large: it unpacks to 30 MB, at most 20 MB are read")


def test_a_reader_that_takes_too_much_memory_costs_one_file(tmp_path: Path) -> None:
    body = "".join(f"<tr><td>{number}</td></tr>" for number in range(30_000))
    (tmp_path / "large.html").write_text(f"<html><body><table>{body}</table></body></html>")
    (tmp_path / "good.html").write_text("<html><body><p>The quota is 50 GB.</p></body></html>")
    large, good = read(tmp_path / "large.html", tmp_path / "good.html", options=Options(memory_megabytes=40))
    assert isinstance(large, Refusal)
    assert isinstance(good, Cut)


def test_a_library_that_panics_costs_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(path: Path, ocr: str, megabytes: float) -> object:
        if path.name == "a.txt":
            raise PanicException("byte index 3 is not a char boundary")
        return extract(path, ocr)

    from graph.ingest.formats.extract import extract

    monkeypatch.setattr("graph.ingest.reading.extract", panic)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("The quota is 50 GB.")
    panicked, good = read(tmp_path / "a.txt", tmp_path / "b.txt")
    assert panicked == Refusal("a.txt", "corrupt: PanicException: byte index 3 is not a char boundary")
    assert isinstance(good, Cut)


def test_a_text_that_cannot_be_embedded_costs_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from graph.models.wordllama import WordLlama

    embed = WordLlama._embed_one_with_spans

    def panic(self: WordLlama, marked: object) -> object:
        if "deadly" in marked.text:  # type: ignore[attr-defined]
            raise PanicException("no such token")
        return embed(self, marked)  # type: ignore[arg-type]

    monkeypatch.setattr(WordLlama, "_embed_one_with_spans", panic)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("A deadly sentence.")
    (docs / "b.txt").write_text("The quota is 50 GB.")
    outcome = run_index(docs, tmp_path / "store")
    assert outcome.indexed == ["docs/b.txt"]
    assert outcome.refused == [Refusal("docs/a.txt", "corrupt: PanicException: no such token")]


@pytest.fixture
def early_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of 32 KB count as large."""
    monkeypatch.setattr("graph.ingest.csv_parts.PARTS_FROM", 32 * 1024)


def table(path: Path, rows: list[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("part,price in EUR,remark\n" + "".join(rows))
    return path


def rows(count: int) -> list[str]:
    chance = random.Random(7)
    return [f"part {n},{chance.randrange(10_000)},{'a remark of some length ' * 3}\n" for n in range(count)]


@pytest.mark.usefixtures("early_parts")
def test_a_large_table_is_indexed_in_parts_with_its_header(tmp_path: Path) -> None:
    table(tmp_path / "docs" / "prices.csv", rows(1500))
    outcome = run_index(tmp_path / "docs", tmp_path / "store")
    assert len(outcome.indexed) > 3
    assert outcome.indexed[0] == "docs/prices.csv#1"
    assert outcome.refused == []


@pytest.mark.usefixtures("early_parts")
@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_one_row_of_a_large_table_touches_one_part(tmp_path: Path, change: str) -> None:
    lines = rows(1500)
    path = table(tmp_path / "docs" / "prices.csv", lines)
    first = run_index(tmp_path / "docs", tmp_path / "store")
    place = 750
    lines[place : place + 1] = {"changed": ["part x,1,new\n"], "added": [lines[place], "y,2,new\n"], "removed": []}[
        change
    ]
    table(path, lines)
    second = run_index(tmp_path / "docs", tmp_path / "store")
    assert len(second.indexed) == 1
    assert second.unchanged == len(first.indexed) - 1


@pytest.mark.usefixtures("early_parts")
def test_a_table_that_shrinks_loses_its_last_parts(tmp_path: Path) -> None:
    path = table(tmp_path / "docs" / "prices.csv", rows(1500))
    first = run_index(tmp_path / "docs", tmp_path / "store")
    table(path, rows(1000))
    second = run_index(tmp_path / "docs", tmp_path / "store")
    assert set(second.removed) < set(first.indexed)
    table(path, rows(10))
    third = run_index(tmp_path / "docs", tmp_path / "store")
    assert (third.indexed, third.manifest.counts.documents) == (["docs/prices.csv"], 1)


@pytest.mark.usefixtures("early_parts")
def test_a_large_table_with_a_column_of_groups_is_withheld_as_a_small_one_is(tmp_path: Path) -> None:
    for name, count in (("small", 20), ("large", 1500)):
        path = tmp_path / name / "pay.csv"
        path.parent.mkdir()
        lines = (f"person {number},{number} euros a year before taxes,board\n" for number in range(count))
        path.write_text("name,salary,allowed_groups\n" + "".join(lines))
        outcome = run_index(path.parent, tmp_path / f"{name}-store")
        assert (outcome.indexed, {refusal.withheld for refusal in outcome.refused}) == ([], {True})


class Opened(type(Path())):  # type: ignore[misc]  # the class of paths of this system
    """A path that counts how often its file is opened."""

    count = 0

    def open(self, *arguments: Any, **options: Any) -> Any:
        Opened.count += 1
        return super().open(*arguments, **options)


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", "plain"), ("utf-8-sig", "größer"), ("utf-16", "größer"), ("cp1252", "größer")],
)
def test_a_large_table_is_read_once_to_be_found_and_once_for_its_text(
    tmp_path: Path, encoding: str, remark: str
) -> None:
    path = Opened(tmp_path / "prices.csv")
    path.write_bytes("".join(["part,price\n", *rows(4000), f"last,{remark}\n"]).encode(encoding))
    Opened.count = 0
    sources = [source for source in parts(path, "prices.csv", {}) if isinstance(source, Source)]
    # Once for its encoding, which takes no time to speak of.
    assert Opened.count == 2
    Opened.count = 0
    texts = [text or "" for _, text in with_texts(sources)]
    assert Opened.count == 1
    assert (len(texts) > 3, f"| last | {remark} |" in texts[-1]) == (True, True)
    assert {text.splitlines()[0] for text in texts} == {"| part | price |  |"}


@pytest.mark.parametrize(("cell", "read"), [('3/4" pipe', '3/4" pipe'), ('"never closed', '"never closed')])
def test_a_misplaced_quotation_mark_far_down_a_large_table_swallows_nothing(
    tmp_path: Path, cell: str, read: str
) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("".join(["part,price,remark\n", *rows(4000), f"{cell},7,x\n", *rows(100)]))
    sources = [source for source in parts(path, "prices.csv", {}) if isinstance(source, Source)]
    texts = [text or "" for _, text in with_texts(sources)]
    assert f"| {read} | 7 | x |" in "".join(texts)
    assert sum(text.count("| part ") for text in texts) == 4100 + len(texts)


def test_a_large_table_that_changes_while_it_is_indexed_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "prices.csv", rows(4000))
    sources = [source for source in parts(path, "prices.csv", {}) if isinstance(source, Source)]
    path.write_bytes(path.read_bytes()[:300_000] + b"\xff\xfe\xfa")
    outcomes = [outcome for _, outcome in read_all(sources, QUICK, Options())]
    assert isinstance(outcomes[0], Cut)
    assert isinstance(outcomes[-1], Refusal)
    assert outcomes[-1].reason.startswith("changed")
