"""Who may write a warrant: signatures, two persons known by their keys, and tickets."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from registry_under_test import key_pair, warranted
from server_under_test import key_file

from graph.audit import read_records
from graph.callers import Permission
from graph.errors import AccessRefused, PromotionRefused, RegistryUnavailable, SettingsInvalid
from graph.identity import approver, require
from graph.registry import Version
from graph.registry.promotion import Override, PromotionEvidence, require_warrant
from graph.registry.signing import signature_check, signed
from graph.registry.tickets import check_ticket
from graph.registry.transitions import Actor
from graph.registry.warrant import (
    NO_RULES,
    SignatureCheck,
    Warrant,
    WarrantRules,
    any_signature,
    read_warrant,
    refusal,
)
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.registry.client import Registry

DIGEST = "a" * 64
ALICE = Actor("alice", "box", os.getpid())


def test_only_an_unaltered_warrant_with_a_signature_of_a_signer_lets_a_release_in(tmp_path: Path) -> None:
    (ours, public), (old, before), (strange, _) = (key_pair(tmp_path, name) for name in ("ours", "old", "strange"))
    public.write_bytes(before.read_bytes() + public.read_bytes())
    check, warrant = signature_check(public), warranted(DIGEST)
    for key in (ours, old):
        whole = signed(warrant, key)
        assert refusal(whole, DIGEST, check) == ""
        assert refusal(read_warrant(whole.text(), "it"), DIGEST, check) == ""
    whole = signed(warrant, ours)
    for change in ({"approver": "eve"}, {"release": "b" * 64}, {"authenticated": ("eve",)}, {"signature": "eve"}):
        altered = whole.model_copy(update=change)
        assert "no signature" in refusal(altered, altered.release, check), change
    assert "no signature" in refusal(signed(warrant, strange), DIGEST, check)
    assert "no signature" in refusal(warrant, DIGEST, check)
    assert refusal(warrant, DIGEST, signature_check(None)) == ""
    assert refusal(signed(warrant, None), DIGEST, any_signature) == ""


def test_keys_that_are_no_keys_are_told(tmp_path: Path) -> None:
    private, public = key_pair(tmp_path, "other", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "none").write_text("nothing")
    for path in (public, tmp_path / "none", tmp_path / "missing"):
        with pytest.raises(SettingsInvalid, match="WARRANT_SIGNERS"):
            signature_check(path)
    for path in (private, tmp_path / "none", tmp_path / "missing"):
        with pytest.raises(SettingsInvalid, match="WARRANT_SIGNING_KEY"):
            signed(warranted(DIGEST), path)


class Shelf:
    """Of a registry the warrant of one version."""

    def __init__(self, is_signed: SignatureCheck = any_signature, rules: WarrantRules = NO_RULES) -> None:
        self.is_signed, self.rules, self.held = is_signed, rules, None

    def warrant(self, version: Version) -> Warrant | None:
        return self.held

    def store(self, version: Version, warrant: Warrant) -> None:
        self.held = warrant  # type: ignore[assignment]


def promoted(shelf: Shelf, evidence: PromotionEvidence, actor: Actor = ALICE) -> Warrant:
    return require_warrant(cast("Registry", shelf), Version(1, "one", DIGEST), evidence, actor)


@pytest.mark.parametrize(
    ("approved_by", "authenticated", "problem"),
    [
        ("bob", {"alice", "bob"}, ""),
        ("alice", {"alice"}, "promoted by the same person"),
        ("Alice", {"alice", "Alice"}, "promoted by the same person"),
        ("bob", {"alice"}, "bob is not known by a key"),
        ("bob", {"bob"}, "alice is not known by a key"),
        ("bob", set(), "alice is not known by a key"),
    ],
)
@pytest.mark.parametrize("kind", ["warrant", "override"])
def test_two_persons_are_two_callers_whose_keys_were_checked(
    kind: str, approved_by: str, authenticated: set[str], problem: str
) -> None:
    offered = {
        "warrant": PromotionEvidence(warranted(DIGEST, approver=approved_by)),
        "override": PromotionEvidence(override=Override("fire", approved_by, "INC-1")),
    }[kind]
    shelf, known = Shelf(), frozenset(authenticated)
    evidence = PromotionEvidence(offered.warrant, offered.override, two_persons=True, authenticated=known)
    if problem:
        with pytest.raises(PromotionRefused, match=problem):
            promoted(shelf, evidence)
        assert shelf.held is None
        return
    found = promoted(shelf, evidence)
    assert (found.author, found.approver, found.authenticated) == ("alice", "bob", ("alice", "bob"))
    assert shelf.held == found
    assert promoted(shelf, PromotionEvidence(two_persons=True, authenticated=known)) == found
    with pytest.raises(PromotionRefused, match="promoted by the same person"):
        promoted(shelf, PromotionEvidence(two_persons=True, authenticated=known), Actor("bob", "box", 1))


TWO, PINNED = Settings(two_persons=True), Settings(thresholds_sha256=f"{'b' * 64}, {'C' * 64}")


@pytest.mark.parametrize(
    ("settings", "told", "why"),
    [
        (TWO, {"author": "alice"}, "alice is not known by a key"),
        (TWO, {"author": "alice", "authenticated": ["alice"]}, "bob is not known by a key"),
        (TWO, {"author": "Bob", "authenticated": ["bob", "Bob"]}, "names one person"),
        (TWO, {"authenticated": ["bob"]}, "names one person"),
        (TWO, {"author": "alice", "authenticated": ["alice", "bob"]}, ""),
        (TWO, {"verdict": "override", "reason": "fire"}, "names one person"),
        (PINNED, {}, "not gained by thresholds"),
        (PINNED, {"thresholds": "a" * 64}, "not gained by thresholds"),
        (PINNED, {"thresholds": "c" * 64}, ""),
        (PINNED, {"verdict": "override", "reason": "fire"}, ""),
    ],
)
def test_what_settings_ask_of_a_warrant_no_thresholds_take_away(
    settings: Settings, told: dict[str, Any], why: str
) -> None:
    """Asked alike of what is promoted and of what a server is to serve."""
    rules, warrant = WarrantRules.of(settings), warranted(DIGEST, approver="bob", **told)
    for found in (warrant, read_warrant(warrant.text(), "it")):
        assert why in refusal(found, DIGEST, any_signature, rules)
        assert bool(refusal(found, DIGEST, any_signature, rules)) == bool(why)
    if settings is TWO:
        shelf = Shelf(rules=rules)
        with pytest.raises(PromotionRefused, match="not known by a key"):
            promoted(shelf, PromotionEvidence(warranted(DIGEST, approver="bob")))
        evidence = PromotionEvidence(warranted(DIGEST, approver="bob"), authenticated=frozenset(("alice", "bob")))
        assert promoted(shelf, evidence).author == "alice"


def test_an_approval_in_a_file_counts_only_if_it_is_signed(tmp_path: Path) -> None:
    private, public = key_pair(tmp_path, "ours")
    file = warranted(DIGEST, approver="bob", authenticated=["bob"])
    mine = frozenset(("alice",))
    for is_signed, offered, counts in (
        (any_signature, file, False),
        (signature_check(public), file, False),
        (any_signature, signed(file, private), False),
        (signature_check(public), signed(file, private), True),
    ):
        evidence = PromotionEvidence(offered, two_persons=True, authenticated=mine, sign=lambda w: signed(w, private))
        shelf = Shelf(is_signed)
        if not counts:
            with pytest.raises(PromotionRefused, match="bob is not known by a key"):
                promoted(shelf, evidence)
            continue
        found = promoted(shelf, evidence)
        assert (found.author, found.authenticated, is_signed(found)) == ("alice", ("alice", "bob"), True)


def test_a_promotion_without_the_signing_key_is_refused_where_signers_are_named(tmp_path: Path) -> None:
    shelf = Shelf(signature_check(key_pair(tmp_path, "ours")[1]))
    with pytest.raises(PromotionRefused, match="no signature"):
        promoted(shelf, PromotionEvidence(warranted(DIGEST)))
    assert shelf.held is None


# Who a command acts as


def settings_of(place: Path, **more: Any) -> Settings:
    keys = key_file(place / "keys.yaml", ann="key-of-ann", chief="key-of-chief")
    return Settings(audit=place / "audit.jsonl", **{"keys": keys, "user": "root", **more})


def test_a_command_acts_as_the_caller_of_its_key_and_a_refusal_is_recorded(tmp_path: Path) -> None:
    known = require(settings_of(tmp_path, key="key-of-chief"), Permission.PROMOTE, "rollback", "warrant")
    assert (known.name, known.authenticated) == ("chief", frozenset(("chief",)))
    assert not (tmp_path / "audit.jsonl").exists()
    for key, problem in (
        ("key-of-ann", "ann may not: it needs the role mlops_engineer"),
        ("no key", "is no valid key of"),
        (None, "WARRANT_KEY is needed"),
    ):
        with pytest.raises(AccessRefused, match=problem):
            require(settings_of(tmp_path, key=key), Permission.PROMOTE, "rollback", "warrant")
    found = [(each.actor, each.act, each.outcome) for each in read_records(tmp_path / "audit.jsonl")]
    assert found == [(name, "rollback", "refused") for name in ("ann", "root", "root")]
    with pytest.raises(AccessRefused, match="ann may not"):
        approver(settings_of(tmp_path, approver_key="key-of-ann"), "promote", "warrant")
    assert approver(settings_of(tmp_path), "promote", "warrant") is None
    approved = approver(settings_of(tmp_path, approver_key="key-of-chief"), "promote", "warrant")
    assert approved is not None
    assert approved.name == "chief"


def test_without_a_key_file_it_is_the_user_of_the_machine_and_known_by_no_key(tmp_path: Path) -> None:
    known = require(settings_of(tmp_path, keys=None, key="anything"), Permission.PROMOTE, "rollback", "warrant")
    assert (known.name, known.authenticated) == ("root", frozenset())
    with pytest.raises(AccessRefused, match="needs WARRANT_KEYS"):
        approver(settings_of(tmp_path, keys=None, approver_key="anything"), "promote", "warrant")


# Tickets


@pytest.fixture
def tickets() -> Iterator[str]:
    """A system that keeps tickets on loopback: CHG-403 is refused, CHG-500 breaks it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(next((code for code in (403, 500) if f"CHG-{code}" in body), 204))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_ticket_is_held_to_a_pattern_and_to_the_system_that_keeps_it(tickets: str) -> None:
    settings = Settings(ticket_pattern=r"CHG-\d+", ticket_url=tickets)
    check_ticket(settings, "CHG-1", {"version": "v1"})
    for ticket, error, problem in (
        ("CHG-1 or so", PromotionRefused, "does not match"),
        ("CHG-403", PromotionRefused, "does not allow this promotion"),
        ("CHG-500", RegistryUnavailable, "answers 500"),
    ):
        with pytest.raises(error, match=problem):
            check_ticket(settings, ticket, {"version": "v1"})
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        check_ticket(Settings(ticket_url="http://127.0.0.1:1/"), "CHG-1", {})
    check_ticket(Settings(), "anything", {})
