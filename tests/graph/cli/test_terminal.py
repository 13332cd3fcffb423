"""Commands that print text from outside print it so that a terminal takes none of it for a command."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from support import run_index

import warrant
from graph.cli.terminal import Terminal, json_text, printable
from server.observability.answer_store import open_answer_store

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\x7f\r"
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document whose name, title and text are hostile, and a release that finds it."""
    folder = tmp_path_factory.mktemp("hostile")
    text = f"The warranty of the Corrento pump is five years{HOSTILE} from the date of installation."
    record = {"id": f"pump{HOSTILE}", "title": f"Warranty{HOSTILE}", "text": text}
    (folder / "corpus.jsonl").write_text(json.dumps(record), "utf-8")
    (folder / "release.yaml").write_text("name: quick\nembedding: wordllama-256\n", "utf-8")
    run_index(folder / "corpus.jsonl", folder / "store")
    return folder


def printed(store: Path, capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command says, on both of its outputs."""
    where = [] if arguments[0] == "feedback" else ["--index", str(store / "store")]
    release = ["--release", str(store / "release.yaml")] if arguments[0] in ("ask", "search") else []
    warrant.main([*arguments, *where, *release])
    told = capfd.readouterr()
    return told.out + told.err


@pytest.mark.parametrize(
    "command",
    [
        ("ask", "How long is the warranty of the Corrento pump?"),
        ("ask", "How long is the warranty of the Corrento pump?", "--trace"),
        ("ask", "How long is the warranty of the Corrento pump?", "--json"),
        ("ask", f"How long{HOSTILE}?"),
        ("search", "warranty"),
        ("search", "warranty", "--json"),
        ("search", "warranty", "--filter", f"{HOSTILE}=1"),
        ("search", "--leg", HOSTILE),
        ("snapshot", "text", f"corpus.jsonl#pump{HOSTILE}"),
        ("snapshot", "text", f"pump{HOSTILE}"),
        ("snapshot", "text", f"nothing{HOSTILE}"),
        ("snapshot", "show"),
        (f"nothing{HOSTILE}",),
    ],
    ids=lambda command: " ".join(command).encode("ascii", "backslashreplace").decode(),
)
def test_no_command_prints_a_control_character(
    store: Path, capfd: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    told = printed(store, capfd, *command)
    assert told.strip()
    assert UNSAFE.findall(told) == []


def test_what_is_printed_shows_that_something_was_there(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "␛]0;owned" in printed(store, capfd, "search", "warranty")
    [found] = json.loads(printed(store, capfd, "search", "warranty", "--json"))
    assert found["title"].startswith("Warranty\x1b]0;owned")
    text = printed(store, capfd, "snapshot", "text", found["document"])
    assert text[found["start"] : found["end"]] == printable(found["text"])


def test_feedback_is_exported_as_json_without_control_characters(
    store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = json.dumps({"question": f"Why{HOSTILE}?"})
    answered = json.dumps({"status": "answered", "text": HOSTILE, "citations": []})
    with closing(open_answer_store(tmp_path)) as file, file:
        file.execute(
            "INSERT INTO questions (request_id, at, caller, session, release, snapshot, status, asked, answered) "
            "VALUES ('request-1', 1, 'ann', '', 'r', 's', 'answered', ?, ?)",
            (asked, answered),
        )
        file.execute("INSERT INTO feedback VALUES ('request-1', 1, 'up', ?)", (HOSTILE,))
    told = printed(store, capfd, "feedback", "export", "--state", str(tmp_path))
    assert UNSAFE.findall(told) == []
    assert json.loads(told.splitlines()[0])["question"] == f"Why{HOSTILE}?"


def test_a_text_keeps_its_length_its_lines_and_its_letters() -> None:
    text = "Größe 漢字 😀\tof\n" + HOSTILE + "\ud800"
    assert len(printable(text)) == len(text)
    assert printable("Größe 漢字 😀\tof\n") == "Größe 漢字 😀\tof\n"
    assert json.loads(json_text({HOSTILE: text})) == {HOSTILE: text}


def test_a_terminal_still_has_its_own_colours() -> None:
    terminal, table = Terminal(force_terminal=True, width=60), Table("name")
    table.add_row(Text(HOSTILE, style="red"))
    with terminal.capture() as capture:
        terminal.print(table)
    assert "\x1b[31m" in capture.get()
    assert "\x1b[2J" not in capture.get()
    assert "\x9b" not in capture.get()
