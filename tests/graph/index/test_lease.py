"""A Snapshot that is read is not removed, and one that nobody reads any more is."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import QUICK, ROOT, run_index

from graph.errors import SnapshotMissing
from graph.index.lexicon import LEXICON
from graph.index.local import open_retriever
from graph.index.manifest import MANIFEST, read_manifest
from graph.index.store import CURRENT, KEPT, lease, locate
from graph.locks import try_lock

HOLD = """
import sys
from pathlib import Path
from graph.index.store import lease

held = lease(Path(sys.argv[1]))
print(held.directory, flush=True)
sys.stdin.read()
"""


class Shop:
    """A store and a document that says something else each time."""

    def __init__(self, place: Path) -> None:
        self.documents, self.store = place / "documents", place / "store"
        self.documents.mkdir()
        self.times = 0

    def change(self, times: int = 1) -> Path:
        for _ in range(times):
            self.times += 1
            (self.documents / "a.md").write_text(f"# Boiler\n\nThe boiler was serviced {self.times} times.\n", "utf-8")
            found = run_index(self.documents, self.store).path
        return found

    def point_to(self, snapshot: Path) -> None:
        """As a writer does, and as one does by hand to go back."""
        (self.store / "pointer").write_text(snapshot.name + "\n", "ascii")
        (self.store / "pointer").replace(self.store / CURRENT)

    def there(self) -> set[str]:
        return {path.name for path in (self.store / "snapshots").iterdir()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    found = Shop(tmp_path)
    found.change()
    return found


def test_a_snapshot_that_is_read_outlives_every_re_index_and_goes_after_its_reader(shop: Shop) -> None:
    with lease(shop.store) as held:
        first = held.directory.name
        assert held.newer() is None
        last = shop.change(KEPT + 2)
        assert (held.newer(), held.lost) == (last.name, False)
        assert first in shop.there()
        assert len(shop.there()) == KEPT + 1
        read_manifest(held.directory)
    shop.change()
    assert first not in shop.there()
    assert len(shop.there()) == KEPT


def test_a_retriever_holds_its_snapshot_until_it_is_closed(shop: Shop) -> None:
    retriever, _ = asyncio.run(open_retriever(shop.store, QUICK, 1))
    shop.change(KEPT)
    assert retriever.snapshot in {read_manifest(shop.store / "snapshots" / name).id for name in shop.there()}
    asyncio.run(retriever.ping())
    retriever.close()
    shop.change()
    assert len(shop.there()) == KEPT


def test_the_lease_of_a_reader_that_was_killed_ends_with_it(shop: Shop) -> None:
    command = [sys.executable, "-c", HOLD, str(shop.store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as reader:
        assert reader.stdout
        read = Path(reader.stdout.readline().strip()).name
        shop.change(KEPT)
        assert read in shop.there()
        reader.kill()
    shop.change()
    assert read not in shop.there()


def test_a_reader_that_meets_a_removal_takes_the_snapshot_that_is_in_force_then(shop: Shop) -> None:
    old, new = locate(shop.store), shop.change()
    shop.point_to(old)
    handle = os.open(old / MANIFEST, os.O_RDWR)
    assert try_lock(handle)  # as the writer does before it removes one
    found: list[Path] = []
    reader = threading.Thread(target=lambda: found.append(lease(shop.store).directory))
    reader.start()
    shop.point_to(new)
    reader.join(20)
    os.close(handle)
    assert found == [new]


def test_a_lease_writes_nothing(shop: Shop) -> None:
    before = {path: path.stat().st_mtime_ns for path in shop.store.rglob("*")}
    with lease(shop.store), lease(locate(shop.store)):
        assert {path: path.stat().st_mtime_ns for path in shop.store.rglob("*")} == before


def test_a_snapshot_that_was_damaged_is_replaced_by_the_next_run_and_its_reader_knows(shop: Shop) -> None:
    with lease(shop.store) as held:
        os.truncate(held.directory / LEXICON, 10)
        again = run_index(shop.documents, shop.store).path
        assert (again, held.lost, held.newer()) == (held.directory, True, again.name)
    read_manifest(again)


def test_a_store_whose_snapshot_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="There is no Snapshot"):
        lease(tmp_path)
