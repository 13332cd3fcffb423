"""Who may do what: keys, tokens of a provider, trusted proxies, and the table of roles and routes."""

import asyncio
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from databricks_emulator import emulating
from server_under_test import app_over, key_file, serving
from support import QUICK

from graph.callers import ANONYMOUS, OWNER, PERMISSIONS, Caller, Permission, Role
from graph.errors import SettingsInvalid
from graph.keys import digest, new_key
from server.auth.authentication import Authenticator
from server.auth.tokens import ProviderUnavailable, TokenVerifier
from server.roles import PUBLIC, ROUTES, permission_for
from server.settings import ServerSettings, load_server_settings
from warrant import warrant

SALT = "00" * 16
GOOD = f"salt: '{SALT}', sha256: {'a' * 64}"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def caller_of(settings: ServerSettings, headers: Mapping[str, str], peer: str = "") -> Caller | None:
    return asyncio.run(Authenticator(settings).authenticate(headers, peer))


# Keys


def test_without_keys_only_loopback_is_served() -> None:
    with pytest.raises(SettingsInvalid, match="WARRANT_KEYS"):
        Authenticator(ServerSettings(host="0.0.0.0"))
    assert Authenticator(ServerSettings(host="::1")).open
    assert caller_of(ServerSettings(), {}) == OWNER


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {name: a, sha256: secret-key}", "salt"),
        (f"- {{name: a/b, {GOOD}}}", "name"),
        ("{", "cannot be read"),
        (f"- {{name: a, {GOOD}}}\n- {{name: a, {GOOD}}}", "a name twice"),
        (f"- {{name: a, {GOOD}, groups: [x], groups: [y]}}", "line 1: the key 'groups' is given twice"),
        (f"- {{name: a, {GOOD}, groups: ['']}}", r"groups.0: .*a group's name"),
        (f"- {{name: a, {GOOD}, groups: [' hr']}}", r"groups.0: .*a group's name"),
        (f"- {{name: a, {GOOD}, roles: [root]}}", "roles.0 must be"),
        (f"- {{name: a, {GOOD}, expires: 2027-01-31}}", "expires must be"),
        (f"- {{name: 'oidc:a', {GOOD}}}", "name must be"),
        (f"- &a {{name: a, {GOOD}}}\n- *a", "line 2: aliases"),
        ("a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b,*b]", "line 2: aliases"),
        ("# " + "x" * 1_000_000, "more than 1000000 bytes"),
        ("[" * 5000, "cannot be read"),
    ],
)
def test_a_wrong_key_file_is_refused_without_telling_what_is_in_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "keys.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsInvalid, match=message) as refused:
        Authenticator(ServerSettings(keys=tmp_path / "keys.yaml"))
    assert "secret-key" not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer "}, {"x-api-key": ""}, {"x-api-key": " \t"}, {"cookie": 'warrant_key=""'}, {}],
)
def test_an_empty_key_is_no_key_whatever_the_file_says(tmp_path: Path, headers: dict[str, str]) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="", bob=" ", cid=" \t")
    assert caller_of(ServerSettings(keys=keys), headers) is None


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_key_file_that_everybody_can_open_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key")
    keys.chmod(mode)
    Authenticator(ServerSettings(keys=keys))
    assert ("chmod 600" in caplog.text) == warned


def test_a_server_with_keys_may_be_reached_from_elsewhere(tmp_path: Path) -> None:
    settings = ServerSettings(host="0.0.0.0", keys=key_file(tmp_path / "keys.yaml", ann__hr="key"))
    assert caller_of(settings, {}) is None
    assert caller_of(settings, bearer("key2")) is None
    assert caller_of(settings, {"authorization": "bearer key"}) == Caller(name="ann", groups=["hr"])


