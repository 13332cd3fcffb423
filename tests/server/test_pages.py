"""The pages over plain HTTP: what they may load, and signing in."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK, ROOT

STATIC = ROOT / "server" / "static"
PAGES = ("/", "/docs")
SAME = ("referrer-policy", "cache-control", "x-content-type-options")


@pytest.fixture(scope="module")
def locked(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    state = tmp_path_factory.mktemp("pages")
    keys = key_file(state / "keys.yaml", ann="key of ann; with=signs")
    with serving(app_over(quick_handbook, state, QUICK, keys=keys)) as url:
        yield url


@pytest.mark.parametrize("page", PAGES)
def test_a_page_may_load_only_what_is_ours(server: str, page: str) -> None:
    reply = httpx.get(f"{server}{page}", timeout=60)
    policy = reply.headers["content-security-policy"]
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize("page", PAGES)
def test_everything_that_a_page_names_is_there(server: str, page: str) -> None:
    named = re.findall(r'(?:src|href)="([^"#]+)"', httpx.get(f"{server}{page}", timeout=60).text)
    assert len(named) >= 3
    assert all(each.startswith("/") and not each.startswith("//") for each in named)
    assert {httpx.get(f"{server}{each}", timeout=60).status_code for each in named} == {200}


def test_the_scripts_never_make_html_of_text() -> None:
    risky = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(")
    scripts = {script.name: script.read_text("utf-8") for script in STATIC.glob("*.js")}
    assert {"page.js", "answer.js", "stream.js"} <= set(scripts)
    assert not [name for name, text in scripts.items() if risky.search(text)]


def test_the_page_is_told_the_columns_to_filter_by(server: str) -> None:
    about = httpx.get(f"{server}/page/about", timeout=60).json()
    assert about["release"] == QUICK.label
    assert about["columns"]["effective_date"] == "date"


def test_who_signs_in_is_known_without_a_header_from_then_on(locked: str) -> None:
    with httpx.Client(base_url=locked, timeout=60) as client:
        assert client.get("/page/about").status_code == client.get("/docs").status_code == 401
        reply = client.post("/signin", json={"key": "key of ann; with=signs"})
        assert reply.status_code == 204
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/page/about").status_code == client.get("/rag/playground/").status_code == 200
        assert client.post("/signout", json={}).status_code == 204
        assert client.get("/page/about").status_code == 401


def test_a_wrong_key_signs_nobody_in(locked: str) -> None:
    reply = httpx.post(f"{locked}/signin", timeout=60, json={"key": "wrong"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthenticated")
    assert "set-cookie" not in reply.headers


def test_the_page_itself_is_shown_to_everybody_so_that_one_can_sign_in(locked: str) -> None:
    assert (
        httpx.get(f"{locked}/", timeout=60).status_code
        == httpx.get(f"{locked}/static/page.js", timeout=60).status_code
        == 200
    )
    assert httpx.get(f"{locked}/static/../settings.py", timeout=60).status_code in (401, 404)
    assert httpx.get(f"{locked}/static/%2e%2e/settings.py", timeout=60).status_code in (401, 404)


@pytest.mark.parametrize("key", ["", "\u0000", "ключ", "a\r\nset-cookie: b=c", "x" * 600])
def test_what_can_be_no_key_is_refused(locked: str, key: str) -> None:
    assert httpx.post(f"{locked}/signin", timeout=60, json={"key": key}).status_code == 422


def test_there_is_nothing_to_sign_in_to_without_keys(server: str) -> None:
    reply = httpx.post(f"{server}/signin", timeout=60, json={"key": "any"})
    assert (reply.status_code, "set-cookie" in reply.headers) == (404, False)


@pytest.mark.parametrize("target", ["", "/staging"])
def test_the_playground_has_the_headers_of_a_page_and_only_its_own_script(server: str, target: str) -> None:
    page = httpx.get(f"{server}{target}/rag/playground/", timeout=60)
    ours = httpx.get(f"{server}/", timeout=60).headers
    loaded = re.findall(r'(?:src|href)="(/[^"]+/assets/[^"]+)"', page.text)
    assert len(loaded) == 2
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    [digest] = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    script_policy = re.search(r"script-src ([^;]*)", page.headers["content-security-policy"])
    assert script_policy
    assert script_policy.group(1).split() == ["'self'", f"'sha256-{digest}'", "'unsafe-eval'"]
    twin = httpx.get(f"{server}{target}/rag/c/N4XyA/playground/", timeout=60)
    for reply in (page, twin, *(httpx.get(f"{server}{each}", timeout=60) for each in loaded)):
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert {name: reply.headers[name] for name in SAME} == {name: ours[name] for name in SAME}
