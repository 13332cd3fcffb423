"""The lexicon of a Snapshot: exact counts, carried over from run to run, and nothing restricted to be read from it."""

import asyncio
import json
import os
from math import log
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import QUICK, run_index

from graph.errors import SnapshotBroken
from graph.index import lexicon
from graph.index.lexicon import LEXICON, LexiconBuilder, StoredLexicon
from graph.index.local import open_retriever
from graph.index.manifest import read_manifest
from graph.index.rows import WORDS
from graph.index.store import locate
from graph.index.tables import Reader
from graph.ingest import build
from graph.text.words import terms, weights

WORDS_OF_TEXTS = st.sampled_from(["Pump", "pumps", "seal", "Orbex", "AX-2000", "quota.", "11", "the", "Müller’s"])
TEXTS = st.lists(WORDS_OF_TEXTS, max_size=8).map(" ".join)
PASSAGES = st.lists(st.tuples(TEXTS, st.booleans()), max_size=8)


def counted(directory: Path, passages: list[tuple[str, bool]], base: StoredLexicon | None = None) -> StoredLexicon:
    counting = LexiconBuilder(base)
    for text, public in passages:
        counting.add(text, public=public)
    counting.write(directory)
    return StoredLexicon.open(directory)


def corpus(folder: Path, **texts: str) -> Path:
    """A corpus with one record a name; what begins with `!` is for the group hr only."""
    folder.mkdir(exist_ok=True)
    records = [
        {"id": name, "text": text.removeprefix("!"), "metadata": {"allowed_groups": ["hr"]} if text[0] == "!" else {}}
        for name, text in texts.items()
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, records)), "utf-8")
    return folder / "corpus.jsonl"


def published(store: Path) -> bytes:
    return (locate(store) / LEXICON).read_bytes()


@settings(max_examples=60, deadline=None)
@given(PASSAGES)
def test_a_term_weighs_what_graph_words_would_give_it(
    tmp_path_factory: pytest.TempPathFactory, passages: list[tuple[str, bool]]
) -> None:
    found = counted(tmp_path_factory.mktemp("counts"), passages)
    held = [terms(text) for text, public in passages if public]
    expected = weights(held)
    assert {term: found.weight(term) for term in expected} == expected
    assert found.weight("unheard") == log((len(held) + 1) / 0.5)
    assert (found.passages, found.length) == (len(held), sum(map(len, held)))


@settings(max_examples=60, deadline=None)
@given(PASSAGES, PASSAGES, PASSAGES)
def test_taking_away_and_adding_gives_what_counting_anew_gives(
    tmp_path_factory: pytest.TempPathFactory,
    stays: list[tuple[str, bool]],
    goes: list[tuple[str, bool]],
    comes: list[tuple[str, bool]],
) -> None:
    base, next_, fresh = (tmp_path_factory.mktemp("counts") for _ in range(3))
    counting = LexiconBuilder(counted(base, stays + goes))
    for text, public in goes:
        counting.add(text, public=public, times=-1)
    for text, public in comes:
        counting.add(text, public=public)
    counting.write(next_)
    counted(fresh, comes + stays)
    assert (next_ / LEXICON).read_bytes() == (fresh / LEXICON).read_bytes()


def test_runs_over_changes_end_with_the_lexicon_of_one_run(tmp_path: Path) -> None:
    first = {"a": "The quota is 50 GB.", "b": "!Orbex seals last.", "c": "Valves by Kesta.", "d": "A pump by Orbex."}
    later = {"a": "The quota is 80 GB.", "b": "Orbex seals last.", "d": "A pump by Orbex.", "e": "!New fans."}
    run_index(corpus(tmp_path / "docs", **first), tmp_path / "store")
    run_index(corpus(tmp_path / "docs", **later), tmp_path / "store", prune=True)
    run_index(corpus(tmp_path / "docs", **later), tmp_path / "fresh")
    assert locate(tmp_path / "store").name == locate(tmp_path / "fresh").name
    assert published(tmp_path / "store") == published(tmp_path / "fresh")


