"""Who orders the candidates, and what happens when who should is not to be had."""

import asyncio
import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr
from support import QUICK, http_server, passage_of

from graph.backend import Ranked
from graph.connect import connect
from graph.errors import ModelFailed, SettingsInvalid
from graph.models.breaker import EndpointBreaker
from graph.models.rerank_endpoint import EndpointReranker
from graph.models.rerankers import SEARCH_SCORE_WEIGHT, EmbeddedReranker, RemoteReranker, open_reranker
from graph.release import Breaker, Release, Reranking
from graph.settings import Settings
from graph.state import Passage

QUESTION = "How long is the warranty of the storage battery?"


def passage(text: str, title: str = "", section: str = "", score: float = 0.0) -> Passage:
    return passage_of(text, id=text, document=text, title=title, section=section, score=score)


RIGHT = passage("The warranty of the storage battery is ten years long.")
WRONG = passage("The canteen opens at noon.", "Canteen", "Hours")


class Far(EndpointReranker):
    """An endpoint that scores by place, fails, or is slow, and counts its calls."""

    def __init__(self, failure: ModelFailed | None = None, seconds: float = 0.0) -> None:
        super().__init__("far", "http://127.0.0.1:9")
        self.name = "far"
        self.failure, self.seconds = failure, seconds
        self.asked: list[tuple[str, list[str]]] = []

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((question, list(texts)))
        await asyncio.sleep(self.seconds)
        if self.failure:
            raise self.failure
        return [float(number) for number in range(len(texts))]


def rank(far: Far, times: int = 1, seconds: float = 5.0) -> list[Ranked]:
    breaker = EndpointBreaker("far", Breaker(minimum=2, window=2))
    reranker = RemoteReranker(far, EmbeddedReranker(lambda term: 1.0), breaker)

    async def ask() -> list[Ranked]:
        return [await reranker.rank([QUESTION], [RIGHT, WRONG], seconds) for _ in range(times)]

    return asyncio.run(ask())


def embedded() -> list[float]:
    return asyncio.run(EmbeddedReranker(lambda term: 1.0).rank([QUESTION], [RIGHT, WRONG], 1.0)).scores


def test_the_embedded_reranker_puts_the_passage_that_answers_above_one_that_does_not() -> None:
    right, wrong = embedded()
    assert right > wrong


def test_the_readings_of_a_turn_and_what_its_searches_found_it_by_count_together() -> None:
    found = [passage("The seal is changed yearly.", score=0.25), passage("The tyre is changed yearly.", score=1.0)]
    reranker, readings = EmbeddedReranker(lambda term: 1.0), ["How often is it changed?", "How often is it? (seal)"]

    async def scores(asked: list[str]) -> list[float]:
        return (await reranker.rank(asked, found, 1.0)).scores

    first, second, both = (asyncio.run(scores(asked)) for asked in (readings[:1], readings[1:], readings))
    assert second[0] - second[1] > first[0] - first[1]
    assert both == pytest.approx(
        [(a + b) / 2 + SEARCH_SCORE_WEIGHT * each["score"] for a, b, each in zip(first, second, found, strict=True)]
    )


def test_a_remote_model_is_asked_the_reading_that_stands_alone_once() -> None:
    far = Far()
    reranker = RemoteReranker(far, EmbeddedReranker(lambda term: 1.0), EndpointBreaker("far", Breaker()))
    asyncio.run(reranker.rank([f"{QUESTION} (pump)", QUESTION], [RIGHT, WRONG], 5.0))
    assert [question for question, _ in far.asked] == [f"{QUESTION} (pump)"]


def test_the_embedded_reranker_can_be_given_nothing() -> None:
    assert asyncio.run(EmbeddedReranker(lambda term: 1.0).rank([QUESTION], [], 1.0)) == Ranked([])


def test_a_remote_reranker_is_asked_with_title_and_section_and_believed() -> None:
    far = Far()
    assert rank(far) == [Ranked([0.0, 1.0])]
    assert far.asked == [(QUESTION, [RIGHT["text"], f"Canteen Hours\n{WRONG['text']}"])]


def test_the_embedded_one_takes_over_from_a_remote_one_that_fails_and_says_so() -> None:
    [found] = rank(Far(ModelFailed("error", "far: 503", transient=True)))
    assert found == Ranked(embedded(), "the reranker could not be asked: far: 503")


def test_the_embedded_one_takes_over_from_a_remote_one_that_is_late() -> None:
    [found] = rank(Far(seconds=30.0), seconds=0.02)
    assert found == Ranked(embedded(), "the reranker could not be asked: far did not answer in 0.02 s.")


def test_a_remote_one_that_keeps_failing_is_left_alone() -> None:
    far = Far(ModelFailed("error", "far: 503", transient=True))
    found = rank(far, times=4)
    assert len(far.asked) == 2
    assert "left alone" in found[-1].trouble
    assert found[-1].scores == embedded()


def opened(model: str, **settings: Any) -> Any:
    return open_reranker(Settings(**settings), Release(reranking=Reranking(model=model)), None)


def test_the_reranker_that_a_release_names_is_opened() -> None:
    assert isinstance(open_reranker(Settings(), Release(), None), EmbeddedReranker)
    assert opened("none") is None
    assert isinstance(opened("remote:m", rerank_url="http://127.0.0.1:9"), RemoteReranker)


def test_a_remote_one_without_an_address_is_refused_with_the_variable_to_set() -> None:
    with pytest.raises(SettingsInvalid, match="names the reranker remote:m, and WARRANT_RERANK_URL is not set"):
        opened("remote:m")


def test_a_backend_is_opened_with_its_reranker(quick_handbook: Path) -> None:
    settings = Settings(index=quick_handbook, threads=1)
    assert isinstance(asyncio.run(connect(settings, QUICK)).reranker, EmbeddedReranker)
    with pytest.raises(SettingsInvalid, match="WARRANT_RERANK_URL"):
        asyncio.run(connect(settings, QUICK.model_copy(update={"reranking": Reranking(model="remote:m")})))


class Tei(BaseHTTPRequestHandler):
    """An endpoint in TEI's form that remembers what it was sent."""

    seen: ClassVar[list[tuple[str, str | None, list[str]]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, self.headers["authorization"], sorted(body)))
        content = json.dumps([{"index": n, "score": n / 10} for n in range(len(body["texts"]))]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_remote_one_is_asked_at_the_settings_address_with_their_key_and_in_their_form() -> None:
    with http_server(Tei) as url:
        reranker = opened("remote:m", rerank_url=f"{url}/v1", rerank_key=SecretStr("sk-1"), rerank_form="tei")
        assert asyncio.run(reranker.rank([QUESTION], [RIGHT, WRONG], 10.0)) == Ranked([0.0, 0.1])
        assert Tei.seen == [("/v1/rerank", "Bearer sk-1", ["query", "raw_scores", "texts", "truncate"])]
