"""The indexing run from files to a published Snapshot: incremental, resumable, and never stopped by one file."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from support import QUICK, Silent, documents, run_index

from graph.errors import FilesRefused, IndexBusy, SourceInvalid
from graph.index.rows import PassageRows
from graph.index.store import Store, locate
from graph.index.tables import Reader
from graph.ingest.options import Options
from graph.ingest.pipeline import index
from graph.models.packaged_embeddings import PACKAGED
from graph.models.wordllama import WordLlama
from graph.release import Chunking


def write(folder: Path, **files: str) -> Path:
    """Files by name; `__` stands for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def passages(store: Path) -> list[PassageRows]:
    async def read() -> list[PassageRows]:
        reader = await Reader.open(locate(store), approximate=False)
        return [part async for part in reader.passages()]

    return asyncio.run(read())


def test_a_first_run_indexes_everything(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="# A\n\nThe quota is 50 GB.", b__txt="The warranty is five years.")
    outcome = run_index(docs, tmp_path / "store")
    assert outcome.indexed == ["docs/a.md", "docs/b.txt"]
    assert outcome.manifest.counts.model_dump() == {"documents": 2, "duplicates": 0, "passages": 2}


def test_every_passage_is_an_exact_slice_of_its_document(quick_handbook: Path) -> None:
    texts = {name: row.text for name, row in documents(quick_handbook).items()}
    rows = [row for part in passages(quick_handbook) for row in part.rows]
    assert len(rows) > 150
    assert [row["id"] for row in rows if texts[row["document"]][row["start"] : row["end"]] != row["text"]] == []


