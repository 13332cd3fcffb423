"""Chat models and embeddings of Databricks by the real clients over an emulated workspace."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from databricks_emulator import Emulator
from databricks_under_test import settings, sign_in, signed_in
from support import passage_of

from graph.agent import Agent, open_agent
from graph.backend import Brief, Writer
from graph.errors import ModelFailed, RetrievalUnavailable, SettingsInvalid
from graph.models.databricks import act_for, workspace
from graph.models.endpoint_embedding import EndpointEmbedder, open_embedder
from graph.models.writers import open_writers
from graph.release import Breaker, Generation, Models, Release, Terms
from graph.settings import Settings
from graph.state import Question, no_usage

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CHAT, BACKUP = "databricks-claude-sonnet-4", "databricks-meta-llama-3-3-70b-instruct"
EMBEDDING = "databricks-gte-large-en"
COMPLETIONS = "/serving-endpoints/chat/completions"
HALF = (
    'data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, '
    '"delta": {"role": "assistant", "content": "The quota for pumps"}, "finish_reason": null}]}\n\n'
)
"""A stream that ends before the reply does."""
PASSAGE = passage_of("The quota for pumps is forty a day.\n\nLunch is at noon.")


@pytest.fixture(scope="module")
def home() -> Iterator[Emulator]:
    with signed_in() as emulator:
        yield emulator


@pytest.fixture
def emulator(home: Emulator) -> Iterator[Emulator]:
    home.calls.clear()
    yield home
    home.faults.clear()


def writer(**generation: Any) -> Writer:
    name = f"databricks:{CHAT}"
    release = Release(models=Models(simple=name), generation=Generation(**{"timeout": 5, **generation}))
    return open_writers(Settings(_env_file=None), release)[name]


def write(asked: Writer, terms: Terms | None = None) -> tuple[str, Any]:
    usage = no_usage()

    async def run() -> str:
        brief = Brief("What is the quota for pumps?", [PASSAGE], [], terms or Terms())
        return "".join([piece async for piece in asked.write(brief, usage)])

    return asyncio.run(run()), usage


def as_user(token: str, ask: Callable[[], Any]) -> Any:
    """What comes of asking on behalf of a user."""
    context = copy_context()
    context.run(act_for, token)
    return context.run(ask)


def test_each_user_asks_models_with_a_token_of_their_own(emulator: Emulator) -> None:
    emulator.principals.update({"token-of-ann": "ann@example.com", "token-of-bob": "bob@example.com"})
    asked, embedder = writer(), open_embedder(f"databricks:{EMBEDDING}")
    emulator.calls.clear()
    chat = emulator.models.endpoints[CHAT]
    chat.allowed = {"ann@example.com"}
    try:
        assert "forty" in as_user("token-of-ann", lambda: write(asked))[0]
        as_user("token-of-ann", lambda: embedder.embed_question("pumps"))
        as_user("token-of-ann", lambda: embedder.embed([f"text {number}" for number in range(40)]))
        assert {call.principal for call in emulator.calls} == {"ann@example.com"}
        failure = as_user("token-of-bob", lambda: failed(asked))
        assert "token-of-bob" not in str(failure)
        # That she may not ask says nothing of the endpoint to the others; that nobody may, does.
        assert [failure.counts, failed(asked).counts] == [False, True]
    finally:
        chat.allowed = None


def failed(asked: Writer) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        write(asked)
    return caught.value


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_chat_endpoint_writes_what_the_passages_say(emulator: Emulator, form: Any) -> None:
    text, usage = write(writer(), Terms(format=form))
    assert text == "The quota for pumps is forty a day. [1]"
    assert (usage["calls"], usage["output_tokens"] > 5, usage["input_tokens"] > 20) == (1, True, True)
    (call,) = [call for call in emulator.calls if call.path == COMPLETIONS]
    assert call.body["model"] == CHAT
    assert call.body["stream"] is True


def test_it_works_in_one_event_loop_after_another(emulator: Emulator) -> None:
    asked = writer()
    assert write(asked)[0] == write(asked)[0] == "The quota for pumps is forty a day. [1]"


@pytest.mark.parametrize(
    ("fault", "reason", "transient"),
    [
        ({"status": 429, "retry_after": 2}, "error", True),
        ({"status": 503}, "error", True),
        ({"status": 500}, "error", True),
        ({"status": 403}, "error", False),
        ({"hang": True}, "timeout", True),
        ({"cut": 3}, "error", True),
        ({"body": "data: {oops\n\n"}, "error", True),
        ({"body": ""}, "error", True),
        ({"body": HALF}, "error", True),
    ],
)
def test_a_failure_is_tried_once_and_told_without_the_workspace(
    emulator: Emulator, fault: dict[str, Any], reason: str, transient: bool
) -> None:
    emulator.fault(COMPLETIONS, **fault)
    began = time.monotonic()
    failure = failed(writer(timeout=1))
    assert (failure.reason, failure.transient) == (reason, transient)
    assert failure.retry_after == fault.get("retry_after")
    assert sum(call.path == COMPLETIONS for call in emulator.calls) == 1
    assert "127.0.0.1" not in failure.detail
    assert "dapi" not in failure.detail
    assert time.monotonic() - began < 4


def test_the_endpoints_own_limits_are_understood(emulator: Emulator) -> None:
    endpoint = emulator.models.endpoints[CHAT]
    try:
        endpoint.per_minute = len(endpoint.calls["user@example.com"])
        limited = failed(writer())
        assert limited.transient
        assert 0 < (limited.retry_after or 0) <= 61
        endpoint.per_minute, endpoint.context = None, 5
        assert failed(writer()).reason == "context_window"
        endpoint.context, endpoint.allowed = 8192, {"somebody@example.com"}
        assert "permission" in failed(writer()).detail
    finally:
        endpoint.per_minute, endpoint.context, endpoint.allowed = None, 8192, None


def test_a_service_principal_asks(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch, emulator.machine_environment)
    assert write(writer())[0].startswith("The quota")
    assert next(call.principal for call in emulator.calls if call.path == COMPLETIONS) == "client-of-the-emulator"
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", "a-wrong-secret")
    workspace.cache_clear()
    failure = failed(writer())
    assert "invalid_client" in failure.detail
    assert "127.0.0.1" not in failure.detail
    workspace.cache_clear()


def test_a_token_endpoint_that_hangs_does_not_stop_the_event_loop(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, emulator.machine_environment)
    asked = writer()
    emulator.fault("/oidc/v1/token", hang=True)

    async def run() -> float:
        brief = Brief("What is the quota?", [PASSAGE], [], Terms())

        async def first() -> str:
            return await anext(aiter(asked.write(brief, no_usage())))

        asking = asyncio.create_task(first())
        began = time.monotonic()
        await asyncio.sleep(0.5)
        asking.cancel()
        return time.monotonic() - began

    assert asyncio.run(run()) < 2
    workspace.cache_clear()


def test_nobody_to_sign_in_as_is_a_setting(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch, {"DATABRICKS_CONFIG_FILE": "/nonexistent", "DATABRICKS_HOST": emulator.url})
    with pytest.raises(SettingsInvalid, match="DATABRICKS_TOKEN") as caught:
        writer()
    assert "127.0.0.1" not in str(caught.value)
    workspace.cache_clear()


# Embeddings


def embedder() -> EndpointEmbedder:
    return open_embedder(f"databricks:{EMBEDDING}")


def test_an_embedding_endpoint_embeds(emulator: Emulator) -> None:
    opened = embedder()
    vectors = opened.embed([f"text {number}" for number in range(70)])
    assert vectors.shape == (70, opened.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert opened.embed_question("text 3").whole @ vectors[3] == pytest.approx(1)


@pytest.mark.parametrize("fault", [{"status": 503, "retry_after": 100}, {"status": 403}, {"body": "{}"}])
def test_a_question_is_embedded_again_at_once_and_then_no_more(emulator: Emulator, fault: dict[str, Any]) -> None:
    opened = embedder()
    emulator.calls.clear()
    emulator.fault("*/embeddings", **fault)
    began = time.monotonic()
    with pytest.raises(RetrievalUnavailable) as caught:
        opened.embed_question("anything")
    assert time.monotonic() - began < 3
    assert len(emulator.calls) <= 2
    assert "127.0.0.1" not in str(caught.value)


# The ladder

QUESTIONS = 20


def agent(store: Path, share: float, emulator: Emulator) -> Agent:
    release = Release(
        embedding="wordllama-256",
        models=Models(simple=f"databricks:{CHAT}", complex=f"databricks:{CHAT}", backup=f"databricks:{BACKUP}"),
        generation=Generation(deadline=10, timeout=3, backoff=0.05),
        breaker=Breaker(failures=1.0, minimum=1000, window=1000),
    )
    emulator.fault(COMPLETIONS, status=503, share=share)
    return asyncio.run(open_agent(settings(store, backend="local"), release))


def rungs(asked: Agent) -> Counter[str]:
    """How often each rung answered one question, for which nothing is cached."""

    async def run() -> Counter[str]:
        found: Counter[str] = Counter()
        for _ in range(QUESTIONS):
            answer = (await asked.graph.ainvoke(Question(question="How long may updates be postponed?")))["answer"]
            found[answer["rung"] if answer["status"] != "declined" else "decline"] += 1
        return found

    return asyncio.run(run())


def test_the_ladder_answers_every_question_when_a_third_of_the_calls_fail(
    emulator: Emulator, quick_handbook: Path
) -> None:
    found = rungs(agent(quick_handbook, 0.3, emulator))
    assert found["primary"] >= QUESTIONS / 2
    assert found["retry"] >= 1
    assert sum(found[rung] for rung in ("primary", "retry", "backup", "extractive")) == QUESTIONS


def test_the_ladder_quotes_when_every_call_fails(emulator: Emulator, quick_handbook: Path) -> None:
    assert rungs(agent(quick_handbook, 1.0, emulator)) == {"extractive": QUESTIONS}
    asked = Counter(call.body["model"] for call in emulator.calls if call.path == COMPLETIONS)
    assert asked == {CHAT: 2 * QUESTIONS, BACKUP: QUESTIONS}
