"""What a server keeps on disk of its releases: which was good last, and no package that nobody stands on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.releases.retention import LastGood, PackageCache


@pytest.fixture
def keeping(tmp_path: Path) -> PackageCache:
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


def put(keeping: PackageCache, *digests: str) -> None:
    """Packages, each newer than the one before."""
    for age, digest in enumerate(digests):
        keeping.package(digest).mkdir(parents=True)
        os.utime(keeping.package(digest), (1000 + age, 1000 + age))


def there(keeping: PackageCache) -> set[str]:
    return {path.name for path in keeping.home.iterdir() if path.is_dir()}


def test_what_was_good_last_is_kept_by_track(keeping: PackageCache) -> None:
    assert keeping.last("production") is None
    good = LastGood(version="3", digest="abc", standing="override", reason="a leak")
    keeping.keep("production", LastGood(version="2", digest="abb", standing="warranted"))
    keeping.keep("production", good)
    assert keeping.last("production") == good
    assert keeping.last("staging") is None
    (keeping.home / "production.json").write_text('{"version": "3"')
    assert keeping.last("production") is None


def test_what_nobody_stands_on_goes_but_for_the_newest(keeping: PackageCache, living: int) -> None:
    put(keeping, "used", "good", "elsewhere", "old", "older", "newest")
    keeping.keep("production", LastGood(version="1", digest="good", standing="warranted"))
    (keeping.home / f"{living}.held").write_text("elsewhere")
    keeping.hold(["used"])
    keeping.tidy()
    assert there(keeping) == {"used", "good", "elsewhere", "newest"}


def test_what_dead_processes_stood_on_and_were_bringing_goes(keeping: PackageCache, gone: int, living: int) -> None:
    put(keeping, "used", f".arriving-{gone}-a", f".arriving-{living}-b", "old", "newest")
    (keeping.home / f"{gone}.held").write_text("old")
    (keeping.home / f".arriving-{gone}-c").write_text("half a file")
    keeping.hold(["used"])
    keeping.tidy()
    assert there(keeping) == {"used", "newest", f".arriving-{living}-b"}
    assert not (keeping.home / f"{gone}.held").exists()
    assert not (keeping.home / f".arriving-{gone}-c").exists()


def test_what_is_being_loaded_stays_whatever_is_used_meanwhile(keeping: PackageCache) -> None:
    put(keeping, "loading", "used", "newest")
    keeping.claim("loading")
    keeping.hold(["used"])
    keeping.tidy()
    assert there(keeping) == {"loading", "used", "newest"}
    keeping.yield_up("loading")
    keeping.hold(["used"])
    keeping.tidy()
    assert there(keeping) == {"used", "newest"}
