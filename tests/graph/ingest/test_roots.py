"""A file has one name however its folder is named, and --prune removes what is gone from the paths given alone."""

import json
import os
import shutil
from pathlib import Path

import pytest
from support import QUICK, Silent, documents, run_index

from graph.errors import SnapshotBroken, SourceInvalid
from graph.ingest.options import Options, Outcome
from graph.ingest.pipeline import index
from graph.ingest.roots import Roots


def house(root: Path) -> Path:
    """A folder with three files, one of them in a folder of its own."""
    for name in ("gym.txt", "pool.txt", "sauna/rules.txt"):
        path = root / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"What {name} says.")
    return root / "house"


def ids(store: Path) -> set[str]:
    return set(documents(store))


def run(store: Path, *paths: Path, **options: object) -> Outcome:
    return index(paths, store, QUICK, Options(threads=1, **options), Silent())  # type: ignore[arg-type]


ALL = {"house/gym.txt", "house/pool.txt", "house/sauna/rules.txt"}


@pytest.mark.parametrize("again", ["house/sauna", "house/gym.txt", "./sauna/../house", "link", "link/sauna"])
def test_a_file_keeps_its_name_however_it_is_given(tmp_path: Path, again: str) -> None:
    docs = house(tmp_path)
    (tmp_path / "link").symlink_to(docs)
    (tmp_path / "sauna").mkdir()
    run_index(docs, tmp_path / "store")
    outcome = run_index(tmp_path / again, tmp_path / "store", prune=True)
    assert (outcome.indexed, outcome.removed, ids(tmp_path / "store")) == ([], [], ALL)


def test_a_folder_is_named_alike_from_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house(tmp_path))
    run(tmp_path / "store", Path("."), Path("sauna"), Path("gym.txt"))
    assert ids(tmp_path / "store") == ALL


def test_what_was_indexed_before_its_parent_keeps_its_name(tmp_path: Path) -> None:
    docs = house(tmp_path)
    run(tmp_path / "store", docs / "sauna", docs / "gym.txt")
    run(tmp_path / "store", docs)
    assert ids(tmp_path / "store") == {"gym.txt", "house/pool.txt", "sauna/rules.txt"}
    shutil.rmtree(docs / "sauna")
    assert run(tmp_path / "store", docs, prune=True).removed == ["sauna/rules.txt"]


def test_a_folder_of_a_name_that_is_taken_gets_a_longer_one(tmp_path: Path) -> None:
    run(tmp_path / "store", house(tmp_path / "a"))
    run(tmp_path / "store", house(tmp_path / "b"))
    assert {"house/gym.txt", "b/house/gym.txt"} <= ids(tmp_path / "store")


def test_a_folder_that_is_gone_hands_its_name_over(tmp_path: Path) -> None:
    run(tmp_path / "store", house(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    outcome = run(tmp_path / "store", tmp_path / "b" / "house", prune=True)
    assert (outcome.unchanged, outcome.removed, ids(tmp_path / "store")) == (3, [], ALL)


def test_names_are_never_one_another_nor_below_one_another(tmp_path: Path) -> None:
    paths = [tmp_path / "x" / "b", tmp_path / "y" / "b", tmp_path / "z" / "y"]
    for path in paths:
        path.mkdir(parents=True)
    roots = Roots().including(paths[:2]).including(paths[2:])
    assert list(roots.names.values()) == ["b", "y/b", "z/y"]
    assert [roots.path(f"{name}/c") for name in roots.names.values()] == [path / "c" for path in paths]


def test_roots_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "roots.json").write_text('["house"]')
    with pytest.raises(SnapshotBroken, match=r"roots.json cannot be read: .* delete it"):
        Roots.read(tmp_path)


def test_prune_of_a_part_leaves_the_rest(tmp_path: Path) -> None:
    docs, other = house(tmp_path), house(tmp_path / "other")
    run(tmp_path / "store", docs, other)
    for path in ("gym.txt", "sauna/rules.txt"):
        (docs / path).unlink()
    (docs / "sauna" / "new.txt").write_text("New.")
    assert run(tmp_path / "store", docs / "sauna", other, prune=True).removed == ["house/sauna/rules.txt"]
    assert run(tmp_path / "store", docs, prune=True).removed == ["house/gym.txt"]


def test_an_empty_folder_is_pruned_only_when_all_may_be(tmp_path: Path) -> None:
    docs = house(tmp_path)
    run(tmp_path / "store", docs)
    (docs / "sauna" / "rules.txt").unlink()
    kept = run(tmp_path / "store", docs / "sauna", docs / "gym.txt", prune=True)
    assert (kept.removed, len(kept.notes), "--prune-all" in kept.notes[0]) == ([], 1, True)
    assert run(tmp_path / "store", docs / "sauna", prune_all=True).removed == ["house/sauna/rules.txt"]
    shutil.rmtree(docs)
    with pytest.raises(SourceInvalid, match="There is nothing at"):
        run(tmp_path / "store", docs, prune=True)
    assert run(tmp_path / "store", docs, prune_all=True).removed == ["house/gym.txt", "house/pool.txt"]
    with pytest.raises(SourceInvalid, match="There is nothing at"):
        run(tmp_path / "store", tmp_path / "nowhere", prune_all=True)


def test_what_a_folder_holds_that_cannot_be_read_is_not_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = house(tmp_path)
    run(tmp_path / "store", docs)
    listed = os.listdir

    def denied(path: Path) -> list[str]:
        if Path(path).name == "sauna":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", denied)
    outcome = run(tmp_path / "store", docs, prune=True)
    assert [(one.file, one.reason) for one in outcome.refused] == [("house/sauna", "unreadable: Permission denied")]
    assert (outcome.removed, outcome.withdrawn) == ([], [])


def test_a_copy_beside_the_pruned_folder_takes_the_place_of_its_first(tmp_path: Path) -> None:
    docs = house(tmp_path)
    for name in ("a/copy.txt", "b/copy.txt"):
        (docs / name).parent.mkdir()
        (docs / name).write_text("The closet of the network is in room K-12, beside the stairs.")
    (docs / "a" / "other.txt").write_text("Another text.")
    assert run(tmp_path / "store", docs).duplicates == {"house/b/copy.txt": "house/a/copy.txt"}
    (docs / "a" / "copy.txt").unlink()
    outcome = run(tmp_path / "store", docs / "a", prune=True)
    assert (outcome.removed, outcome.indexed) == (["house/a/copy.txt"], ["house/b/copy.txt"])


def test_records_that_are_gone_from_their_corpus_are_pruned(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number), "text": f"Text of {number}."}) for number in range(3)]
    for name, these in (("one.jsonl", lines[:2]), ("two.jsonl", lines[2:])):
        (tmp_path / name).write_text("\n".join(these))
    run(tmp_path / "store", tmp_path / "one.jsonl", tmp_path / "two.jsonl")
    (tmp_path / "one.jsonl").write_text(lines[1])
    assert run(tmp_path / "store", tmp_path / "one.jsonl", prune=True).removed == ["0"]


def test_the_index_does_not_index_itself(tmp_path: Path) -> None:
    docs = house(tmp_path)
    for _ in range(2):
        run(docs / "index", docs)
    assert ids(docs / "index") == ALL