def test_a_second_run_without_a_change_works_on_nothing(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.")
    first = run_index(docs, tmp_path / "store")
    second = run_index(docs, tmp_path / "store")
    assert (second.indexed, second.unchanged, second.manifest) == ([], 1, first.manifest)


def test_only_a_changed_document_is_worked_on_again(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", b__md="The warranty is five years.")
    run_index(docs, tmp_path / "store")
    write(docs, a__md="The quota is 80 GB.")
    outcome = run_index(docs, tmp_path / "store")
    assert (outcome.indexed, outcome.unchanged) == (["docs/a.md"], 1)
    assert documents(tmp_path / "store")["docs/a.md"].text == "The quota is 80 GB."


def test_changed_metadata_is_a_change(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__txt="The quota is 50 GB.", a__txt__meta__yaml="region: EU")
    run_index(docs, tmp_path / "store")
    write(docs, a__txt__meta__yaml="region: US")
    assert run_index(docs, tmp_path / "store").indexed == ["docs/a.txt"]
    assert json.loads(documents(tmp_path / "store")["docs/a.txt"].metadata) == {"region": "US"}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are embedded, as they come."""
    texts: list[str] = []

    class Counting(WordLlama):
        def embed_with_spans(self, given):  # type: ignore[no-untyped-def]
            texts.extend(marked.text for marked in given)
            return super().embed_with_spans(given)

    monkeypatch.setitem(PACKAGED, "wordllama-256", Counting)
    return texts


def test_unchanged_chunks_of_a_changed_document_keep_their_vectors(tmp_path: Path, embedded: list[str]) -> None:
    long = "\n\n".join(f"# Part {n}\n\n" + f"Sentence {n} about pumps and fans. " * 40 for n in range(6))
    docs = write(tmp_path / "docs", a__md="---\ntitle: A\n---\n" + long)
    run_index(docs, tmp_path / "store")
    before = {
        row["search_text"]: v.tobytes()
        for p in passages(tmp_path / "store")
        for row, v in zip(p.rows, p.vectors, strict=True)
    }
    embedded.clear()
    write(docs, a__md="---\ntitle: A\n---\n" + long + "\n\n# New\n\nSomething else entirely.")
    run_index(docs, tmp_path / "store")
    assert embedded
    assert not set(embedded) & before.keys()


def test_a_file_that_was_renamed_keeps_the_vectors_of_its_passages(tmp_path: Path, embedded: list[str]) -> None:
    docs = write(tmp_path / "docs", a__md="---\ntitle: A\n---\nThe quota is 50 GB. It is raised on request.")
    run_index(docs, tmp_path / "store")
    (docs / "a.md").rename(docs / "b.md")
    embedded.clear()
    outcome = run_index(docs, tmp_path / "store", prune=True)
    assert (outcome.indexed, outcome.removed, embedded) == (["docs/b.md"], ["docs/a.md"], [])


def test_documents_that_are_gone_stay_until_prune(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", b__md="The warranty is five years.")
    run_index(docs, tmp_path / "store")
    (docs / "b.md").unlink()
    assert run_index(docs, tmp_path / "store").manifest.counts.documents == 2
    pruned = run_index(docs, tmp_path / "store", prune=True)
    assert (pruned.removed, list(documents(tmp_path / "store"))) == (["docs/b.md"], ["docs/a.md"])


def test_another_folder_is_added_to_what_is_there(tmp_path: Path) -> None:
    run_index(write(tmp_path / "one", a__md="The quota is 50 GB."), tmp_path / "store")
    run_index(write(tmp_path / "two", a__md="The warranty is five years."), tmp_path / "store")
    assert list(documents(tmp_path / "store")) == ["one/a.md", "two/a.md"]


def test_a_bad_file_is_refused_and_the_others_are_indexed(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", empty__txt="", bad__pdf="this is no PDF")
    (docs / "noise.docx").write_bytes(b"PK\x03\x04 cut short")
    outcome = run_index(docs, tmp_path / "store")
    assert outcome.indexed == ["docs/a.md"]
    reasons = {refusal.file: refusal.reason.split(":")[0] for refusal in outcome.refused}
    assert reasons == {"docs/empty.txt": "empty", "docs/bad.pdf": "corrupt", "docs/noise.docx": "corrupt"}


@pytest.mark.parametrize(
    "now", ["", "---\nallowed_groups: [hr\n---\nThe quota is 80 GB.", "---\ntitle: A\nThe quota is 80 GB."]
)
def test_a_file_that_was_good_and_is_refused_now_is_no_longer_served(tmp_path: Path, now: str) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", b__md="The warranty is five years.")
    run_index(docs, tmp_path / "store")
    write(docs, a__md=now)
    outcome = run_index(docs, tmp_path / "store")
    assert ([refusal.file for refusal in outcome.refused], outcome.withdrawn) == (["docs/a.md"], ["docs/a.md"])
    assert list(documents(tmp_path / "store")) == ["docs/b.md"]


def test_a_strict_run_with_a_refusal_publishes_nothing(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", empty__txt="")
    with pytest.raises(FilesRefused, match=r"1 refused, so nothing was published: docs/empty.txt: empty"):
        run_index(docs, tmp_path / "store", strict=True)
    assert Store(tmp_path / "store").current() is None


def test_work_of_an_interrupted_run_is_not_done_again(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", b__txt="", c__md="The warranty is five years.")
    with pytest.raises(FilesRefused):
        run_index(docs, tmp_path / "store", strict=True)
    (docs / "b.txt").unlink()
    progress = Silent()
    outcome = index([docs], tmp_path / "store", QUICK, Options(), progress)
    assert (progress.expected, outcome.indexed) == ([0], ["docs/a.md", "docs/c.md"])


def test_a_damaged_journal_is_begun_anew(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.")
    (tmp_path / "store" / "work").mkdir(parents=True)
    (tmp_path / "store" / "work" / "journal.sqlite").write_bytes(b"not a database" * 100)
    assert run_index(docs, tmp_path / "store").indexed == ["docs/a.md"]


def test_another_chunking_makes_everything_anew(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.")
    run_index(docs, tmp_path / "store")
    finer = QUICK.model_copy(update={"chunking": Chunking(target_tokens=64)})
    assert run_index(docs, tmp_path / "store", finer).indexed == ["docs/a.md"]


def test_copies_are_known_but_not_searched_twice(tmp_path: Path) -> None:
    text = "The quota of a project space is 50 GB and its owner can ask for more."
    docs = write(tmp_path / "docs", a__md=text, b__txt=text)
    outcome = run_index(docs, tmp_path / "store")
    assert outcome.duplicates == {"docs/b.txt": "docs/a.md"}
    assert outcome.manifest.counts.model_dump() == {"documents": 1, "duplicates": 1, "passages": 1}


def test_a_copy_takes_the_place_of_a_first_that_is_gone(tmp_path: Path) -> None:
    text = "The quota of a project space is 50 GB and its owner can ask for more."
    docs = write(tmp_path / "docs", a__md=text, b__txt=text)
    run_index(docs, tmp_path / "store")
    (docs / "a.md").unlink()
    outcome = run_index(docs, tmp_path / "store", prune=True)
    assert (outcome.indexed, outcome.manifest.counts.passages) == (["docs/b.txt"], 1)


def test_a_restricted_copy_of_a_public_document_stays_its_own(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__txt="The quota is 50 GB.", b__txt="The quota is 50 GB.")
    write(docs, b__txt__meta__yaml="allowed_groups: [finance]")
    assert run_index(docs, tmp_path / "store").duplicates == {}


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="There is nothing at"):
        run_index(tmp_path / "nowhere", tmp_path / "store")


def test_a_second_writer_waits_and_then_gives_up(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.")
    with Store(tmp_path / "store").writing(patience=0), pytest.raises(IndexBusy, match="Another run is writing"):
        run_index(docs, tmp_path / "store", patience=0.1)


def test_the_journal_is_gone_after_publishing(tmp_path: Path) -> None:
    run_index(write(tmp_path / "docs", a__md="The quota is 50 GB."), tmp_path / "store")
    assert [path.name for path in (tmp_path / "store" / "work").iterdir()] == []


def test_old_snapshots_are_dropped_but_not_the_last_ones(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    for number in range(5):
        run_index(write(docs, a__md=f"The quota is {number}0 GB."), tmp_path / "store")
    assert len(list((tmp_path / "store" / "snapshots").iterdir())) == 3


def test_a_snapshot_is_the_same_wherever_its_documents_lie(tmp_path: Path) -> None:
    docs = write(tmp_path / "here" / "docs", a__md="The quota is 50 GB.", b__md="The warranty is five years.")
    first = run_index(docs, tmp_path / "one")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert run_index(tmp_path / "there" / "docs", tmp_path / "two").manifest.digest == first.manifest.digest


def test_the_journal_keeps_a_batch_whole_or_not_at_all(tmp_path: Path) -> None:
    run_index(write(tmp_path / "docs", a__md="The quota is 50 GB."), tmp_path / "store")
    from graph.ingest.journal import Journal

    journal = Journal(tmp_path / "journal.sqlite", "recipe", 256)
    row = next(iter(documents(tmp_path / "store").values()))
    good = (row, passages(tmp_path / "store")[0])
    with pytest.raises((AttributeError, sqlite3.Error)):
        journal.record([good, (row, None)])  # type: ignore[list-item]
    assert list(journal.documents()) == []
    journal.close()


def test_a_journal_of_an_earlier_version_is_begun_anew(tmp_path: Path) -> None:
    run_index(write(tmp_path / "docs", a__md="The quota is 50 GB."), tmp_path / "store")
    from graph.ingest.journal import Journal

    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.executescript(
        "CREATE TABLE recipe (name TEXT); INSERT INTO recipe VALUES ('recipe');"
        "CREATE TABLE documents (document TEXT PRIMARY KEY, row TEXT); INSERT INTO documents VALUES ('a', '{}');"
        "CREATE TABLE passages (document TEXT, rows TEXT, vectors BLOB, units BLOB, tokens BLOB);"
    )
    database.close()
    journal = Journal(tmp_path / "journal.sqlite", "recipe", 256)
    assert journal.names() == set()
    row = next(iter(documents(tmp_path / "store").values()))
    journal.record([(row, passages(tmp_path / "store")[0])])
    assert journal.passages(row.document).rows == passages(tmp_path / "store")[0].rows
    journal.close()


def test_front_matter_that_names_no_group_costs_one_file_and_opens_nothing(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a__md="The quota is 50 GB.", b__md="---\nallowed_groups: ';'\n---\nA secret.")
    outcome = run_index(docs, tmp_path / "store")
    assert (outcome.indexed, [refusal.file for refusal in outcome.refused]) == (["docs/a.md"], ["docs/b.md"])


def test_metadata_that_have_no_one_type_are_told_and_gain_one_when_they_are_mended(tmp_path: Path) -> None:
    manifest = "file,since\na.txt,3/4/2025\nb.txt,soon\n"
    docs = write(tmp_path / "docs", a__txt="One.", b__txt="Two.", manifest__csv=manifest)
    told = run_index(docs, tmp_path / "store")
    assert told.manifest.columns == {"since": "string"}
    assert [(each.file, each.message.split(",")[0]) for each in told.warnings] == [
        ("docs/a.txt", "Column 'since' has no one type")
    ]
    write(docs, manifest__csv="file,since\na.txt,3/4/2025\nb.txt,3/15/2025\n")
    mended = run_index(docs, tmp_path / "store")
    assert (mended.manifest.columns, mended.warnings, mended.indexed) == ({"since": "date"}, [], ["docs/b.txt"])
