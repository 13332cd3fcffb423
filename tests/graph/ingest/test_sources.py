import gzip
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from graph.errors import SourceInvalid
from graph.ingest.document import Refusal, Source
from graph.ingest.options import Options
from graph.ingest.reading import with_texts
from graph.ingest.roots import Roots
from graph.ingest.sources import Inputs


def folder(root: Path, **files: str | bytes) -> Path:
    """A folder with files; `__` in a name stands for a dot and `___` for a slash."""
    for name, content in files.items():
        path = root / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def inputs(*paths: Path, follow: bool = False) -> Inputs:
    return Inputs(paths, Roots(), Options(most_megabytes=1, follow_symlinks=follow), Path("nowhere"))


def found(*paths: Path) -> list[Source]:
    return inputs(*paths).sources


def refused(*paths: Path) -> list[Refusal]:
    return inputs(*paths).refused


def ids(*paths: Path) -> list[str]:
    return [source.id for source in found(*paths)]


def corpus(root: Path, *lines: str) -> Path:
    return folder(root, corpus__jsonl="\n".join(lines)) / "corpus.jsonl"


def test_the_files_of_a_folder_are_named_from_the_folder_on_in_order(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", b__txt="b", a___c__md="c", a__txt="a")
    assert ids(docs) == ["docs/a/c.md", "docs/a.txt", "docs/b.txt"]


def test_a_single_file_is_named_by_itself(tmp_path: Path) -> None:
    path = folder(tmp_path, a__txt="a") / "a.txt"
    assert [(source.id, source.file, source.path, source.place) for source in found(path)] == [
        ("a.txt", "a.txt", path.resolve(), None)
    ]


def test_a_path_with_nothing_at_it_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"There is nothing at .*none"):
        inputs(tmp_path / "none")


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert (found(tmp_path), refused(tmp_path), inputs(tmp_path).empty) == ([], [], [tmp_path])