def run(*arguments: str) -> str:
    result = CliRunner().invoke(warrant, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_key_is_shown_once_and_only_its_salted_digest_is_stored(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    key = run("keys", "create", "ann", "--role", "data_scientist", "--team", "support", "-g", "hr", "--file", str(file))
    stored = file.read_text("utf-8")
    assert key not in stored
    assert digest(SALT, key) not in stored
    assert file.stat().st_mode & 0o777 == 0o600
    expected = Caller(name="ann", roles=frozenset((Role.DATA_SCIENTIST,)), team="support", groups=["hr"])
    assert caller_of(ServerSettings(keys=file), bearer(key)) == expected
    twice = CliRunner().invoke(warrant, ["keys", "create", "ann", "--file", str(file)])
    assert isinstance(twice.exception, SettingsInvalid)


def test_a_key_that_has_expired_already_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    command = ["keys", "create", "ann", "--file", str(path), "--expires", "2020-01-01"]
    result = CliRunner().invoke(warrant, command)
    assert (result.exit_code, "is past" in result.output, path.exists()) == (2, True, False)


def test_two_callers_with_one_key_have_different_digests() -> None:
    first, second = (new_key(Caller(name="a"), None)[1] for _ in range(2))
    assert first.salt != second.salt
    assert digest(first.salt, "key") != digest(second.salt, "key")


def test_what_is_rotated_revoked_or_expired_is_refused_by_a_server_that_runs(tmp_path: Path) -> None:
    file = str(tmp_path / "keys.yaml")
    ann, bob = (run("keys", "create", name, "--file", file) for name in ("ann", "bob"))
    late = run("keys", "create", "late", "--expires", "2099-01-01", "--file", file)
    Path(file).write_text(Path(file).read_text("utf-8").replace("2099-", "2020-"), "utf-8")
    running = Authenticator(ServerSettings(keys=Path(file)))

    def known(key: str) -> bool:
        return asyncio.run(running.authenticate(bearer(key))) is not None

    assert [known(key) for key in (ann, bob, late)] == [True, True, False]
    new = run("keys", "rotate", "ann", "--file", file)
    run("keys", "revoke", "bob", "--file", file)
    assert [known(key) for key in (ann, new, bob)] == [False, True, False]
    assert "bob" not in run("keys", "list", "--file", file)


def test_a_key_file_that_becomes_wrong_lets_nobody_in(quick_handbook: Path, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann")
    good = keys.read_text("utf-8")
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys)) as url:

        def status() -> int:
            return httpx.get(f"{url}/conversations", headers=bearer("key-of-ann"), timeout=60).status_code

        assert status() == 200
        keys.write_text("- broken", "utf-8")
        assert status() == 503
        keys.unlink()
        assert status() == 503
        keys.write_text(good, "utf-8")
        assert status() == 200


# Roles and routes


def routes_of(app: Any) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner and not hasattr(route, "path"):
            yield from routes_of(type("Inner", (), {"routes": inner}))
        else:
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, route.path


def test_every_route_has_a_row_in_the_table_of_permissions(quick_handbook: Path, tmp_path: Path) -> None:
    paths = {path for _, path in routes_of(app_over(quick_handbook, tmp_path, QUICK))}
    assert {"/rag/invoke", "/v1/models", "/metrics", "/admin/reload"} <= paths
    rows = {*PUBLIC, *ROUTES}
    without = {path for path in paths if not any(path == row or path.startswith(f"{row}/") for row in rows - {"/"})}
    assert without == {"/"}
    used = {row for row in rows if any(path == row or path.startswith(f"{row}/") for path in paths)}
    assert used == rows


ASKING = {"mlops_engineer", "data_scientist", "app_team"}
ANY_VERSION = {"mlops_engineer", "data_scientist"}
EVERYBODY: set[str] = {*Role}
NO_KEY: set[str] | None = None
EVERY = {
    "GET /": NO_KEY,
    "GET /healthz": NO_KEY,
    "GET /readyz": NO_KEY,
    "GET /favicon.ico": NO_KEY,
    "GET /static": NO_KEY,
    "GET /static/swagger": NO_KEY,
    "POST /signin": NO_KEY,
    "POST /admin/webhook": NO_KEY,
    "POST /admin/reload": {"mlops_engineer"},
    "GET /metrics": {"mlops_engineer", "data_scientist", "security_admin"},
    "GET /docs": EVERYBODY,
    "GET /openapi.json": EVERYBODY,
    "HEAD /openapi.json": EVERYBODY,
    "POST /signout": EVERYBODY,
    "GET /conversations": ASKING,
    "GET /conversations/{session_id}": ASKING,
    "DELETE /conversations/{session_id}": ASKING,
    "GET /documents": ASKING,
    "GET /examples": ASKING,
    "GET /page/about": ASKING,
    "POST /feedback": ASKING,
    "POST /verify": ASKING,
    "POST /responses": ASKING,
    "POST /invocations": ASKING,
    "POST /mcp": ASKING,
    "POST /mcp/": ASKING,
    "GET /v1/models": ASKING,
    "GET /v1/models/{name}": ASKING,
    "POST /v1/chat/completions": ASKING,
    "POST /v1/responses": ASKING,
    "GET /rag/config_schema": ASKING,
    "GET /rag/input_schema": ASKING,
    "GET /rag/output_schema": ASKING,
    "GET /rag/playground/{file_path:path}": ASKING,
    "POST /rag/batch": ASKING,
    "POST /rag/invoke": ASKING,
    "POST /rag/stream": ASKING,
    "POST /rag/stream_events": ASKING,
    "POST /rag/stream_log": ASKING,
}
"""Who may call what; None: everybody, without a key."""
TRACKS = ("/rag", "/v1", "/mcp")
"""What /staging and /versions/N have too."""


def test_every_route_is_open_to_the_roles_that_the_table_names_and_to_no_other(
    quick_handbook: Path, tmp_path: Path
) -> None:
    file = tmp_path / "keys.yaml"
    keys = {role: run("keys", "create", role.value, "--role", role.value, "--file", str(file)) for role in Role}
    app = app_over(quick_handbook, tmp_path, QUICK, keys=file)
    assert {f"{method} {path}" for method, path in routes_of(app)} == {*EVERY}, (
        "a route without a row, or a row without"
    )
    rows = {**EVERY}
    for track in ("/staging", "/versions/2"):
        rows |= {row.replace(" ", f" {track}", 1): ANY_VERSION for row in EVERY if row.split()[1].startswith(TRACKS)}
    with serving(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        for row, allowed in rows.items():
            method, _, path = re.sub(r"{[^}]*}", "x", row).partition(" ")
            body: dict[str, str] | None = {} if method == "POST" else None
            status = client.request(method, path, json=body).status_code
            assert (status == 401) == (allowed is not NO_KEY), (row, status)
            for role, key in keys.items():
                status = client.request(method, path, headers=bearer(key), json=body).status_code
                assert (status == 403) == (allowed is not None and role not in allowed), (row, role, status)


def test_a_caller_of_no_role_may_do_nothing() -> None:
    assert not any(ANONYMOUS.may(permission) for permission in Permission)
    assert all(OWNER.may(permission) for permission in Permission)
    assert {*PERMISSIONS} == {*Role}
    assert permission_for("/ragtime") is None
    assert permission_for("/rag/invoke") == Permission.ASK


# Tokens of a provider


class Provider:
    """An OpenID Connect provider on loopback; `keys` are what it publishes."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.asked = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                known = {"/.well-known/openid-configuration": {"jwks_uri": f"{provider.issuer}/keys"}}
                known["/keys"] = {"keys": [provider.published(kid) for kid in provider.keys]}  # type: ignore[dict-item]
                body = json.dumps(known[self.path]).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def published(self, kid: str) -> dict[str, Any]:
        public = self.keys[kid].public_key()
        algorithm: Any = jwt.algorithms.ECAlgorithm if isinstance(self.keys[kid], ec.EllipticCurvePrivateKey) else None
        form = (algorithm or jwt.algorithms.RSAAlgorithm).to_jwk(public, as_dict=True)
        return {**form, "kid": kid, "use": "sig"}

    def token(self, kid: str = "one", **claims: Any) -> str:
        key = self.keys[kid]
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        usual = {"iss": self.issuer, "aud": "warrant", "exp": time.time() + 600, "sub": "ann", "roles": ["app_team"]}
        return jwt.encode({**usual, **claims}, key, algorithm, headers={"kid": kid})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.keys["one"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    yield provider
    provider.close()


def settings_of(provider: Provider, **more: Any) -> ServerSettings:
    return ServerSettings(oidc_issuer=provider.issuer, oidc_audience="warrant", **more)


def test_a_token_s_claims_are_the_caller(provider: Provider) -> None:
    settings = settings_of(provider, oidc_roles={"ml-platform": Role.MLOPS_ENGINEER})
    claims: dict[str, Any] = {"roles": ["ml-platform", "tennis"], "groups": ["hr", "emea"], "team": "support"}
    found = caller_of(settings, bearer(provider.token(**claims)))
    roles = frozenset((Role.MLOPS_ENGINEER,))
    assert found == Caller(name="oidc:ann", roles=roles, team="support", groups=["hr", "emea"])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another application"},
        {"exp": 1_000_000},
        {"nbf": time.time() + 6000},
        {"sub": "a b"},
        {"groups": [" hr"]},
    ],
)
def test_a_token_that_is_not_for_this_server_is_refused(provider: Provider, claims: dict[str, Any]) -> None:
    assert caller_of(settings_of(provider), bearer(provider.token())) is not None
    assert caller_of(settings_of(provider), bearer(provider.token(**claims))) is None


@pytest.mark.parametrize("name", [None, "", " ", 7, ["ann"]])
def test_a_token_without_a_name_is_refused(provider: Provider, name: object) -> None:
    """Otherwise all who have none would be one caller, with one conversation and one quota."""
    settings = settings_of(
        provider, oidc_claims={"name": "email", "team": "team", "groups": "groups", "roles": "roles"}
    )
    assert caller_of(settings, bearer(provider.token(email=name))) is None
    assert caller_of(settings, bearer(provider.token(email="ann@x.org"))) is not None


def test_a_token_without_a_role_may_do_nothing(provider: Provider) -> None:
    found = caller_of(settings_of(provider), bearer(provider.token(roles=["tennis"])))
    assert found is not None
    assert not found.may(Permission.ASK)


def test_a_token_that_anybody_could_have_made_is_refused(provider: Provider) -> None:
    settings = settings_of(provider)
    claims = {"iss": provider.issuer, "aud": "warrant", "exp": time.time() + 600, "sub": "ann", "roles": ["app_team"]}
    unsigned = jwt.encode(claims, "", "none", headers={"kid": "one"})
    by_public_key = jwt.encode(claims, provider.published("one")["n"], "HS256", headers={"kid": "one"})
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    foreign = jwt.encode(claims, stranger, "RS256", headers={"kid": "one"})
    for token in (unsigned, by_public_key, foreign, "ey.ey.ey"):
        assert caller_of(settings, bearer(token)) is None


def test_the_provider_s_keys_are_fetched_once_and_again_after_a_rotation(provider: Provider) -> None:
    patient, eager = (TokenVerifier(provider.issuer, settings_of(provider), look_again) for look_again in (600, 0))
    for running in (patient, eager):
        assert all(running.verify(provider.token()) for _ in range(3))
    assert provider.asked == 4
    provider.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    assert eager.verify(provider.token("two"))
    assert provider.asked == 5
    strange = jwt.encode({"sub": "x"}, provider.keys["one"], "RS256", headers={"kid": "nobody's"})
    assert not any(patient.verify(strange) for _ in range(5))
    assert provider.asked <= 6


def test_no_token_is_let_in_while_the_provider_is_away(
    quick_handbook: Path, tmp_path: Path, provider: Provider
) -> None:
    token = provider.token()
    provider.close()
    settings = {"oidc_issuer": provider.issuer, "oidc_audience": "warrant"}
    with serving(app_over(quick_handbook, tmp_path, QUICK, **settings)) as url:
        reply = httpx.get(f"{url}/conversations", headers=bearer(token), timeout=60)
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "provider_unavailable")


def test_a_provider_needs_an_audience() -> None:
    with pytest.raises(SettingsInvalid, match="WARRANT_OIDC_AUDIENCE"):
        Authenticator(ServerSettings(oidc_issuer="http://127.0.0.1:1"))


# Trusted proxies


def test_nobody_names_itself_a_trusted_proxy(quick_handbook: Path, tmp_path: Path) -> None:
    headers = {"x-forwarded-user": "ann", "x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3"}
    for proxies, status in ((["10.0.0.0/8"], 401), (["127.0.0.0/8"], 200)):
        with serving(app_over(quick_handbook, tmp_path, QUICK, proxies=proxies)) as url:
            assert httpx.get(f"{url}/conversations", headers=headers, timeout=60).status_code == status


def test_a_key_that_comes_over_https_is_kept_in_a_secure_cookie(quick_handbook: Path, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann")
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys)) as url:
        for headers, secure in (({"x-forwarded-proto": "https"}, True), ({}, False)):
            reply = httpx.post(f"{url}/signin", json={"key": "key-of-ann"}, headers=headers, timeout=60)
            assert ("; secure" in reply.headers["set-cookie"].lower()) == secure


def test_only_a_trusted_proxy_s_headers_name_a_caller() -> None:
    settings = ServerSettings(host="0.0.0.0", proxies=["10.0.0.0/8"])
    headers = {"x-forwarded-user": "ann@example.com", "x-forwarded-groups": "hr, emea"}
    assert caller_of(settings, headers, "10.1.2.3") == Caller(name="proxy:ann@example.com", groups=["hr", "emea"])
    for peer in ("11.0.0.1", "", "::1", "not an address"):
        assert caller_of(settings, headers, peer) is None
    assert caller_of(settings, {**headers, "x-forwarded-user": "a b"}, "10.1.2.3") is None
    assert caller_of(settings, {}, "10.1.2.3") is None


# Databricks Apps


def test_only_a_databricks_app_believes_the_platform_s_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-forwarded-email": "ann@example.com", "x-forwarded-groups": "hr"}
    assert caller_of(ServerSettings(host="0.0.0.0", proxies=["10.0.0.0/8"]), headers, "10.1.2.3") is None
    monkeypatch.delenv("DATABRICKS_APP_PORT", raising=False)
    with pytest.raises(SettingsInvalid, match="DATABRICKS_APP_PORT"):
        load_server_settings(databricks_app=True)
    monkeypatch.setenv("DATABRICKS_APP_PORT", "8000")
    monkeypatch.setenv("DATABRICKS_HOST", "http://127.0.0.1:1")
    settings = load_server_settings(databricks_app=True)
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)
    assert caller_of(settings, headers) == Caller(name="databricks:ann@example.com")
    assert caller_of(settings, {"authorization": "Bearer key"}) is None
    with pytest.raises(ProviderUnavailable):
        caller_of(settings, {**headers, "x-forwarded-access-token": "token-of-ann"})


def test_the_workspace_says_in_which_groups_a_user_of_the_app_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with emulating(principals={"token-of-ann": "ann@example.com"}) as emulator:
        emulator.serving.groups = {"hr": {"ann@example.com"}, "ops": {"ann@example.com"}, "board": set()}
        monkeypatch.setenv("DATABRICKS_HOST", emulator.url)
        settings = ServerSettings(host="0.0.0.0", databricks_app=True, oidc_roles={"ops": Role.MLOPS_ENGINEER})
        roles = frozenset((Role.APP_TEAM, Role.MLOPS_ENGINEER))
        ann = Caller(name="databricks:ann@example.com", roles=roles, groups=["hr", "ops"])
        headers = {"x-forwarded-email": "bob@example.com", "x-forwarded-access-token": "token-of-ann"}
        assert caller_of(settings, headers) == ann
        assert caller_of(settings, {**headers, "x-forwarded-access-token": "unknown"}) is None
        authenticator = Authenticator(settings)
        asked = [asyncio.run(authenticator.authenticate(headers)) for _ in range(3)]
        assert asked == [ann] * 3
        assert [call.path.rpartition("/")[2] for call in emulator.calls] == ["Me"] * 3
        # On behalf of users, who sends no token is nobody; elsewhere the server keeps no token.
        assert authenticator.user_token(headers) == ""
        on_behalf = settings.model_copy(update={"on_behalf_of_user": True})
        assert Authenticator(on_behalf).user_token(headers) == "token-of-ann"
        assert caller_of(on_behalf, headers) == ann
        assert caller_of(on_behalf, {"x-forwarded-email": "bob@example.com"}) is None
        assert Authenticator(ServerSettings(on_behalf_of_user=True)).user_token(headers) == ""
    with pytest.raises(SettingsInvalid, match="for a Databricks App"):
        load_server_settings(on_behalf_of_user=True)
