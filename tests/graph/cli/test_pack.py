"""`warrant release pack`: the package that would be logged, as a directory."""

import asyncio
import json
from pathlib import Path

import pytest
from support import QUICK

from graph.registry.package import open_package, pack, package_digest
from warrant import main


def packed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["release", "pack", *map(str, arguments)]) or 0
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def release(tmp_path: Path) -> Path:
    path = tmp_path / "release.yaml"
    path.write_text(f"name: {QUICK.name}\nembedding: {QUICK.embedding}\n", "utf-8")
    return path


def test_it_is_what_would_be_logged_and_answers(
    quick_handbook: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "package"
    out.with_name("package.part").mkdir()
    (out.with_name("package.part") / "left by a killed one").touch()
    code, printed, _ = packed(capsys, "-i", quick_handbook, "-r", release, "--out", out, "--json")
    told = json.loads(printed)
    (tmp_path / "logged").mkdir()
    logged = pack(tmp_path / "logged", QUICK, quick_handbook, external=False)
    assert (code, told["digest"], told["label"]) == (0, logged.digest, QUICK.label)
    assert package_digest(out) == told["digest"]
    assert not out.with_name("package.part").exists()

    async def answer() -> str:
        agent = await open_package(out, package_digest(out))
        state = await agent.graph.ainvoke({"question": "After how many years are laptops replaced?"})
        return str(state["answer"]["status"])

    assert asyncio.run(answer()) == "answered"


def test_what_is_there_is_never_overwritten(
    quick_handbook: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "package").mkdir()
    code, _, told = packed(capsys, "-i", quick_handbook, "-r", release, "--out", tmp_path / "package")
    assert (code, "--out must not be there yet" in told) == (2, True)


def test_a_snapshot_for_another_embedding_makes_no_package(
    quick_handbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = packed(capsys, "-i", quick_handbook, "--out", tmp_path / "package")
    assert (code, (tmp_path / "package").exists()) == (7, False)
