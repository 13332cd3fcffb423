"""Who may read a document: whatever leaves it in doubt withholds the document, and what leaves no doubt does not."""

import json
from pathlib import Path

import pytest
from support import documents, run_index

Files = dict[str, str | bytes]
FRONT = "---\nallowed_groups: [board]\n---\n"
CLOSED: dict[str, Files] = {
    "key in capitals": {"a.md": "---\nALLOWED_GROUPS: [board]\n---\nsecret"},
    "key in camel case": {"a.md": "---\nallowedGroups: [board]\n---\nsecret"},
    "key with a dot": {"a.md": "---\nallowed.groups: board\n---\nsecret"},
    "key with a blank": {"a.md": "---\nallowed groups : board\n---\nsecret"},
    "key in wide letters": {"a.md": "---\n\uff41llowed_groups: board\n---\nsecret"},
    "key with a foreign letter": {"a.md": "---\n\u0430llowed_groups: board\n---\nsecret"},
    "key in the singular": {"a.md": "---\nallowed_group: board\n---\nsecret"},
    "key of another program": {"a.md": "---\nrestricted_to: [board]\n---\nsecret"},
    "access control list": {"a.txt": "secret", "a.txt.meta.yaml": "acl: [board]"},
    "roles instead of groups": {"a.txt": "secret", "manifest.csv": "file,AccessRoles\na.txt,board\n"},
    "key without a letter": {"a.md": "---\nallowd_groups: board\n---\nsecret"},
    "key with letters swapped": {"a.md": "---\nallowed_gruops: board\n---\nsecret"},
    "words the other way round": {"a.md": "---\ngroups_allowed: board\n---\nsecret"},
    "a word between": {"a.md": "---\nallowed_user_groups: board\n---\nsecret"},
    "another form of the verb": {"a.md": "---\nallow_groups: board\n---\nsecret"},
    "numbered keys": {"a.md": "---\nallowed_groups_1: board\n---\nsecret"},
    "nested": {"a.md": "---\naccess:\n  allowed_groups: [board]\n---\nsecret"},
    "nested in a list": {"a.md": "---\naccess: [{read: {allowed_groups: board}}]\n---\nsecret"},
    "dotted path": {"a.md": "---\naccess.alowed_groups: board\n---\nsecret"},
    "two spellings": {"a.md": "---\nallowed_groups: [board, staff]\nAllowed-Groups: [board]\n---\nsecret"},
    "null": {"a.md": "---\nallowed_groups: null\n---\nsecret"},
    "empty list": {"a.md": "---\nallowed_groups: []\n---\nsecret"},
    "null in a list": {"a.md": "---\nallowed_groups: [null]\n---\nsecret"},
    "a mapping": {"a.md": "---\nallowed_groups: {board: true}\n---\nsecret"},
    "true": {"a.md": "---\nallowed_groups: true\n---\nsecret"},
    "blank lines before the fence": {"a.md": f"\n \n{FRONT}secret"},
    "byte order mark and blank": {"a.md": f"\ufeff\n{FRONT}secret"},
    "indented fence": {"a.md": "  ---\n  allowed_groups: [board]\n  ---\nsecret"},
    "tab before the key": {"a.md": "---\n\tallowed_groups: [board]\n---\nsecret"},
    "unclosed": {"a.md": "---\nallowed_groups: [board]\n# Plan\n\nsecret"},
    "unclosed, another field first": {"a.md": "---\ntitle: Plan\n\nallowed_groups: [board]\n\nsecret"},
    "four dashes": {"a.md": "----\nallowed_groups: [board]\n----\nsecret"},
    "long dashes": {"a.md": "———\nallowed_groups: [board]\n———\nsecret"},
    "no fence": {"a.txt": "allowed_groups: board\n\nsecret"},
    "below the heading": {"a.md": "# Plan\n\n---\nallowed_groups: [board]\n---\nsecret"},
    "below a comment": {"a.md": f"<!-- made by a tool -->\n{FRONT}secret"},
    "second block": {"a.md": f"---\ntitle: Plan\n---\n{FRONT}secret"},
    "in a comment": {"a.md": "<!-- allowed_groups: board -->\nsecret"},
    "equals sign in the fence": {"a.md": "---\nallowed_groups = board\n---\nsecret"},
    "no colon": {"a.md": "---\nallowed_groups [board]\n---\nsecret"},
    "TOML": {"a.md": '+++\nallowed_groups = ["board"]\n+++\nsecret'},
    "TOML in a table": {"a.md": '+++\n[extra]\nallowed_groups = ["board"]\n+++\nsecret'},
    "TOML with an error": {"a.md": "+++\nallowed_groups = [board\n+++\nsecret"},
    "JSON": {"a.md": '{"title": "Plan", "allowed_groups": ["board"]}\n\nsecret'},
    "aliases": {"a.md": "---\nx: &x [board]\nallowed_groups: *x\n---\nsecret"},
    "a tag that does not fit": {"a.md": '---\nx: !!int ""\nallowed_groups: board\n---\nsecret'},
    "front matter that is too long": {"a.md": "---\nx: " + "y" * 70_000 + "\nallowed_groups: board\n---\nsecret"},
    "HTML": {"a.html": f"{FRONT}<h1>Plan</h1><p>secret</p>"},
    "HTML meta": {"a.html": '<html><head><meta name="allowed-groups" content="board"></head><p>secret</p></html>'},
    "HTML attribute": {"a.html": "<html><body data-allowed-groups='board'><p>secret</p></body></html>"},
    "AsciiDoc": {"a.adoc": "= Plan\n:allowed_groups: board\n\nsecret"},
    "reStructuredText": {"a.rst": f"{FRONT}Plan\n====\n\nsecret"},
    "reStructuredText field": {"a.rst": "Plan\n====\n\n:allowed_groups: board\n\nsecret"},
    "Org": {"a.org": "#+TITLE: Plan\n#+ALLOWED_GROUPS: board\n\nsecret"},
    "UTF-16": {"a.html": f"{FRONT}<p>secret</p>".encode("utf-16")},
    "CSV": {"a.csv": f"{FRONT}part,price\nsecret,3\n"},
    "column of a table": {"a.html": "<p>x</p><table><tr><th>a<th>allowed_groups<tr><td>secret<td>board</table>"},
    "field of a mail": {"a.eml": "From: a@x.org\nX-Allowed-Groups: board\nSubject: pay\n\nsecret\n"},
    "CSV column": {"a.csv": "name,allowed_groups\nsecret,board\n"},
    "JSON file": {"a.json": '{"id": 3, "text": "secret", "allowed_groups": ["board"]}'},
    "outline": {"a.opml": "<opml version='2.0'><body><outline text='secret' allowed_groups='board'/></body></opml>"},
    "lines of JSON": {"a.jsonl": '{"name": "secret", "access": {"allowed_groups": ["board"]}}\n'},
    "YAML file": {"a.yaml": "---\nname: secret\nallowed_groups: [board]\n"},
    "XML": {"a.xml": "<doc><allowed_groups>board</allowed_groups><p>secret</p></doc>"},
    "sidecar in capitals": {"a.txt": "secret", "a.txt.META.YAML": "allowed_groups: board"},
    "sidecar of the name in capitals": {"a.txt": "secret", "A.TXT.meta.yaml": "allowed_groups: board"},
    "sidecar without the ending": {"a.txt": "secret", "a.meta.yaml": "allowed_groups: board"},
    "sidecar misspelt": {"salaries.txt": "secret", "salarys.txt.meta.yaml": "allowed_groups: board"},
    "sidecar of the folder": {"hr/a.txt": "secret", "hr.meta.yaml": "allowed_groups: board"},
    "sidecar of no name": {"a.txt": "secret", ".meta.yaml": "allowed_groups: board"},
    "sidecar of another name": {"a.txt": "secret", "a.txt.metadata.yml": "allowed_groups: board"},
    "sidecar as Windows saves it": {"a.txt": "secret", "a.txt.meta.yaml.txt": "allowed_groups: board"},
    "sidecar that is empty": {"a.txt": "secret", "a.txt.meta.yaml": ""},
    "sidecar too large": {"a.txt": "secret", "a.txt.meta.json": '{"x": "' + "y" * (1 << 20) + '"}'},
    "sidecars that differ": {
        "a.txt": "secret",
        "a.txt.meta.yaml": "x: 1",
        "a.txt.meta.json": '{"allowed_groups": "board"}',
    },
    "sidecar key twice": {
        "a.txt": "secret",
        "a.txt.meta.json": '{"allowed_groups": ["board"], "allowed_groups": ["all"]}',
    },
    "manifest in capitals": {"a.txt": "secret", "Manifest.CSV": "file,allowed_groups\na.txt,board\n"},
    "manifest row in capitals": {"a.txt": "secret", "manifest.csv": "file,allowed_groups\nA.TXT,board\n"},
    "manifest row with a backslash": {"s/a.txt": "secret", "manifest.csv": "file,allowed_groups\nS\\a.txt,board\n"},
    "manifest row of an address": {
        "my plan.txt": "secret",
        "manifest.csv": "file,allowed_groups\nmy%20plan.txt,board\n",
    },
    "manifest row with dots": {
        "a.txt": "secret",
        "s/b.txt": "open",
        "manifest.csv": "file,allowed_groups\n./s/../a.txt,board\n",
    },
    "manifest row out of its folder": {"a.txt": "secret", "s/manifest.csv": "file,allowed_groups\n../a.txt,board\n"},
    "manifest row misspelt": {"salaries.txt": "secret", "manifest.csv": "file,allowed_groups\nsalarys.txt,board\n"},
    "manifest row with its folder": {"a.txt": "secret", "manifest.csv": "file,allowed_groups\nhouse/a.txt,board\n"},
    "manifest row from Windows": {"a.txt": "secret", "manifest.csv": "file,allowed_groups\nC:\\docs\\a.txt,board\n"},
    "manifest row of a folder": {"hr/a.txt": "secret", "manifest.csv": "file,allowed_groups\nhr/,board\n"},
    "manifest row of a pattern": {"hr/a.txt": "secret", "manifest.csv": "file,allowed_groups\nhr/*.txt,board\n"},
    "manifest rows that differ": {"a.txt": "secret", "manifest.csv": "file,allowed_groups\na.txt,board\na.txt,staff\n"},
    "manifests that differ": {
        "s/a.txt": "secret",
        "manifest.csv": "file,allowed_groups\ns/a.txt,board\n",
        "s/manifest.csv": "file,allowed_groups\na.txt,staff\n",
    },
    "manifest header misspelt": {"a.txt": "secret", "manifest.csv": "file,alowed groups\na.txt,board\n"},
    "manifest with semicolons": {"a.txt": "secret", "manifest.csv": "file;allowed_groups\na.txt;board\n"},
    "manifest with a lost comma": {"a.txt": "secret", "manifest.csv": "file,title,allowed_groups\na.txt,board\n"},
    "manifest without file": {"a.txt": "secret", "manifest.csv": "name,allowed_groups\na.txt,board\n"},
    "manifest in UTF-16": {"a.txt": "secret", "manifest.csv": "file,allowed_groups\na.txt,board\n".encode("utf-16")},
    "manifest with tabs": {"a.txt": "secret", "manifest.tsv": "file\tallowed_groups\na.txt\tboard\n"},
    "manifest as Windows saves it": {"a.txt": "secret", "manifest.csv.txt": "file,allowed_groups\na.txt,board\n"},
    "manifest's name misspelt": {"a.txt": "secret", "Manifst.csv": "file,allowed_groups\na.txt,board\n"},
    "manifest above that is broken": {"s/t/a.txt": "secret", "manifest.csv": "allowed_groups\nboard\n"},
    "manifest and sidecar differ": {
        "a.txt": "secret",
        "manifest.csv": "file,allowed_groups\na.txt,board\n",
        "a.txt.meta.yaml": "allowed_groups: [board, staff]",
    },
    "front matter that widens": {
        "a.md": "---\nallowed_groups: [board, all]\n---\nsecret",
        "a.md.meta.yaml": "allowed_groups: board",
    },
    "front matter of others": {
        "a.md": "---\nallowed_groups: [staff]\n---\nsecret",
        "a.md.meta.yaml": "allowed_groups: board",
    },
    "record beside its metadata": {
        "c.jsonl": '{"id": "1", "text": "secret", "allowed_groups": "board", "metadata": {}}'
    },
    "record nested": {"c.jsonl": '{"id": "2", "text": "secret", "meta": {"allowed_groups": "board"}}'},
    "record misspelt": {"c.jsonl": '{"id": "3", "text": "secret", "metadata": {"allowd_groups": "board"}}'},
    "record of null": {"c.jsonl": '{"id": "4", "text": "secret", "metadata": {"allowed_groups": null}}'},
    "record with a key twice": {
        "c.jsonl": '{"id": "5", "text": "secret", "metadata": {"allowed_groups": "board"}, "metadata": {}}'
    },
    "record that widens": {
        "c.jsonl": '{"id": "6", "text": "secret", "metadata": {"allowed_groups": ["board", "all"]}}',
        "c.jsonl.meta.yaml": "allowed_groups: board",
    },
    "record with front matter": {"c.jsonl": '{"id": "9", "text": "---\\nallowed_groups: board\\n---\\nsecret"}'},
    "corpus in the manifest": {
        "c.jsonl": '{"id": "7", "text": "secret"}',
        "manifest.csv": "file,allowed_groups\nC.jsonl,board\n",
    },
}
OPEN: dict[str, Files] = {
    "no fields": {"a.txt": "open"},
    "other fields": {"a.md": "---\ngroup: age\ngroups: [adults]\nallowed: true\nallowance_group: B\n---\nopen"},
    "a rule at the top": {"a.md": "---\n\nIt is open.\n\n---\n\nAnd more."},
    "words of prose": {"a.md": "# Allowed groups\n\nIt is open: the allowed groups are named at the gate."},
    "an example in code": {"a.md": "# Help\n\nopen\n\n```yaml\nallowed_groups: [board]\n```\n"},
    "a manifest for others": {
        "a.txt": "open",
        "b.txt": "open",
        "manifest.csv": "file,title,allowed_groups\na.txt,Guide,\nplan-2019.txt,Plan,board\n",
    },
    "files that differ in a number": {
        "plan-2020.txt": "open",
        "manifest.csv": "file,allowed_groups\nplan-2019.txt,board\n",
    },
    "two sidecars alike": {"a.txt": "open", "a.txt.meta.yaml": "region: EU", "a.txt.meta.json": '{"region": "EU"}'},
    "YAML that begins with a rule": {"a.yaml": "---\nname: open\n"},
    "a record": {"c.jsonl": '{"id": "8", "text": "open", "source": {"url": "x"}, "metadata": {"region": null}}'},
}