def test_the_lexicon_counts_what_the_passages_hold(quick_handbook: Path) -> None:
    directory = locate(quick_handbook)

    async def texts() -> list[str]:
        reader = await Reader.open(directory, approximate=False)
        public = {row.document async for row in reader.documents() if "allowed_groups" not in row.metadata}
        return [row[WORDS] async for part in reader.passages() for row in part.rows if row["document"] in public]

    found = StoredLexicon.open(directory)
    expected = weights(map(terms, asyncio.run(texts())))
    assert {term: found.weight(term) for term in expected} == expected


def test_unchanged_documents_are_not_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_index(corpus(tmp_path / "docs", a="The quota is 50 GB.", b="Valves by Kesta."), tmp_path / "store")
    seen: list[tuple[str, int]] = []

    class Watched(LexiconBuilder):
        def add(self, text: str, *, public: bool, times: int = 1) -> None:
            seen.append((text.splitlines()[-1], times))
            super().add(text, public=public, times=times)

    monkeypatch.setattr(build, "LexiconBuilder", Watched)
    run_index(corpus(tmp_path / "docs", a="The quota is 80 GB.", b="Valves by Kesta."), tmp_path / "store")
    assert seen == [("The quota is 50 GB.", -1), ("The quota is 80 GB.", 1)]


def test_terms_of_restricted_passages_are_never_listed(tmp_path: Path) -> None:
    found = counted(tmp_path, [("Old pumps by Orbex", True), ("Layoffs at Orbex", False)])
    assert sorted(found.commonest(100)) == ["old", "orbex", "pump"]
    assert found.counts() == {"old": 1, "orbex": 1, "pump": 1}


def test_the_commonest_terms_come_first(tmp_path: Path) -> None:
    found = counted(tmp_path, [("fans pump", True), ("seal pump", True), ("fans seal pump tank", True), ("fan", True)])
    assert found.commonest(2) == ["fan", "pump"]


def test_restricted_passages_leave_no_trace_in_a_lexicon(tmp_path: Path) -> None:
    public, closed = ("Pumps by Orbex", True), ("Layoffs of Orbex at Kesta", False)
    (tmp_path / "both").mkdir()
    found = counted(tmp_path / "both", [public, closed])
    counted(tmp_path, [public])
    assert found.weight("kesta") == found.weight("unheard") > found.weight("orbex")
    assert (tmp_path / "both" / LEXICON).read_bytes() == (tmp_path / LEXICON).read_bytes()


def test_an_empty_lexicon_knows_nothing(tmp_path: Path) -> None:
    found = counted(tmp_path, [])
    assert (found.weight("pump"), found.commonest(5), found.counts()) == (log(2), [], {})


def test_the_retriever_gives_the_lexicon_of_its_snapshot(quick_handbook: Path) -> None:
    retriever, _ = asyncio.run(open_retriever(quick_handbook, QUICK, 1))
    assert retriever.manifest.counts.passages > retriever.lexicon.passages > 0
    assert retriever.lexicon.weight("password") < retriever.lexicon.weight("unheard")


@pytest.mark.parametrize("text", [b"noise", b""])
def test_a_damaged_lexicon_is_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / LEXICON).write_bytes(text)
    with pytest.raises(SnapshotBroken, match=r"lexicon.arrow is not a Snapshot's lexicon.*index the documents again"):
        StoredLexicon.open(tmp_path)


def test_a_lexicon_that_does_not_say_how_it_was_counted_is_told(tmp_path: Path) -> None:
    with pa.ipc.new_file(str(tmp_path / LEXICON), lexicon.SCHEMA):
        pass
    with pytest.raises(SnapshotBroken, match="is not a Snapshot's lexicon"):
        StoredLexicon.open(tmp_path)


def test_a_lexicon_cut_short_is_told_by_the_manifest(tmp_path: Path) -> None:
    run_index(corpus(tmp_path / "docs", a="The quota is 50 GB."), tmp_path / "store")
    os.truncate(locate(tmp_path / "store") / LEXICON, 10)
    with pytest.raises(SnapshotBroken, match=r"lexicon.arrow has 10 bytes instead of"):
        read_manifest(locate(tmp_path / "store"))
