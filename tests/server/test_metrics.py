"""What Prometheus reads: requests, questions, steps, caches, tokens, cost, breakers; also of several workers."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from metrics_under_test import Numbers
from server_under_test import app_over, scripted, serving, until, warrant_serve

from graph.errors import ModelFailed
from graph.models.breaker import breaker_of
from graph.release import Breaker, Release

LAPTOPS = "After how many years are laptops replaced?"
REPLY = "Laptops are replaced every 4 years [1]."
PATIENCE = 120.0
"""Seconds after which a machine that has other work is given up."""
MOST_ASKED = 500


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose model is slow when it is asked about telephones."""
    slow = {"when": "telephones", "reply": REPLY, "seconds_per_token": 1.0}
    return scripted(tmp_path_factory.mktemp("script"), slow, {"reply": REPLY})


@pytest.fixture(scope="module")
def counted(quick_handbook: Path, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose model costs a dollar for each token sent and two for each received."""
    prices = {release.models.simple.removeprefix("scripted:"): (1e6, 2e6)}
    state = tmp_path_factory.mktemp("counted")
    with (
        serving(app_over(quick_handbook, state, release, prices=prices)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def read(client: httpx.Client) -> Numbers:
    return Numbers(client.get("/metrics").raise_for_status().text)


def ask(client: httpx.Client, question: str) -> httpx.Response:
    return client.post("/rag/invoke", json={"input": {"question": question}})


def test_requests_are_counted_by_template_and_never_by_what_was_sent(counted: httpx.Client) -> None:
    before = read(counted)
    counted.get("/conversations/a-session-of-mine")
    counted.get("/no/such/path")
    counted.request("PROPFIND", "/healthz")
    after = read(counted)

    def more(**labels: str) -> float:
        return after.total("warrant_requests_total", **labels) - before.total("warrant_requests_total", **labels)

    assert more(api="page", method="GET", path="/conversations/{session_id}", status="404") == 1
    assert more(path="none", status="404") == 1
    assert more(method="other", status="405") == 1
    assert not {"/no/such/path", "/conversations/a-session-of-mine"} & set(after.values("path"))
    assert "PROPFIND" not in after.values("method")
    assert after.total("warrant_request_seconds_count", path="/conversations/{session_id}") >= 1


def test_a_question_is_counted_with_its_steps_tokens_and_cost(counted: httpx.Client, release: Release) -> None:
    before = read(counted)
    answer = ask(counted, LAPTOPS).raise_for_status().json()["output"]
    after = read(counted)

    def more(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    how = {"outcome": "answered", "route": "simple", "rung": "primary", "reason": "none"}
    assert more("warrant_questions_total", **how) == 1
    assert more("warrant_question_seconds_count", outcome="answered") == 1
    assert {step: more("warrant_step_seconds_count", step=step) for step in answer["timings"]} == dict.fromkeys(
        answer["timings"], 1
    )
    assert more("warrant_confidence_sum") == pytest.approx(answer["confidence"])
    assert more("warrant_overhead_seconds_count") == 1
    model, usage = release.models.simple, answer["usage"]
    assert more("warrant_tokens_total", model=model, direction="input") == usage["input_tokens"] > 0
    assert more("warrant_tokens_total", model=model, direction="output") == usage["output_tokens"] > 0
    dollars = usage["input_tokens"] + 2 * usage["output_tokens"]
    assert more("warrant_cost_dollars_total", model=model) == dollars


def test_the_same_question_again_is_a_hit_and_costs_nothing(counted: httpx.Client) -> None:
    question = "Every how many years are laptops replaced?"
    before = read(counted)
    ask(counted, question)
    once = read(counted)
    assert ask(counted, question).json()["output"]["cached"] == ["answer"]
    twice = read(counted)
    lookups = "warrant_cache_lookups_total"
    for cache, misses, hits in (("answer", 1, 1), ("retrieval", 1, 0), ("embedding", 1, 0)):
        labels = {"cache": cache}
        assert once.total(lookups, **labels, result="miss") - before.total(lookups, **labels, result="miss") == misses
        assert twice.total(lookups, **labels, result="hit") - once.total(lookups, **labels, result="hit") == hits
        assert twice.total(lookups, **labels, result="miss") == once.total(lookups, **labels, result="miss")
    assert twice.total("warrant_tokens_total") == once.total("warrant_tokens_total")
    assert twice.total("warrant_cost_dollars_total") == once.total("warrant_cost_dollars_total")


BOTH = {"question": "And then?", "session_id": "s", "history": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(("question", "code"), [({"question": ""}, "question_invalid"), (BOTH, "invalid")])
def test_a_refused_question_is_counted_under_its_code(counted: httpx.Client, question: object, code: str) -> None:
    labels = {"outcome": code, "route": "none", "rung": "none", "reason": "none"}
    before = read(counted).total("warrant_questions_total", **labels)
    assert counted.post("/rag/invoke", json={"input": question}).status_code == 422
    assert read(counted).total("warrant_questions_total", **labels) == before + 1


def test_a_question_whose_caller_left_was_cancelled_and_is_in_progress_no_more(counted: httpx.Client) -> None:
    before = read(counted)
    assert before.total("warrant_questions_in_progress") == 0
    body = {"input": {"question": "After how many years are telephones replaced?"}}
    with counted.stream("POST", "/rag/stream", json=body) as reply:
        lines = reply.iter_lines()
        assert any('"token"' in line for line in lines)
        assert read(counted).total("warrant_questions_in_progress") == 1
    until(lambda: read(counted).total("warrant_questions_in_progress") == 0)
    after = read(counted)
    cancelled = {"outcome": "cancelled"}
    assert (
        after.total("warrant_questions_total", **cancelled) == before.total("warrant_questions_total", **cancelled) + 1
    )


def test_claims_that_do_not_stand_are_counted_by_what_was_done(quick_handbook: Path, tmp_path: Path) -> None:
    release = scripted(tmp_path, {"reply": f"{REPLY} Telephones are replaced every 99 years [1]."})
    with serving(app_over(quick_handbook, tmp_path, release)) as url, httpx.Client(base_url=url, timeout=60) as client:
        before = read(client)
        repairs = ask(client, LAPTOPS).json()["output"]["repairs"]
        after = read(client)
    removed = "warrant_repairs_total", "removed"
    assert [each["action"] for each in repairs] == ["removed"]
    assert after.total(removed[0], action=removed[1]) - before.total(removed[0], action=removed[1]) == 1


def test_a_breaker_is_told_by_its_state(counted: httpx.Client) -> None:
    rules = Breaker(minimum=2, window=2, failures=0.5)
    breaker = breaker_of("an-endpoint-that-fails", "", rules)

    async def fail() -> None:
        with pytest.raises(ModelFailed):
            async with breaker.call():
                raise ModelFailed("error", "away")

    assert read(counted).total("warrant_breaker_state", name="an-endpoint-that-fails") == 0
    ready = counted.get("/readyz").json()["breakers"]["open"]
    for _ in range(2):
        asyncio.run(fail())
    assert read(counted).total("warrant_breaker_state", name="an-endpoint-that-fails") == 2
    assert counted.get("/readyz").json()["breakers"]["open"] == ready + 1


def test_what_is_served_is_told(counted: httpx.Client) -> None:
    ready = counted.get("/readyz").json()
    labels = {"release": ready["release"], "snapshot": ready["snapshot"]}
    assert read(counted).total("warrant_release_info", **labels) == 1


def counting(folder: Path) -> set[int]:
    """The processes that have counted a question; each has its file from its start."""
    files = [path for path in folder.glob("counter_*.db") if b"warrant_questions_total" in path.read_bytes()]
    return {int(path.stem.rpartition("_")[2]) for path in files}


def ask_until_two_have_counted(url: str, folder: Path) -> tuple[int, set[int]]:
    """How often was asked, and the processes."""
    questions = 0
    while len(workers := counting(folder)) < 2:
        assert questions < MOST_ASKED, "one worker answers everything"
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            ask(client, LAPTOPS).raise_for_status()
        questions += 1
    return questions, workers


def wait_until_forgotten(url: str, folder: Path, process: int) -> None:
    """Ask for the metrics until a process that has ended is in no gauge."""

    def forgotten() -> bool:
        httpx.get(f"{url}/metrics", timeout=PATIENCE).raise_for_status()
        return not list(folder.glob(f"gauge_live*_{process}.db"))

    until(forgotten, PATIENCE)


@pytest.mark.slow
def test_workers_count_together_and_one_that_was_killed_is_not_in_progress(
    quick_handbook: Path, tmp_path: Path
) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    options = ("-i", quick_handbook, "-r", release, "--workers", "2")
    left = tmp_path / "metrics-0" / "counter_1.db"
    left.parent.mkdir()
    left.write_bytes(b"of the run before")
    with warrant_serve(*options, WARRANT_STATE=str(tmp_path)) as (url, process):
        questions, workers = ask_until_two_have_counted(url, left.parent)
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            assert {read(client).total("warrant_questions_total") for _ in range(6)} == {questions}
        assert not left.exists()
        killed = min(workers)
        os.kill(killed, signal.SIGKILL)
        wait_until_forgotten(url, left.parent, killed)
        assert Numbers(httpx.get(f"{url}/metrics", timeout=PATIENCE).text).total("warrant_questions_total") == questions
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    assert not list(left.parent.glob("gauge_live*.db"))
