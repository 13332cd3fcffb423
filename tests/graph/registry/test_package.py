"""A package opens by its own code, over its own Snapshot, and only as it was packed."""

import asyncio
import gc
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import HANDBOOK, QUICK, run_index

from graph.agent import Agent
from graph.errors import PackageBroken, SnapshotMismatch
from graph.registry.package import example_of, is_intact, open_package, pack, package_digest, part, snapshot_of
from graph.release import Release
from graph.release_yaml import load_release
from graph.state import Question

HOTEL = "What is the hotel limit in the EU?"
PENSION = "Do penguins like music?"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANT_THREADS", "1")


@pytest.fixture(scope="module")
def packed(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("package"), QUICK, quick_handbook, external=False).root


@pytest.fixture
def copied(packed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(packed, tmp_path / "copy"))


async def answer(agent: Agent, question: str = HOTEL) -> str:
    async for item in agent.items(Question(question=question)):
        if item["event"] == "final":
            return item["answer"]["text"]
    raise AssertionError("there was no answer")


LIMIT = "Item: Hotel in the EU, with breakfast; Limit: EUR 145 per night. [1]"


def isolated() -> set[str]:
    return {name for name in sys.modules if name.startswith("graph_")}


@pytest.mark.anyio
async def test_a_package_of_the_running_code_is_opened_by_it(packed: Path) -> None:
    before = isolated()
    agent = await open_package(packed, package_digest(packed))
    assert type(agent) is Agent
    assert agent.label == QUICK.label
    assert await answer(agent) == LIMIT
    assert isolated() == before


@pytest.mark.anyio
async def test_versions_whose_code_differs_answer_side_by_side_each_by_its_own(packed: Path, tmp_path: Path) -> None:
    roots = [packed]
    for says in ("first", "second"):
        root = Path(shutil.copytree(packed, tmp_path / says))
        code = root / "graph" / "answers.py"
        text = code.read_text("utf-8")
        assert "release.prompts.declined.strip()" in text
        code.write_text(text.replace("release.prompts.declined.strip()", f"'the {says} code declines'"), "utf-8")
        roots.append(root)
    assert len({package_digest(root) for root in roots}) == 3
    agents = [await open_package(root, package_digest(root)) for root in roots]
    texts = await asyncio.gather(*(answer(agent, PENSION) for agent in [*agents, *agents]))
    own = QUICK.prompts.declined.strip()
    assert texts == [own, "the first code declines", "the second code declines"] * 2
    assert await answer(agents[1]) == await answer(agents[2]) == LIMIT
    assert len({type(agent).__module__ for agent in agents}) == 3


@pytest.mark.anyio
async def test_the_last_agent_takes_its_modules_along(copied: Path) -> None:
    (copied / "graph" / "answers.py").write_text((copied / "graph" / "answers.py").read_text("utf-8") + "# other\n")
    before = isolated()
    agents = [await open_package(copied, package_digest(copied)) for _ in range(2)]
    name = type(agents[0]).__module__.partition(".")[0]
    assert name in isolated() - before
    agents.pop()
    gc.collect()
    assert name in isolated()
    agents.pop()
    gc.collect()
    assert isolated() == before


@pytest.mark.anyio
async def test_an_error_of_other_code_has_its_own_class_and_our_name(copied: Path) -> None:
    (copied / "graph" / "answers.py").write_text((copied / "graph" / "answers.py").read_text("utf-8") + "# errs\n")
    agent = await open_package(copied, package_digest(copied))
    errors = [item["error"] async for item in agent.items(Question(question="")) if item["event"] == "error"]
    assert [type(error).__name__ for error in errors] == ["QuestionInvalid"]


@pytest.mark.anyio
async def test_code_that_cannot_be_imported_leaves_no_modules(copied: Path) -> None:
    (copied / "graph" / "agent.py").write_text("raise RuntimeError('broken on purpose')\n")
    before = isolated()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        await open_package(copied, package_digest(copied))
    assert isolated() == before


def test_a_package_holds_every_field_of_its_release(packed: Path) -> None:
    assert load_release(packed / "release.yaml").digest == QUICK.digest


def test_the_digest_is_the_same_wherever_a_package_lies(packed: Path, copied: Path) -> None:
    assert package_digest(copied) == package_digest(packed)


def some_files(root: Path) -> Iterator[Path]:
    yield root / "release.yaml"
    yield root / "warrant_model.py"
    yield root / "graph" / "prompts" / "answer.md"
    yield root / "graph" / "learned" / "support.json"
    yield from (path for path in (root / "snapshot").rglob("*") if path.is_file())


def test_a_byte_more_anywhere_is_another_digest(packed: Path, copied: Path) -> None:
    whole = package_digest(packed)
    for path in some_files(copied):
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        assert package_digest(copied) != whole, path
        path.write_bytes(before)
    assert package_digest(copied) == whole


@pytest.mark.parametrize(
    "name", ["graph/__init__.py", "graph/packaged.py", "graph/registry/isolation.py", "graph/added.py", "release.yaml"]
)
@pytest.mark.anyio
async def test_none_of_the_code_of_an_altered_package_runs(packed: Path, copied: Path, name: str) -> None:
    logged, proof = package_digest(packed), copied.parent / "ran"
    before = (copied / name).read_text("utf-8") if (copied / name).exists() else ""
    (copied / name).write_text(f"{before}\nopen({str(proof)!r}, 'w').close()\n", "utf-8")
    with pytest.raises(PackageBroken, match="not what was logged"):
        await open_package(copied, logged)
    assert not proof.exists()
    assert not await asyncio.to_thread(is_intact, copied / "elsewhere", logged)


@pytest.mark.parametrize("name", ["graph", "release.yaml", "snapshot", "warrant_model.py"])
def test_a_package_that_lacks_a_part_is_broken(copied: Path, name: str) -> None:
    found = part(copied, name)
    shutil.rmtree(found) if found.is_dir() else found.unlink()
    with pytest.raises(PackageBroken, match="Log the release again"):
        package_digest(copied)


@pytest.mark.anyio
async def test_a_package_may_point_to_its_snapshot(tmp_path: Path, quick_handbook: Path) -> None:
    (tmp_path / "package").mkdir()
    packed = pack(tmp_path / "package", QUICK, quick_handbook, external=True)
    assert not (packed.root / "snapshot").exists()
    assert snapshot_of(packed.root).parent == quick_handbook / "snapshots"
    assert await answer(await open_package(packed.root, packed.digest)) == LIMIT


def test_a_pointer_to_another_snapshot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    run_index(HANDBOOK / "service", tmp_path / "store")
    packed = pack(tmp_path / "package", QUICK, tmp_path / "store", external=True)
    run_index(HANDBOOK / "policies", tmp_path / "store", prune=True)
    with pytest.raises(PackageBroken, match=f"logged with the Snapshot {packed.manifest.id}"):
        snapshot_of(packed.root)


def test_a_release_of_another_embedding_is_not_packed(tmp_path: Path, quick_handbook: Path) -> None:
    with pytest.raises(SnapshotMismatch):
        pack(tmp_path, Release(), quick_handbook, external=False)


def test_the_example_is_the_question_that_it_was_logged_with(tmp_path: Path) -> None:
    assert example_of(tmp_path) is None
    (tmp_path / "input_example.json").write_text('{"question": "Who?", "filters": {}}')
    assert example_of(tmp_path) == {"question": "Who?", "filters": {}}
    (tmp_path / "input_example.json").write_text("{")
    assert example_of(tmp_path) is None
