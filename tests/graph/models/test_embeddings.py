"""Embeddings by endpoint and in a folder of one's own: indexed with, asked with, and what happens when they fail."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from support import http_server, run_index

from graph.agent import open_agent
from graph.errors import ExtraMissing, ReleaseInvalid, RetrievalUnavailable
from graph.index.manifest import read_manifest
from graph.index.store import locate
from graph.models.embedding import TextWithSpans
from graph.models.endpoint_embedding import EndpointEmbedder, open_embedder
from graph.models.model_files import file_of
from graph.models.onnx import MINILM
from graph.models.packaged_embeddings import load_embedder, token_counter
from graph.release import Release
from graph.settings import Settings

NAME = "openai:text-embedding-3-small"
WIDTH = 64


def vector(text: str) -> list[float]:
    """A bag of words, by their digests; nothing in common gives a cosine of 0."""
    found = np.zeros(WIDTH)
    for word in text.lower().split():
        found[crc32(word.strip(".?,!:").encode()) % WIDTH] += 3.0
    return [*map(float, found)]


@dataclass
class Endpoint:
    """Embeds texts, or refuses as many calls as `statuses` says, each with its status."""

    statuses: list[int] = field(default_factory=list)
    raw: Any = None
    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            endpoint.asked.append((self.path, texts))
            endpoint.keys.append(str(self.headers.get("authorization")))
            status = endpoint.statuses.pop(0) if endpoint.statuses else 200
            rows = [{"index": number, "embedding": vector(text)} for number, text in enumerate(texts)]
            good = {"object": "list", "data": rows, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
            reply = endpoint.raw if endpoint.raw is not None else good
            content = json.dumps(reply if status == 200 else {"error": {"message": "no"}}).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with http_server(Handler) as url:
        yield f"{url}/v1"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    found = Endpoint()
    with serving(found) as url:
        monkeypatch.setenv("WARRANT_EMBEDDING_URL", url)
        monkeypatch.setenv("WARRANT_EMBEDDING_KEY", "sk-own")
        yield found


def documents(folder: Path) -> Path:
    (folder / "docs").mkdir()
    (folder / "docs" / "seals.md").write_text(
        "# Seals\n\nThe seal of the pump is changed every two years. Call Utrecht."
    )
    (folder / "docs" / "cars.md").write_text("# Cars\n\nThe garage has forty places. Electric cars charge in it.")
    return folder / "docs"


def ask(store: Path, release: Release) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        agent = await open_agent(Settings(index=store), release)
        return dict((await agent.graph.ainvoke({"question": "How often is the seal of the pump changed?"}))["answer"])

    return asyncio.run(run())


def test_vectors_have_unit_length_and_units_have_their_own(endpoint: Endpoint) -> None:
    embedder = open_embedder(NAME)
    assert (embedder.dimensions, embedder.unrelated < 0.3) == (WIDTH, True)
    texts = [f"Sentence number {number} of many." for number in range(70)]
    vectors = embedder.embed(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[69], embedder.embed([texts[69]])[0])
    assert sorted(len(texts) for _, texts in endpoint.asked[1:4]) == [6, 32, 32]
    [marks] = embedder.embed_with_spans([TextWithSpans("A seal. A car.", [(0, 7), (8, 14)])])
    assert marks.spans.shape == (2, WIDTH)
    assert marks.spans[0] @ marks.spans[1].astype(int) < marks.spans[0] @ marks.spans[0].astype(int)
    assert embedder.embed([]).shape == (0, WIDTH)
    assert set(endpoint.keys) == {"Bearer sk-own"}


def test_documents_are_indexed_and_asked_by_an_endpoint(endpoint: Endpoint, tmp_path: Path) -> None:
    release = Release(embedding=NAME)
    run_index(documents(tmp_path), tmp_path / "store", release)
    manifest = read_manifest(locate(tmp_path / "store"))
    assert (manifest.embedding, manifest.dimensions) == (NAME, WIDTH)
    answer = ask(tmp_path / "store", release)
    assert answer["status"] == "answered"
    assert "every two years" in answer["text"]
    assert ("/v1/embeddings", ["How often is the seal of the pump changed?"]) in endpoint.asked


def test_what_may_pass_is_tried_again_while_documents_are_indexed(endpoint: Endpoint) -> None:
    embedder = EndpointEmbedder(NAME, open_embedder(NAME)._client, pauses=(0.0, 0.0))
    endpoint.statuses = [503, 429]
    assert embedder.embed(["a"]).shape == (1, WIDTH)
    endpoint.statuses = [503, 503, 503]
    with pytest.raises(RetrievalUnavailable, match=r"embedding does not answer: openai:text-.* InternalServerError"):
        embedder.embed(["a"])


def test_a_key_that_is_refused_is_not_tried_again(endpoint: Endpoint) -> None:
    embedder = open_embedder(NAME)
    endpoint.statuses, before = [401], len(endpoint.asked)
    with pytest.raises(RetrievalUnavailable, match="AuthenticationError"):
        embedder.embed(["a"])
    assert len(endpoint.asked) == before + 1


def test_a_question_is_refused_when_the_endpoint_does_not_answer(endpoint: Endpoint, tmp_path: Path) -> None:
    release = Release(embedding=NAME)
    run_index(documents(tmp_path), tmp_path / "store", release)

    async def run() -> None:
        agent = await open_agent(Settings(index=tmp_path / "store"), release)
        endpoint.statuses = [503] * 10
        await agent.graph.ainvoke({"question": "How often is the seal changed?"})

    with pytest.raises(RetrievalUnavailable, match="The embedding does not answer"):
        asyncio.run(run())


@pytest.mark.parametrize(
    "raw",
    [[], 7, {"data": []}, {"data": [{"embedding": []}]}, {"data": [{"embedding": ["a"], "index": 0}]}, {"data": None}],
)
def test_whatever_an_endpoint_sends_is_told(endpoint: Endpoint, raw: Any) -> None:
    embedder = open_embedder(NAME)
    endpoint.raw = raw
    with pytest.raises(RetrievalUnavailable):
        embedder.embed_question("Why?")


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ExtraMissing, match="pip install langchain-cohere"):
        open_embedder("cohere:embed-v4")


def test_an_embedding_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"onnx:FOLDER or PROVIDER:MODEL"):
        Release(embedding="ada")


def own(folder: Path, **config: Any) -> Path:
    """MiniLM as files of one's own."""
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.onnx").symlink_to(file_of(MINILM.weights))
    (folder / "tokenizer.json").symlink_to(file_of(MINILM.tokenizer))
    for name, value in config.items():
        path = {"pooling": "1_Pooling/config.json", "prompts": "config_sentence_transformers.json"}[name]
        (folder / path).write_text(json.dumps(value))
    return folder