def write(root: Path, files: Files) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def groups(store: Path) -> dict[str, list[str]]:
    """The groups of every document by its file; a document without any is everybody's."""
    return {row.file: json.loads(row.metadata).get("allowed_groups", []) for row in documents(store).values()}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """All of the cases in one index, a folder each, with a word that keeps their texts apart."""
    root = tmp_path_factory.mktemp("access")
    for number, (name, files) in enumerate({**CLOSED, **OPEN}.items()):
        words = {"secret": f"secret of number {number}.", "open": f"open to number {number}."}
        told = {path: _with(content, words) for path, content in files.items()}
        write(root / "house" / name.replace(" ", "_"), told)
    run_index(root / "house", root / "store")
    return groups(root / "store")


def _with(content: str | bytes, words: dict[str, str]) -> str | bytes:
    for word, longer in words.items():
        content = content.replace(word, longer) if isinstance(content, str) else content
    return content


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_or_may_be_restricted_is_not_public(name: str, indexed: dict[str, list[str]]) -> None:
    secret = {file for file, content in CLOSED[name].items() if "secret" in _text(content)}
    prefix = f"house/{name.replace(' ', '_')}/"
    found = {file: given for file, given in indexed.items() if file.removeprefix(prefix) in secret}
    assert {file: given for file, given in found.items() if given != ["board"]} == {}


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8", "replace").replace("\0", "")


