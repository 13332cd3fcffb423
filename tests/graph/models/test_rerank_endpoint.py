"""The client of /rerank against a loopback endpoint, in each form that servers speak."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from graph.errors import ModelFailed
from graph.models.rerank_endpoint import EndpointReranker

TEXTS = ["aa", "a", "aaa"]
KEY = "sk-0123456789"


class Endpoint(BaseHTTPRequestHandler):
    """Scores a text by its length; the path's first part says how it behaves."""

    seen: ClassVar[list[tuple[str, dict[str, Any], str | None]]] = []
    closing: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, body, self.headers["authorization"]))
        getattr(self, self.path.split("/")[1])(body.get("documents") or body.get("texts"))

    def cohere(self, texts: list[str]) -> None:
        ranked = sorted(enumerate(texts), key=lambda pair: -len(pair[1]))
        self.say({"id": "1", "results": [{"index": n, "relevance_score": float(len(text))} for n, text in ranked]})

    def jina(self, texts: list[str]) -> None:
        results = [{"index": n, "relevance_score": len(t), "document": {"text": t}} for n, t in enumerate(texts)]
        self.say({"model": "m", "object": "list", "usage": {"total_tokens": 9}, "results": results[::-1]})

    def tei(self, texts: list[str]) -> None:
        self.say([{"index": n, "score": float(len(text))} for n, text in enumerate(texts)][::-1])

    def few(self, texts: list[str]) -> None:
        self.say({"results": [{"index": 0, "relevance_score": 1.0}]})

    def many(self, texts: list[str]) -> None:
        self.say({"results": [{"index": n, "relevance_score": 1.0} for n in range(len(texts) + 1)]})

    def twice(self, texts: list[str]) -> None:
        self.say({"results": [{"index": 0, "relevance_score": 1.0}] * 3})

    def nothing(self, texts: list[str]) -> None:
        self.say({"results": [{"index": n, "relevance_score": None} for n in range(len(texts))]})

    def other(self, texts: list[str]) -> None:
        self.say({"message": "hello"})

    def html(self, texts: list[str]) -> None:
        self.say("<html>", raw=True)

    def busy(self, texts: list[str]) -> None:
        self.say({"error": "busy"}, status=429)

    def broken(self, texts: list[str]) -> None:
        self.say({"error": "down"}, status=503)

    def no_key(self, texts: list[str]) -> None:
        self.say({"error": "who are you"}, status=401)

    def large(self, texts: list[str]) -> None:
        self.say({"error": "too much"}, status=413)

    def hang(self, texts: list[str]) -> None:
        self.closing.wait(60)

    def trickle(self, texts: list[str]) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.closing.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def say(self, value: Any, status: int = 200, raw: bool = False) -> None:
        content = value.encode() if raw else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.send_header("retry-after", "7")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    Endpoint.closing.set()
    server.shutdown()
    server.server_close()


def scores(url: str, way: str, texts: list[str] = TEXTS, **options: Any) -> list[float]:
    reranker = EndpointReranker("m", f"{url}/{way}/v1/", SecretStr(KEY), **{"timeout": 5.0, **options})
    return asyncio.run(reranker.scores("how long?", texts))


def failure(url: str, way: str, **options: Any) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        scores(url, way, **options)
    return caught.value


@pytest.mark.parametrize("way", ["cohere", "jina", "tei"])
def test_scores_come_in_the_order_of_the_texts(url: str, way: str) -> None:
    assert scores(url, way) == [2.0, 1.0, 3.0]


def test_the_common_form_is_asked_with_the_model_the_key_and_every_text_wanted_back(url: str) -> None:
    scores(url, "cohere")
    assert Endpoint.seen[-1] == (
        "/cohere/v1/rerank",
        {"model": "m", "query": "how long?", "documents": TEXTS, "top_n": 3},
        f"Bearer {KEY}",
    )


def test_teis_form_is_asked_in_batches_that_it_takes(url: str) -> None:
    texts = ["a" * length for length in range(1, 41)]
    assert scores(url, "tei", texts, form="tei") == [float(len(text)) for text in texts]
    first, second = (body for _, body, _ in Endpoint.seen[-2:])
    assert (len(first["texts"]), len(second["texts"])) == (32, 8)
    assert first == {"query": "how long?", "texts": texts[:32], "raw_scores": False, "truncate": True}


def test_no_texts_are_not_sent(url: str) -> None:
    before = len(Endpoint.seen)
    assert (scores(url, "cohere", []), len(Endpoint.seen)) == ([], before)


@pytest.mark.parametrize(
    ("way", "reason", "transient", "retry_after"),
    [
        ("few", "error", True, None),
        ("many", "error", True, None),
        ("twice", "error", True, None),
        ("nothing", "error", True, None),
        ("other", "error", True, None),
        ("html", "error", True, None),
        ("busy", "error", True, 7.0),
        ("broken", "error", True, 7.0),
        ("no_key", "error", False, None),
        ("large", "context_window", False, None),
    ],
)
def test_each_failure_has_its_reason(
    url: str, way: str, reason: str, transient: bool, retry_after: float | None
) -> None:
    failed = failure(url, way)
    assert (failed.reason, failed.transient, failed.retry_after) == (reason, transient, retry_after)
    assert KEY not in failed.detail


@pytest.mark.parametrize("way", ["hang", "trickle"])
def test_an_endpoint_that_does_not_end_its_reply_times_out(url: str, way: str) -> None:
    failed = failure(url, way, timeout=0.3)
    assert (failed.reason, failed.transient) == ("timeout", True)


def test_an_endpoint_that_is_not_there_is_a_passing_error() -> None:
    failed = failure("http://127.0.0.1:9", "cohere")
    assert (failed.reason, failed.transient) == ("error", True)
