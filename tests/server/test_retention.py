"""What a server keeps on disk of its releases: which was good last, and no package that nobody stands on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.releases.retention import LastGood, PackageCache


@pytest.fixture
def packages(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "releases")


@pytest.fixture
def gone() -> int:
    """A process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.fixture
def living() -> Iterator[int]:
    """Another process."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        assert process.stdin
        process.stdin.close()


def put(packages: PackageCache, *digests: str) -> None:
    """Packages, each newer than the one before."""
    for age, digest in enumerate(digests):
        packages.path(digest).mkdir(parents=True)
        os.utime(packages.path(digest), (1000 + age, 1000 + age))


def there(packages: PackageCache) -> set[str]:
    return {path.name for path in packages.home.iterdir() if path.is_dir()}


def test_what_was_good_last_is_kept_by_track(packages: PackageCache) -> None:
    assert packages.last_good("production") is None
    good = LastGood(version="3", digest="abc", standing="override", reason="a leak")
    packages.save_last_good("production", LastGood(version="2", digest="abb", standing="warranted"))
    packages.save_last_good("production", good)
    assert packages.last_good("production") == good
    assert packages.last_good("staging") is None
    (packages.home / "production.json").write_text('{"version": "3"')
    assert packages.last_good("production") is None


def test_what_nobody_stands_on_goes_but_for_the_newest(packages: PackageCache, living: int) -> None:
    put(packages, "used", "good", "elsewhere", "old", "older", "newest")
    packages.save_last_good("production", LastGood(version="1", digest="good", standing="warranted"))
    (packages.home / f"{living}.held").write_text("elsewhere")
    packages.set_in_use(["used"])
    packages.prune()
    assert there(packages) == {"used", "good", "elsewhere", "newest"}


def test_what_dead_processes_stood_on_and_were_bringing_goes(packages: PackageCache, gone: int, living: int) -> None:
    put(packages, "used", f".arriving-{gone}-a", f".arriving-{living}-b", "old", "newest")
    (packages.home / f"{gone}.held").write_text("old")
    (packages.home / f".arriving-{gone}-c").write_text("half a file")
    packages.set_in_use(["used"])
    packages.prune()
    assert there(packages) == {"used", "newest", f".arriving-{living}-b"}
    assert not (packages.home / f"{gone}.held").exists()
    assert not (packages.home / f".arriving-{gone}-c").exists()


def test_what_is_being_loaded_stays_whatever_is_used_meanwhile(packages: PackageCache) -> None:
    put(packages, "loading", "used", "newest")
    packages.acquire("loading")
    packages.set_in_use(["used"])
    packages.prune()
    assert there(packages) == {"loading", "used", "newest"}
    packages.release("loading")
    packages.set_in_use(["used"])
    packages.prune()
    assert there(packages) == {"used", "newest"}