@pytest.mark.parametrize("name", OPEN)
def test_what_nothing_restricts_is_public(name: str, indexed: dict[str, list[str]]) -> None:
    wanted = {f"house/{name.replace(' ', '_')}/{file}" for file, text in OPEN[name].items() if "open" in _text(text)}
    assert {file: indexed.get(file) for file in wanted} == {file: [] for file in wanted}


def test_a_group_by_default_is_for_documents_that_name_none_and_a_change_of_it_is_a_change(tmp_path: Path) -> None:
    docs = write(
        tmp_path / "docs", {"a.txt": "One.", "b.md": f"{FRONT}Two.", "c.txt": "Three.", "c.txt.meta.yaml": FRONT[4:-4]}
    )
    run_index(docs, tmp_path / "store")
    closed = run_index(docs, tmp_path / "store", default_groups=("staff", "hr"))
    assert groups(tmp_path / "store") == {
        "docs/a.txt": ["hr", "staff"],
        "docs/b.md": ["board"],
        "docs/c.txt": ["board"],
    }
    assert "docs/c.txt" not in closed.indexed
    assert run_index(docs, tmp_path / "store", default_groups=("staff", "hr")).indexed == []
    run_index(docs, tmp_path / "store")
    assert groups(tmp_path / "store")["docs/a.txt"] == []


