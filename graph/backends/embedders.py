"""The embeddings that are there, by the names that a Release or a manifest gives them."""

from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from weakref import WeakValueDictionary

from .embedding import Embedder
from .onnx import BGE_SMALL, MINILM, OnnxEmbedder
from .tokenizing import count_tokens, load_tokenizer
from .wordllama import WordLlama

ONNX = {model.name: model for model in (BGE_SMALL, MINILM)}
LOADED: "WeakValueDictionary[tuple[str, int], OnnxEmbedder | WordLlama]" = WeakValueDictionary()
LOADING = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """An embedding by the name that a Release or a manifest gives it; loaded once for all who hold it."""
    with LOADING:
        found = LOADED.get((name, threads))
        if found is None:
            found = OnnxEmbedder(ONNX[name], threads) if name in ONNX else WordLlama(threads)
            LOADED[name, threads] = found
    return found


@cache
def token_counter(name: str) -> Callable[[str], int]:
    """Counts tokens as an embedding does, without its model: readers in other processes need no more."""
    tokenizer = ONNX[name].tokenizer if name in ONNX else WordLlama.vocabulary
    return partial(count_tokens, load_tokenizer(*tokenizer))