def test_hidden_entries_sidecars_and_manifests_are_no_documents_unless_a_hidden_folder_is_given(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", a__txt="a", __hidden="x", __git___config="x", sub_____cache__txt="x")
    folder(docs, a__txt__meta__yaml="x: 1", manifest__csv="file,y\na.txt,2\n")
    assert ids(docs) == ["docs/a.txt"]
    assert ids(folder(tmp_path / ".docs", a__txt="a")) == [".docs/a.txt"]


def test_a_sidecar_wins_over_the_manifest_field_by_field(tmp_path: Path) -> None:
    docs = folder(
        tmp_path, a__txt="a", manifest__csv="file,region,year\na.txt,EU,2023\n", a__txt__meta__yaml="year: 2024"
    )
    assert [source.metadata for source in found(docs)] == [{"region": "EU", "year": 2024}]


def test_a_manifest_describes_files_below_its_folder(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", sub___a__txt="a", b__txt="b", manifest__csv="file,region\nsub/a.txt,EU\n")
    assert {source.id: source.metadata for source in found(docs)} == {
        "docs/sub/a.txt": {"region": "EU"},
        "docs/b.txt": {},
    }


def test_a_manifest_row_naming_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", sub___manifest__csv="file,region\ngone.txt,EU\n")
    assert refused(docs) == [Refusal("docs/sub/gone.txt", "missing: a manifest.csv lists it, but it is not there")]


def test_a_file_with_a_broken_sidecar_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", a__txt="a", a__txt__meta__yaml="- x", b__txt="b")
    assert ids(docs) == ["docs/b.txt"]
    assert [(each.file, each.reason.split(": ")[:2]) for each in refused(docs)] == [
        ("docs/a.txt", ["bad metadata", "a.txt.meta.yaml"])
    ]


def test_a_file_of_the_most_size_is_read_and_a_larger_one_refused(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", just__txt="x" * (1 << 20), large__txt="x" * ((1 << 20) + 1))
    assert ids(docs) == ["docs/just.txt"]
    assert refused(docs) == [Refusal("docs/large.txt", "too large: 1.0 MB, at most 1 MB are read")]


def test_the_digest_changes_with_the_content_and_with_the_metadata(tmp_path: Path) -> None:
    path = folder(tmp_path, a__txt="a") / "a.txt"
    digests = [found(path)[0].digest, found(path)[0].digest]
    folder(tmp_path, a__txt__meta__yaml="region: EU")
    digests.append(found(path)[0].digest)
    folder(tmp_path, a__txt="b")
    digests.append(found(path)[0].digest)
    assert [digests.index(digest) for digest in digests] == [0, 0, 2, 3]


def test_folders_of_one_name_are_told_apart_by_more_of_their_paths(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one" / "docs", a__txt="a"), folder(tmp_path / "two" / "docs", a__txt="a")
    assert ids(one, two) == ["docs/a.txt", "two/docs/a.txt"]


def test_each_record_of_a_corpus_is_a_document(tmp_path: Path) -> None:
    first = json.dumps({"id": "one", "title": "Guide", "text": "Check it.", "metadata": {"region": "EU", "x": None}})
    path = corpus(tmp_path, first, "", '{"id": 2, "text": "Clean it."}')
    assert [(s.id, s.file, s.place, s.title, s.metadata) for s in found(path)] == [
        ("one", "corpus.jsonl", 1, "Guide", {"region": "EU"}),
        ("2", "corpus.jsonl", 3, "", {}),
    ]
    assert [text for _, text in with_texts(found(path))] == ["Check it.", "Clean it."]


def test_a_record_that_changes_while_it_is_indexed_has_no_text(tmp_path: Path) -> None:
    path = corpus(tmp_path, '{"id": "a", "text": "Check it."}', '{"id": "b", "text": "Clean it."}')
    sources = found(path)
    corpus(tmp_path, '{"id": "a", "text": "Check it."}', '{"id": "b", "text": "Burn it."}')
    assert [(source.id, text) for source, text in with_texts(sources)] == [("a", "Check it."), ("b", None)]


def test_a_line_without_end_costs_its_record_and_little_memory(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    with gzip.open(docs / "corpus.jsonl.gz", "wb") as file:
        file.write(b'{"id": "a", "text": "Check it."}\n{"id": "b", "text": "')
        for _ in range(64):
            file.write(b"a" * (1 << 20))
        file.write(b'"}\n{"id": "c", "text": "Clean it."}\n')
    tracemalloc.start()
    named = ids(docs)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (named, most < 80 << 20) == (["a", "c"], True)
    assert refused(docs) == [Refusal("docs/corpus.jsonl.gz:2", "too large: a record may have 32 MB")]


def test_a_zipped_corpus_reads_like_a_plain_one(tmp_path: Path) -> None:
    record = b'{"id": "one", "text": "Check it."}\n'
    docs = folder(tmp_path / "docs", corpus__jsonl__gz=gzip.compress(record))
    assert [(source.id, text) for source, text in with_texts(found(docs))] == [("one", "Check it.")]


def test_a_zipped_corpus_that_breaks_off_is_refused(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", corpus__jsonl__gz=gzip.compress(b'{"id": "one", "text": "Check it."}\n')[:-9])
    assert [(each.file, each.reason.split(":")[0]) for each in refused(docs)] == [("docs/corpus.jsonl.gz", "corrupt")]


def test_another_jsonl_file_is_a_corpus_when_its_first_line_is_a_record(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", a__jsonl='{"id": "one", "text": "x"}\n', log__jsonl='{"level": "info"}\n')
    assert ids(docs) == ["one", "docs/log.jsonl"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "b", "text": ', "corrupt: the line is not a JSON object in UTF-8"),
        ("[1, 2]", "corrupt: the line is not a JSON object in UTF-8"),
        ("null", "corrupt: the line is not a JSON object in UTF-8"),
        ('{"text": "x"}', "corrupt: the field id is missing or is not text"),
        ('{"id": "", "text": "x"}', "corrupt: the field id is missing or is not text"),
        ('{"id": true, "text": "x"}', "corrupt: the field id is missing or is not text"),
        ('{"id": ["b"], "text": "x"}', "corrupt: the field id is missing or is not text"),
        ('{"id": "b"}', "corrupt: a record is {id, title, text, metadata}: text, text, text and an object"),
        ('{"id": "b", "text": 5}', "corrupt: a record is {id, title, text, metadata}: text, text, text and an object"),
        (
            '{"id": "b", "text": "x", "title": 5}',
            "corrupt: a record is {id, title, text, metadata}: text, text, text and an object",
        ),
        (
            '{"id": "b", "text": "x", "metadata": ["EU"]}',
            "corrupt: a record is {id, title, text, metadata}: text, text, text and an object",
        ),
    ],
)
def test_a_wrong_line_of_a_corpus_is_refused_by_its_number_and_the_rest_is_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    path = corpus(tmp_path, '{"id": "a", "text": "x"}', "", line, '{"id": "c", "text": "x"}')
    assert ids(path) == ["a", "c"]
    assert refused(path) == [Refusal("corpus.jsonl:3", reason)]


def test_a_second_record_of_one_id_is_refused_with_where_the_first_is(tmp_path: Path) -> None:
    path = corpus(tmp_path, '{"id": "1", "text": "x"}', '{"id": 1, "text": "y"}')
    assert [text for _, text in with_texts(found(path))] == ["x"]
    assert refused(path) == [Refusal("corpus.jsonl", f"same name: 1 is also {path.resolve()} (record 1)")]


def test_the_digest_of_a_record_covers_text_title_and_metadata(tmp_path: Path) -> None:
    path = corpus(
        tmp_path,
        '{"id": 1, "text": "x"}',
        '{"id": 2, "text": "x", "metadata": {}}',
        '{"id": 3, "text": "y"}',
        '{"id": 4, "text": "x", "title": "y"}',
        '{"id": 5, "text": "x", "metadata": {"y": 1}}',
    )
    digests = [source.digest for source in found(path)]
    assert [digests.index(digest) for digest in digests] == [0, 0, 2, 3, 4]


def everything(*paths: Path) -> list[Source | Refusal]:
    return [*found(*paths), *refused(*paths)]


def test_what_is_said_of_a_corpus_holds_for_each_of_its_records(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        '{"id": "a", "text": "x"}\n{"id": "b", "text": "y", "metadata": {"r": "EU"}}\n'
    )
    (tmp_path / "corpus.jsonl.meta.yaml").write_text("allowed_groups: [hr]")
    assert [source.metadata for source in everything(tmp_path) if isinstance(source, Source)] == [
        {"allowed_groups": ["hr"]},
        {"allowed_groups": ["hr"], "r": "EU"},
    ]


def test_groups_that_name_nobody_refuse_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("secret")
    (tmp_path / "manifest.csv").write_text("file,allowed_groups\na.txt,;\n")
    [refusal] = everything(tmp_path)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("bad metadata: manifest.csv: allowed_groups = ';' names no group")


def test_a_sidecar_without_its_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt.meta.yaml").write_text("region: EU")
    reason = "missing: there is no file beside it that it could describe"
    assert everything(tmp_path) == [Refusal(f"{tmp_path.name}/a.txt.meta.yaml", reason)]


@pytest.mark.parametrize("field", ['"id": "\\ud800", "text": "x"', '"id": "1", "text": "\\ud800"'])
def test_half_a_surrogate_pair_in_a_record_is_refused(tmp_path: Path, field: str) -> None:
    (tmp_path / "corpus.jsonl").write_text("{" + field + "}")
    assert everything(tmp_path / "corpus.jsonl") == [
        Refusal("corpus.jsonl:1", "corrupt: the line holds half a surrogate pair")
    ]


def test_a_line_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text("[" * 200_000)
    assert [refusal.file for refusal in everything(tmp_path / "corpus.jsonl") if isinstance(refusal, Refusal)] == [
        "corpus.jsonl:1"
    ]


def test_one_line_in_another_encoding_loses_only_itself(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_bytes(
        b'\xef\xbb\xbf{"id": "a", "text": "x"}\n{"id": "b", "text": "\xe9"}\n{"id": "c", "text": "z"}\n'
    )
    assert ids(tmp_path / "corpus.jsonl") == ["a", "c"]
    assert [one.file for one in refused(tmp_path / "corpus.jsonl")] == ["corpus.jsonl:2"]


def test_a_manifest_that_points_out_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,r\n/etc/hostname,x\n")
    reason = "missing: a manifest.csv lists it, but it is not there"
    assert everything(tmp_path) == [Refusal("/etc/hostname", reason)]


def test_names_that_are_too_long_for_a_sidecar_or_not_utf8_do_not_stop_the_run(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", a__txt="a")
    (docs / ("n" * 251 + ".txt")).write_text("n")
    with open(os.fsencode(docs) + b"/caf\xe9.txt", "w") as file:
        file.write("c")
    assert ids(docs) == ["docs/a.txt", f"docs/{'n' * 251}.txt"]
    assert refused(docs) == [Refusal("docs/caf\\udce9.txt", "bad name: it is not UTF-8; rename the file or its folder")]


def test_what_is_no_file_is_told_and_not_opened(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", a__txt="a")
    os.mkfifo(docs / "pipe.txt")
    (docs / "gone.txt").symlink_to("nowhere")
    (docs / "self.txt").symlink_to("self.txt")
    assert ids(docs) == ["docs/a.txt"]
    assert {one.file: one.kind for one in refused(docs)} == {
        "docs/pipe.txt": "unsupported",
        "docs/gone.txt": "unreadable",
        "docs/self.txt": "unreadable",
    }


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_its_file(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", sub___a__txt="a", __kept___b__txt="b")
    folder(tmp_path / "out", c__txt="c")
    for name, target in {
        "a.txt": "sub/a.txt",
        "b.txt": ".kept/b.txt",
        "c.txt": "../out/c.txt",
        "out": "../out",
        "round": "..",
        "sub/up": "..",
    }.items():
        (docs / name).symlink_to(target)
    assert ids(docs) == ["docs/b.txt", "docs/sub/a.txt"]
    assert [(one.file, one.kind) for one in refused(docs)] == [
        (f"docs/{name}", "link") for name in ("c.txt", "out", "round")
    ]
    followed = inputs(docs, follow=True)
    assert {"docs/c.txt", "docs/b.txt", "docs/sub/a.txt"} <= {source.id for source in followed.sources}


def test_a_path_given_twice_or_within_another_is_read_once(tmp_path: Path) -> None:
    docs = folder(tmp_path / "docs", sub___a__txt="a", b__txt="b")
    assert ids(docs / "sub", docs, docs / ".." / "docs", docs / "b.txt") == ["docs/sub/a.txt", "docs/b.txt"]
    assert refused(docs / "sub", docs, docs / "b.txt") == []


def test_metadata_that_a_pattern_of_the_shell_gives_are_no_documents(tmp_path: Path) -> None:
    docs = folder(
        tmp_path / "docs", a__txt="a", a__txt__meta__yaml="region: EU", manifest__csv="file,year\na.txt,2024\n"
    )
    assert [(source.id, source.metadata) for source in found(*docs.iterdir())] == [
        ("a.txt", {"year": "2024", "region": "EU"})
    ]