def test_what_a_document_says_of_itself_narrows_what_its_sidecar_allows(tmp_path: Path) -> None:
    docs = write(
        tmp_path / "docs",
        {"a.md": "---\nallowed_groups: [hr, all]\n---\nOne.", "a.md.meta.yaml": "allowed_groups: hr,it"},
    )
    run_index(docs, tmp_path / "store")
    assert groups(tmp_path / "store") == {"docs/a.md": ["hr"]}


@pytest.mark.parametrize("given", ["docs/hr", "docs/hr/a.txt", "link.txt", "folder"])
def test_a_manifest_above_the_given_path_and_the_place_of_a_given_link_count_too(tmp_path: Path, given: str) -> None:
    write(tmp_path, {"docs/hr/a.txt": "One.", "docs/manifest.csv": "file,allowed_groups\nhr/a.txt,board\n"})
    write(
        tmp_path,
        {"elsewhere/b.txt": "Two.", "manifest.csv": "file,allowed_groups\nlink.txt,board\nfolder/b.txt,board\n"},
    )
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere" / "b.txt")
    (tmp_path / "folder").symlink_to(tmp_path / "elsewhere")
    run_index(tmp_path / given, tmp_path / "store")
    assert list(groups(tmp_path / "store").values()) == [["board"]]


