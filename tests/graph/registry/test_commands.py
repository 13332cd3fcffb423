"""promote, rollback, split, shadow and `release list | show | diff | sign | history` as people type them."""

import json
import os
import pwd
import shlex
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from registry_under_test import key_pair
from versions_under_test import MODEL, Made, add_key, command, digest_of

from graph.audit import read_records
from graph.release import Prompts, Release, Retrieval
from warrant import main

ONE = Release(name="handbook")
TWO = Release(name="handbook", retrieval=Retrieval(pool=60), prompts=Prompts(declined="I found nothing.\n"))
UNCHECKED = "unchecked: WARRANT_KEYS names no key file."
SIGNED = "--judge people --approver bob --ticket CHG-1 --score groundedness=0.91:0.88:0.94"


class Typed:
    """What a command printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Type = Callable[[str], Typed]


@pytest.fixture
def type_(made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Runs a line in this process, beside the registry; MLflow is imported once."""
    monkeypatch.chdir(made.place)
    for name, value in {"USER": "alice", "REGISTRY": made.uri}.items():
        monkeypatch.setenv(f"WARRANT_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str) -> Typed:
        code = main(shlex.split(line)) or 0
        printed = capsys.readouterr()
        return Typed(code, printed.out, printed.err)

    return run


@pytest.fixture
def two(made: Made) -> Made:
    """Two versions that differ in configuration, prompt, Snapshot and metrics; and what they were measured on."""
    made.add(ONE, {"groundedness": 0.91, "recall": 0.8})
    made.add(TWO, {"groundedness": 0.93}, "s2")
    (made.place / "samples.jsonl").write_text('{"question": "Who?"}\n')
    return made


def signed(type_: Type, version: str, more: str = "") -> str:
    """A file with a warrant for a version."""
    assert type_(f"release sign {version} --dataset samples.jsonl {SIGNED} {more} --out {version}.json").code == 0
    return f"{version}.json"


def promote(type_: Type, version: str) -> None:
    done = type_(f"promote {version} --to production --ticket CHG-1 --warrant {signed(type_, version)}")
    assert done.code == 0, done.err


@pytest.mark.usefixtures("two")
def test_a_release_goes_from_signed_to_production_and_back(type_: Type) -> None:
    promote(type_, "1")
    assert type_("promote 2 --to staging").out == "v2 is in staging.\n"
    file = signed(type_, "staging")
    done = type_(f"promote staging --to production -t CHG-2 --note better --warrant {file}")
    assert done.out == "v2 is in production. v1 is archived.\n"
    again = type_(f"promote 2 --to production -t CHG-2 --warrant {file}")
    assert (again.code, again.out) == (0, "v2 is in production. It was so already; nothing was changed.\n")
    assert type_("rollback --reason slow -t INC-7").out == "v1 is in production again. v2 is archived.\n"
    refused = type_("rollback")
    assert (refused.code, refused.err) == (1, "warrant: There is no release before v1 to go back to.\n")
    moves = type_("release history --json").json
    kept = ("action", "stage", "from", "to", "who", "ticket", "note", "state")
    assert [tuple(move[name] for name in kept) for move in moves] == [
        ("promote", "production", None, 1, "alice", "CHG-1", "", "done"),
        ("promote", "staging", None, 2, "alice", "", "", "done"),
        ("promote", "production", 1, 2, "alice", "CHG-2", "better", "done"),
        ("rollback", "production", 2, 1, "alice", "INC-7", "slow", "done"),
    ]
    assert [bool(move["evidence"]) for move in moves] == [True, False, True, True]


@pytest.mark.usefixtures("two")
def test_a_warrant_is_written_for_a_person_to_read(type_: Type) -> None:
    promote(type_, "1")
    done = type_(f"release sign 2 --dataset samples.jsonl {SIGNED} --score recall=0.9:0.8:0.95:0.7")
    warrant = done.json
    assert warrant["release"] == digest_of(TWO)
    assert warrant["scores"]["recall"] == {"value": 0.9, "low": 0.8, "high": 0.95, "champion": 0.7}
    assert warrant["champion"] == {"version": 1, "release": digest_of(ONE)}
    assert (warrant["verdict"], warrant["approver"], warrant["judge"]) == ("pass", "bob", "people")
    assert f"A warrant for v2 ({TWO.label}), sha256 " in done.err


@pytest.mark.usefixtures("two")
def test_the_list_tells_stage_traffic_and_evidence(type_: Type) -> None:
    promote(type_, "1")
    promote(type_, "2")
    assert type_("split v1=0.125").out == "Of production's questions go: v1 0.125.\n"
    assert type_("shadow 1 --share 0.05").out == "v1 answers 0.05 of the questions too.\n"
    rows = type_("release list --json").json
    kept = ("version", "stage", "split", "shadow", "snapshot", "label")
    assert [tuple(row[name] for name in kept) for row in rows] == [
        (2, "production", None, None, "s2", TWO.label),
        (1, "archived", 0.125, 0.05, "s1", ONE.label),
    ]
    assert all(len(row["warrant"]) == 64 for row in rows)
    shown = type_("release list").out
    assert all(word in shown for word in ("production", "archived", "split 0.125, shadow 0.05", ONE.label))
    assert type_("split --off").out == "Production answers all questions.\n"
    assert type_("shadow --off").out == "There is no shadow.\n"


@pytest.mark.usefixtures("two")
def test_a_diff_shows_configuration_prompts_snapshot_and_metrics(type_: Type) -> None:
    found = type_("release diff v1 2 --json").json["differences"]
    assert found["retrieval.pool"] == [100, 60]
    assert found["version.snapshot"] == ["s1", "s2"]
    assert (found["metrics.groundedness"], found["metrics.recall"]) == ([0.91, 0.93], [0.8, None])
    assert [name for name in found if name.startswith("prompts.")] == ["prompts.declined"]
    shown = type_("release diff 1 2").out
    assert all(f"\n{line}\n" in shown for line in ("-retrieval.pool: 100", "+prompts.declined: I found nothing."))
    assert type_("release diff 1 1").out == "No difference.\n"


@pytest.mark.usefixtures("two")
def test_a_version_is_shown_with_its_evidence_and_its_release(type_: Type, tmp_path: Path) -> None:
    promote(type_, "2")
    told = type_("release show production --json").json
    assert (told["version"], told["stage"], told["metrics"], told["params"]) == (
        2,
        "production",
        {"groundedness": 0.93},
        {"name": "handbook"},
    )
    assert Release.model_validate(told["release"]) == TWO
    assert told["evidence"]["ticket"] == "CHG-1"
    shown = type_("release show v2").out
    assert all(word in shown for word in (TWO.label, "verdict: pass", "high: 0.94", "pool: 60"))


def test_a_version_that_was_not_logged_by_us_is_shown_but_never_promoted(type_: Type, two: Made) -> None:
    client = two.client
    client.create_model_version(MODEL, two.place.as_uri(), client.get_model_version(MODEL, "1").run_id)
    assert "there is no release.yaml" in type_("release show 3").out
    assert "v3 was not logged by" in type_("release diff 1 3").err
    assert "v3 was not logged by" in type_(f"release sign 3 --dataset samples.jsonl {SIGNED}").err
    done = type_("promote 3 --to production -t INC-1 --override fire --approver bob")
    assert (done.code, "v3 was not logged by `warrant release log`: it has no digest" in done.err) == (1, True)


def test_what_people_write_is_not_read_as_markup(type_: Type, two: Made) -> None:
    type_("promote 1 --to staging --note '[red]no[/nothing]'")
    assert "[red]no[/nothing]" in type_("release history").out


ABOUT_NO_VERSION = [
    ("promote 1 --to nowhere", 2, "'nowhere' is not one of 'staging', 'production'"),
    ("promote 1 --to production", 2, "Production needs a --ticket."),
    ("promote 1 --to production -t x --override ''", 2, "An --override needs a reason."),
    ("promote 1 --to production -t x --override fire", 2, "An --override needs an --approver"),
    ("promote 1 --to production -t x --approver bob", 2, "--approver is for a --dataset or an --override"),
    ("promote 1 --to staging --override fire --approver bob", 2, "Staging needs no evidence"),
    ("promote 1 --to production -t x --warrant nowhere.json", 2, "nowhere.json cannot be read: No such file"),
    ("promote 1 --to production -t x --warrant samples.jsonl", 2, "samples.jsonl is not a warrant: release is missing"),
    ("promote 1 --to staging --note 'a\nb'", 2, "one line of at most 2000 characters"),
    ("promote 1 --to staging --model Warrant", 4, "a model's name is lower-case letters"),
    ("release list --registry mlruns", 4, "a tracking URI looks like sqlite:////srv/mlflow.db"),
    ("split", 2, "Give shares such as v13=0.1, or --off."),
    ("split v1=0.1 --off", 2, "Give shares such as v13=0.1, or --off."),
    ("split v1=much", 2, "A share looks like v13=0.1; 'v1=much' does not."),
    ("split v1=0.1 v1=0.2", 2, "one of them was named twice"),
    ("shadow 1", 2, "Give a VERSION and its --share, or --off."),
    ("shadow --off --share 0.1", 2, "Give a VERSION and its --share, or --off."),
    (f"release sign 1 --dataset nowhere {SIGNED}", 2, "nowhere cannot be read: No such file"),
    (f"release sign 1 --dataset samples.jsonl {SIGNED} --score a=1:2:3", 2, "'a=1:2:3' does not"),
    (f"release sign 1 --dataset samples.jsonl {SIGNED} --score a=high", 2, "'a=high' does not"),
    (f"release sign 1 --dataset samples.jsonl {SIGNED} --score groundedness=1:1:1", 2, "was given twice"),
    ("release show 1 --release x.yaml", 2, "Give a VERSION or a --release, not both."),
    ("release show --model warrant", 2, "--registry and --model are for a VERSION"),
]
ABOUT_VERSIONS = [
    ("promote 9 --to staging", 2, "There is no v9 of warrant; `warrant release list` shows what there is."),
    ("promote latest --to staging", 2, "or an alias (none yet); 'latest' is neither"),
    ("promote 1 --to production -t x", 1, "v1 may not answer for production: it has no warrant"),
    ("rollback", 1, "There is no release before now to go back to"),
    ("rollback --from v1", 1, "v1 is not in production, no version is"),
    ("split v1=0.1", 1, "No version is in production; promote one first."),
    ("shadow 1 --share 0.1", 1, "No version is in production; promote one first."),
    ("release diff 1 9", 2, "There is no v9 of warrant"),
    ("release show archived", 2, "'archived' is neither"),
]


@pytest.mark.usefixtures("two")
def test_bad_input_gets_one_clear_sentence_its_exit_code_and_moves_nothing(type_: Type) -> None:
    for line, code, sentence in ABOUT_NO_VERSION + ABOUT_VERSIONS:
        done = type_(line)
        assert (done.code, sentence in done.err, done.out) == (code, True, ""), (line, done.err)
    assert type_("release history").out == "No version has been moved yet.\n"


def test_shares_that_are_none_are_refused_with_production_there(type_: Type, two: Made) -> None:
    promote(type_, "1")
    for line, sentence in (
        ("split v2=1.5", "above 0 and together below 1"),
        ("split v2=0.1", "v2 may not answer for production: it has no warrant"),
        ("split v1=0.1", "v1 is in production; name another version"),
        ("shadow 2 --share 1.5", "above 0 and at most 1; 1.5 is not"),
        ("promote 1 --to staging", "v1 is in production, and a version has one stage"),
    ):
        done = type_(line)
        assert (done.code, sentence in done.err) == (1, True), (line, done.err)


def test_without_a_model_or_a_file_it_says_so_and_makes_none(type_: Type, tmp_path: Path) -> None:
    for line in ("release list", "promote 1 --to staging", "rollback", "release history"):
        done = type_(line)
        assert (done.code, "There is no model warrant at sqlite:///" in done.err) == (2, True), (line, done.err)
    done = type_(f"release list --registry sqlite:///{tmp_path}/other.db")
    assert (done.code, "other.db has not been made yet. Log a release first." in done.err) == (2, True)
    assert not (tmp_path / "other.db").exists()


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("scheme", ["http", "postgresql", "mysql+pymysql"])
def test_a_registry_that_is_away_is_told_without_its_password(
    type_: Type, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    place = f"127.0.0.1:{closed_port()}"
    done = type_(f"promote 1 --to staging --registry {scheme}://user:s3cret@{place}/x")
    assert (done.code, done.err) == (
        5,
        f"warrant: The registry at {scheme}://***@{place}/x does not answer: Connection refused.\n",
    )


def test_a_file_that_is_no_database_is_told_at_once(type_: Type, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_text("this is not a database, and it is long enough to be looked at" * 20)
    done = type_(f"release list --registry sqlite:///{tmp_path}/bad.db")
    assert (done.code, "bad.db cannot be read: file is not a database" in done.err) == (5, True)


def test_where_the_trail_cannot_be_written_nothing_is_moved(type_: Type, two: Made) -> None:
    with sqlite3.connect(two.place / "mlflow.db") as database:
        told = "attempt to write a readonly database"
        database.execute(f"CREATE TRIGGER closed BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, '{told}'); END")
    done = type_("promote 1 --to staging")
    assert (done.code, "did not do as it was asked" in done.err, "readonly" in done.err) == (5, True, True), done.err
    assert two.client.get_registered_model(MODEL).aliases == {}


def test_who_moves_is_the_user_of_the_machine_unless_it_is_told(
    type_: Type, two: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_("promote 1 --to staging")
    monkeypatch.delenv("WARRANT_USER")
    monkeypatch.setenv("LOGNAME", "carol")  # what anybody may type
    type_("promote 2 --to staging")
    assert [move["who"] for move in type_("release history --json").json] == [
        "alice",
        f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}",
    ]


@pytest.mark.usefixtures("two")
def test_with_a_key_file_a_version_is_moved_by_a_caller_who_may(
    type_: Type, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, (private, public) = made.place / "keys.yaml", key_pair(made.place, "ours")
    ann, chief = add_key(file, "ann", "data_scientist"), add_key(file, "chief", "mlops_engineer")
    log = made.place / "audit.jsonl"
    for name, value in {"KEYS": file, "AUDIT": log, "SIGNING_KEY": private, "SIGNERS": public}.items():
        monkeypatch.setenv(f"WARRANT_{name}", str(value))
    moves = ("promote 1 --to staging", "rollback", "split v1=0.1", "shadow 1 --share 0.1")
    for key, problem in ((ann, "ann may not: it needs the role mlops_engineer"), ("wrong", "is no valid key of")):
        monkeypatch.setenv("WARRANT_KEY", key)
        refused = [type_(line) for line in moves]
        assert [(each.code, problem in each.err) for each in refused] == [(1, True)] * len(moves)
    assert made.client.get_registered_model(MODEL).aliases == {}
    monkeypatch.setenv("WARRANT_KEY", chief)
    assert type_(f"release sign 1 --dataset samples.jsonl {SIGNED} --out w.json").code == 2
    assert type_(f"release sign 1 --dataset samples.jsonl {SIGNED.replace('bob', 'chief')} --out w.json").code == 0
    done = type_("promote 1 --to production --ticket CHG-1 --warrant w.json")
    assert (done.code, done.out, done.err) == (0, "v1 is in production.\n", "")
    held = type_("release show 1 --json").json["evidence"]
    assert [held[name] for name in ("author", "approver", "authenticated")] == ["chief", "chief", ["chief"]]
    assert held["signature"]
    records = [*read_records(log)]
    assert [(each.actor, each.act, each.outcome) for each in records[-3:]] == [
        ("chief", "promote", "begun"),
        ("chief", "transition promote", "done"),
        ("chief", "promote", "done"),
    ]
    assert records[-2].detail["to"] == "1"
    assert [each.outcome for each in records[:8]] == ["refused"] * 8


@pytest.mark.slow
def test_the_front_door_prints_one_line_and_nothing_of_mlflows(two: Made) -> None:
    done = command("promote", 1, "--to", "staging", "--registry", two.uri, place=two.place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "v1 is in staging.\n", f"Done as alice, {UNCHECKED}\n")
    made = {path.name for path in two.place.iterdir()}
    assert made == {".warrant", "artifacts", "mlflow.db", "samples.jsonl"}, "beside what was there, the audit log"


@pytest.mark.usefixtures("two")
def test_a_version_is_approved_by_a_tag_that_says_so(type_: Type, made: Made) -> None:
    refused = type_("release approved 2 --tag sign-off")
    assert (refused.code, "v2 is not approved: it has no tag 'sign-off'" in refused.err) == (1, True)
    made.client.set_model_version_tag(MODEL, "2", "sign-off", "no")
    assert "its tag 'sign-off' says 'no'" in type_("release approved 2 --tag sign-off").err
    made.client.set_model_version_tag(MODEL, "2", "sign-off", "Approved ")
    done = type_("release approved 2 --tag sign-off")
    assert (done.code, done.out) == (0, "v2 is approved.\n")
