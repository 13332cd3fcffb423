"""What the server keeps is its own user's alone, also what an earlier version left open."""

import os
import stat
from pathlib import Path

import httpx
import pytest
from server_under_test import app_over, serving, warrant_serve
from support import QUICK

from graph.errors import SettingsInvalid
from server.observability.answer_store import open_answer_store
from server.releases.retention import LastGood, PackageCache

ASKED = {"input": {"question": "What is the hotel limit in the EU?", "session_id": "trip"}}


def open_to_others(folder: Path) -> list[str]:
    """What somebody else may do anything with, in a folder and below it."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_state_is_closed_while_it_is_written_and_what_was_left_open_is_closed(
    quick_handbook: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    before = os.umask(0)
    try:
        for mode in (None, 0o666):
            if mode:
                state.chmod(0o777)
                for path in state.iterdir():
                    path.chmod(mode)
            with serving(app_over(quick_handbook, state, QUICK)) as url:
                assert httpx.post(f"{url}/rag/invoke", timeout=60, json=ASKED).status_code == 200
                assert {"conversations.db", "feedback.db", "feedback.db-wal"} <= {each.name for each in state.iterdir()}
                assert open_to_others(state) == []
            assert open_to_others(state) == []
    finally:
        os.umask(before)


def test_packages_and_what_was_good_last_are_closed(tmp_path: Path) -> None:
    package = tmp_path / "releases" / "warrant" / "digest"
    package.mkdir(parents=True)
    (package / "passages.lance").write_text("a text")
    PackageCache(package.parent).save_last_good("production", LastGood(version="1", digest="d", standing="local"))
    assert open_to_others(package.parent) == []


@pytest.mark.slow
def test_the_command_leaves_nothing_open(quick_handbook: Path, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("name: quick\nembedding: wordllama-256\n")
    environment = {"WARRANT_STATE": str(tmp_path / "state"), "WARRANT_THREADS": "1"}
    with warrant_serve("--index", quick_handbook, "--release", release, "--workers", "2", **environment) as (url, _):
        assert httpx.post(f"{url}/rag/invoke", timeout=60, json=ASKED).status_code == 200
        assert open_to_others(tmp_path / "state") == []


def test_a_directory_of_everybody_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(SettingsInvalid, match="belongs to every user"):
        open_answer_store(tmp_path)
