import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from graph.errors import SettingsInvalid
from graph.settings import Settings, load_settings, no_kept_answers, quiet_libraries


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WARRANT_")]:
        monkeypatch.delenv(name)


def test_without_an_environment_the_defaults_hold() -> None:
    found = load_settings()
    assert (found.backend, found.index, found.release, found.chat_key) == ("local", Path(".warrant/index"), None, None)
    assert (found.chat_url, found.cores) == (None, os.cpu_count())


def test_settings_are_read_from_warrant_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANT_INDEX", "/data/index")
    monkeypatch.setenv("WARRANT_RELEASE", "eu.yaml")
    monkeypatch.setenv("WARRANT_THREADS", "3")
    found = load_settings()
    assert (found.index, found.release, found.cores) == (Path("/data/index"), Path("eu.yaml"), 3)


def test_a_dot_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("WARRANT_THREADS=2\nWARRANT_INDEX=filed\nOTHER=1\n")
    monkeypatch.setenv("WARRANT_INDEX", "set")
    found = load_settings()
    assert (found.threads, found.index) == (2, Path("set"))


@pytest.mark.parametrize(("name", "value"), [("WARRANT_BACKEND", "snowflake"), ("WARRANT_THREADS", "many")])
def test_a_setting_that_cannot_be_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=f'{name} must be .*, not "{value}"; correct it or unset it'):
        load_settings()


def test_the_chat_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARRANT_CHAT_KEY", "sk-secret")
    found = load_settings()
    assert found.chat_key == SecretStr("sk-secret")
    assert "sk-secret" not in f"{found!r} {found} {found.model_dump_json()}"


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().threads = 4


def test_quieting_the_libraries_sets_what_the_user_has_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    quiet_libraries()
    assert (os.environ["DO_NOT_TRACK"], os.environ["HF_HUB_OFFLINE"]) == ("true", "0")


@pytest.mark.parametrize("before", [None, "60"])
def test_answers_are_not_kept_in_the_block_alone(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.delenv("WARRANT_CACHE_SECONDS", raising=False)
    if before:
        monkeypatch.setenv("WARRANT_CACHE_SECONDS", before)
    seconds = Settings().cache_seconds
    with no_kept_answers():
        assert Settings().cache_seconds == 0
    assert Settings().cache_seconds == seconds
