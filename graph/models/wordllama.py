"""WordLlama's static token vectors: fast, but independent of the context of a word."""

from collections.abc import Sequence

import numpy as np

from .embedding import (
    QuestionVectors,
    TextVectors,
    TextWithSpans,
    Vectors,
    normalise_vector,
    span_of_tokens,
    span_vectors,
)
from .model_files import count_tokens, load_tokenizer, packaged_file


class WordLlama:
    """The mean of 256-dimensional static token vectors: 160 times faster than MiniLM, and less accurate."""

    name = "wordllama-256"
    dimensions = 256
    unrelated = 0.0
    vocabulary = ("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")

    def __init__(self, threads: int = 1) -> None:
        from safetensors.numpy import load_file

        weights = load_file(packaged_file("wordllama", "weights/l2_supercat_256.safetensors"))
        self._weights = weights["embedding.weight"].astype(np.float32)
        self._tokenizer = load_tokenizer(self.vocabulary)

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, encoded in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            vectors[row] = self._weights[encoded.ids or [0]].mean(axis=0)
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return unit

    def embed_question(self, text: str) -> QuestionVectors:
        vector = self.embed([text])[0]
        return QuestionVectors(vector, vector)

    def embed_with_spans(self, texts: Sequence[TextWithSpans]) -> list[TextVectors]:
        """The vector of each text and those of its spans."""
        return [self._embed_one_with_spans(marked) for marked in texts]

    def _embed_one_with_spans(self, marked: TextWithSpans) -> TextVectors:
        encoded = self._tokenizer.encode(marked.text, add_special_tokens=False)
        tokens = self._weights[encoded.ids or [0]]
        whole = tokens.mean(axis=0)
        owners = span_of_tokens(encoded.offsets, marked.spans)
        return TextVectors(normalise_vector(whole), span_vectors(tokens, owners, whole, len(marked.spans)))

    def count_tokens(self, text: str) -> int:
        return count_tokens(self._tokenizer, text)