def test_a_folder_of_ones_own_is_an_embedding(tmp_path: Path) -> None:
    name = f"onnx:{own(tmp_path / 'model')}"
    embedder, same = load_embedder(name), load_embedder(MINILM.name)
    assert np.allclose(embedder.embed(["The seal."]), same.embed(["The seal."]), atol=1e-6)
    assert (embedder.dimensions, 0 <= embedder.unrelated < 0.3) == (384, True)
    assert token_counter(name)("The seal.") == same.count_tokens("The seal.")
    release = Release(embedding=name)
    run_index(documents(tmp_path), tmp_path / "store", release)
    assert "every two years" in ask(tmp_path / "store", release)["text"]


def test_its_pooling_and_its_prompts_are_read(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    folder = own(tmp_path / "model", pooling={"pooling_mode_cls_token": True}, prompts=prompts)
    embedder, plain = load_embedder(f"onnx:{folder}"), load_embedder(f"onnx:{own(tmp_path / 'plain')}")
    assert not np.allclose(embedder.embed(["The seal."]), plain.embed(["The seal."]), atol=0.01)
    prefixed = load_embedder(f"onnx:{own(tmp_path / 'cls', pooling={'pooling_mode_cls_token': True})}")
    assert np.allclose(embedder.embed(["The seal."]), prefixed.embed(["passage: The seal."]), atol=1e-6)
    asked = embedder.embed_question("The seal?").whole
    assert np.allclose(asked, prefixed.embed(["query: The seal?"])[0], atol=1e-6)
    [marks] = embedder.embed_with_spans([TextWithSpans("A seal. A car.", [(0, 7), (8, 14)])])
    [others] = prefixed.embed_with_spans([TextWithSpans("passage: A seal. A car.", [(9, 16), (17, 23)])])
    assert np.array_equal(marks.spans, others.spans)


def test_a_folder_that_holds_no_embedding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseInvalid, match=r"needs the files model\.onnx and tokenizer\.json"):
        load_embedder(f"onnx:{tmp_path}")
    odd = own(tmp_path / "odd", pooling={"pooling_mode_max_tokens": True})
    with pytest.raises(ReleaseInvalid, match="is pooled by pooling_mode_max_tokens"):
        load_embedder(f"onnx:{odd}")
    broken = own(tmp_path / "broken")
    (broken / "model.onnx").unlink()
    (broken / "model.onnx").write_text("not a model")
    with pytest.raises(ReleaseInvalid, match="cannot embed"):
        load_embedder(f"onnx:{broken}")
