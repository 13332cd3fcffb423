import importlib
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from graph.registry.isolation import code_digest, digest_of, forget, isolate


def package(folder: Path, says: str) -> Path:
    """A package of two modules that name each other relatively."""
    (folder / "tiny" / "inner").mkdir(parents=True)
    (folder / "tiny" / "__init__.py").write_text("")
    (folder / "tiny" / "words.py").write_text(f"SAYS = {says!r}\n")
    (folder / "tiny" / "inner" / "__init__.py").write_text("from ..words import SAYS\nloaded = []\n")
    return folder / "tiny"


def test_two_versions_run_side_by_side_each_with_its_own_modules(tmp_path: Path) -> None:
    names = [isolate(package(tmp_path / says, says)) for says in ("one", "two")]
    inner = [importlib.import_module(f"{name}.inner") for name in names]
    assert [module.SAYS for module in inner] == ["one", "two"]
    inner[0].loaded.append(1)
    assert inner[1].loaded == []
    assert "tiny" not in sys.modules


def test_the_same_content_is_imported_once_wherever_it_lies(tmp_path: Path) -> None:
    names = [isolate(package(tmp_path / place, "same")) for place in ("here", "there")]
    assert names[0] == names[1]
    assert importlib.import_module(f"{names[0]}.words").__file__ == str(tmp_path / "here" / "tiny" / "words.py")


def test_what_is_forgotten_is_imported_anew(tmp_path: Path) -> None:
    name = isolate(package(tmp_path, "anew"))
    before = importlib.import_module(f"{name}.inner")
    forget(name)
    assert not [module for module in sys.modules if module.startswith(name)]
    assert isolate(tmp_path / "tiny") == name
    assert importlib.import_module(f"{name}.inner") is not before


def test_what_was_imported_from_a_folder_that_is_gone_is_imported_anew(tmp_path: Path) -> None:
    name = isolate(package(tmp_path / "gone", "gone"))
    shutil.rmtree(tmp_path / "gone")
    assert isolate(package(tmp_path / "here", "gone")) == name
    assert importlib.import_module(f"{name}.inner").SAYS == "gone"


def test_the_digest_passes_over_what_others_compile_and_remove(tmp_path: Path) -> None:
    code = package(tmp_path, "digest")
    before, ended = code_digest(code), Event()

    def compile_and_remove() -> None:
        while not ended.is_set():
            for folder in (code / "__pycache__" / str(number) for number in range(20)):
                folder.mkdir(parents=True)
            shutil.rmtree(code / "__pycache__")

    with ThreadPoolExecutor() as threads:
        done = threads.submit(compile_and_remove)
        try:
            found = {code_digest(code) for _ in range(200)}
        finally:
            ended.set()
        done.result()
    assert found == {before}


def test_a_package_that_cannot_be_imported_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = package(tmp_path, "broken")
    (broken / "__init__.py").write_text("from . import words\nraise RuntimeError('no')\n")
    before = set(sys.modules)
    with pytest.raises(RuntimeError, match="no"):
        isolate(broken)
    assert set(sys.modules) == before


@pytest.mark.parametrize("change", ["content", "name", "more", "less"])
def test_the_digest_is_over_every_name_and_content(tmp_path: Path, change: str) -> None:
    code = package(tmp_path, "digest")
    before = code_digest(code)
    match change:
        case "content":
            (code / "words.py").write_text("SAYS = 'other'\n")
        case "name":
            (code / "words.py").rename(code / "word.py")
        case "more":
            (code / "inner" / "weights.json").write_text("{}")
        case "less":
            (code / "words.py").unlink()
    assert code_digest(code) != before


def test_what_python_makes_is_not_part_of_the_digest(tmp_path: Path) -> None:
    code = package(tmp_path, "cached")
    before = code_digest(code)
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "words.pyc").write_bytes(b"1")
    assert code_digest(code) == before


def test_contents_that_change_places_are_another_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    assert digest_of(("a", tmp_path / "a"), ("b", tmp_path / "b")) == digest_of(
        ("b", tmp_path / "b"), ("a", tmp_path / "a")
    )
    assert digest_of(("a", tmp_path / "a"), ("b", tmp_path / "b")) != digest_of(
        ("a", tmp_path / "b"), ("b", tmp_path / "a")
    )