def test_what_is_said_of_a_link_holds_for_the_file_that_it_leads_to(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.txt": "One.", "z.txt.meta.yaml": "allowed_groups: board"})
    (docs / "z.txt").symlink_to("a.txt")
    run_index(docs, tmp_path / "store")
    assert groups(tmp_path / "store") == {"docs/a.txt": ["board"]}


@pytest.mark.parametrize("sidecar", ["gone.yaml", "folder", "../outside.yaml"])
def test_a_sidecar_that_cannot_be_relied_on_withholds_its_file(tmp_path: Path, sidecar: str) -> None:
    docs = write(tmp_path / "docs", {"a.txt": "One.", "folder/b.txt": "Two.", "../outside.yaml": "region: EU"})
    (docs / "a.txt.meta.yaml").symlink_to(sidecar)
    run_index(docs, tmp_path / "store")
    assert groups(tmp_path / "store") == {"docs/folder/b.txt": []}


def test_a_folder_whose_manifest_breaks_is_withdrawn_and_the_run_goes_on(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"hr/a.txt": "One.", "b.txt": "Two.", "hr/manifest.csv": "file,region\na.txt,EU\n"})
    run_index(docs, tmp_path / "store")
    write(docs, {"hr/manifest.csv": "name,region\na.txt,EU\n"})
    outcome = run_index(docs, tmp_path / "store")
    assert (outcome.withdrawn, list(groups(tmp_path / "store"))) == (["docs/hr/a.txt"], ["docs/b.txt"])


def test_a_record_whose_line_breaks_is_withdrawn_and_the_others_stay(tmp_path: Path) -> None:
    line = '{"id": "%s", "text": "Text %s."}\n'
    corpus = write(tmp_path, {"corpus.jsonl": line % (1, 1) + line % (2, 2)}) / "corpus.jsonl"
    run_index(corpus, tmp_path / "store")
    write(tmp_path, {"corpus.jsonl": line % (1, 1) + line[:-9] % 2})
    assert run_index(corpus, tmp_path / "store").withdrawn == ["2"]
    write(tmp_path, {"corpus.jsonl": ""})
    assert run_index(corpus, tmp_path / "store").withdrawn == ["1"]


def test_what_is_not_there_and_gets_a_restriction_is_withdrawn(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", {"a.txt": "One.", "b.txt": "Two.", "c.txt": "Three."})
    run_index(docs, tmp_path / "store")
    (docs / "a.txt").unlink()
    (docs / "b.txt").unlink()
    write(docs, {"a.txt.meta.yaml": "allowed_groups: board", "manifest.csv": "file,allowed_groups\nb.txt,board\n"})
    assert run_index(docs, tmp_path / "store").withdrawn == ["docs/a.txt", "docs/b.txt"]
