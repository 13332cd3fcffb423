"""Packages on disk are whole, or not there; they are checked each time."""

import os
import shutil
from pathlib import Path

import pytest

from graph.errors import PackageBroken
from graph.registry.package import cached_package, is_intact, pack, package_digest, temporary_path, writer_of
from graph.release import Release


class Source:
    """Downloads copies of a package, and counts them."""

    def __init__(self, place: Path, index: Path) -> None:
        self.root, self.times = place / "logged", 0
        self.root.mkdir()
        pack(self.root, Release(name="one", embedding="wordllama-256"), index, external=False)
        self.digest = package_digest(self.root)

    def __call__(self, arriving: Path) -> Path:
        self.times += 1
        return Path(shutil.copytree(self.root, arriving / "package"))


@pytest.fixture
def source(tmp_path: Path, quick_handbook: Path) -> Source:
    return Source(tmp_path, quick_handbook)


def test_a_whole_package_is_downloaded_once(source: Source, tmp_path: Path) -> None:
    home = tmp_path / "cache"
    assert (
        cached_package(home, source.digest, source)
        == cached_package(home, source.digest, source)
        == home / source.digest
    )
    assert source.times == 1
    assert [path.name for path in home.iterdir() if path.is_dir()] == [source.digest]


@pytest.mark.parametrize("part", ["graph/agent.py", "release.yaml", "snapshot/manifest.json", "warrant_model.py"])
@pytest.mark.parametrize("fault", ["altered", "missing"])
def test_a_package_that_was_altered_is_downloaded_again(source: Source, tmp_path: Path, part: str, fault: str) -> None:
    root = cached_package(tmp_path / "cache", source.digest, source)
    file = root / part
    before = file.read_bytes()
    file.write_bytes(before + b" ") if fault == "altered" else file.unlink()
    assert not is_intact(root, source.digest)
    assert cached_package(tmp_path / "cache", source.digest, source) == root
    assert (source.times, file.read_bytes()) == (2, before)


def test_what_is_compiled_of_the_code_is_not_believed(source: Source, tmp_path: Path) -> None:
    root = cached_package(tmp_path / "cache", source.digest, source)
    planted = root / "graph" / "__pycache__" / "agent.cpython-311.pyc"
    planted.parent.mkdir()
    planted.write_bytes(b"somebody else's")
    assert is_intact(root, source.digest)
    assert not planted.exists()


def test_another_package_than_was_asked_for_is_refused_and_leaves_nothing(source: Source, tmp_path: Path) -> None:
    home = tmp_path / "cache"
    with pytest.raises(PackageBroken, match="is not what was logged"):
        cached_package(home, "0" * 64, source)
    assert [path for path in home.iterdir() if path.is_dir()] == []


def test_a_download_that_fails_leaves_what_was_there(source: Source, tmp_path: Path) -> None:
    root = cached_package(tmp_path / "cache", source.digest, source)
    (root / "release.yaml").write_text("altered")

    def fails(arriving: Path) -> Path:
        (arriving / "half").write_text("half")
        raise OSError("the line is cut")

    with pytest.raises(OSError, match="the line is cut"):
        cached_package(tmp_path / "cache", source.digest, fails)
    assert (root / "release.yaml").read_text() == "altered"
    assert [path.name for path in root.parent.iterdir() if path.is_dir()] == [source.digest]


def test_a_temporary_path_names_the_process_that_writes_it(tmp_path: Path) -> None:
    assert writer_of(temporary_path(tmp_path)) == os.getpid()
    assert temporary_path(tmp_path) != temporary_path(tmp_path)
