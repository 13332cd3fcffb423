"""The embeddings that are there, by the names that a Release or a manifest gives them."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from .embedding import Embedder
from .onnx import BGE_SMALL, MINILM, OnnxEmbedder, open_own, own_model
from .tokenizing import count_tokens, load_tokenizer
from .wordllama import WordLlama

if TYPE_CHECKING:
    from ..models.embeddings import EndpointEmbedder

OWN = "onnx:"
ONNX = {model.name: model for model in (BGE_SMALL, MINILM)}
LOADED: "WeakValueDictionary[tuple[str, int], OnnxEmbedder | WordLlama | EndpointEmbedder]" = WeakValueDictionary()
LOADING = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """An embedding by the name that a Release or a manifest gives it; loaded once for all who hold it."""
    with LOADING:
        found = LOADED.get((name, threads))
        if found is None:
            found = LOADED[name, threads] = _open(name, threads)
    return found


def _open(name: str, threads: int) -> "OnnxEmbedder | WordLlama | EndpointEmbedder":
    if name in ONNX:
        return OnnxEmbedder(ONNX[name], threads)
    if name == WordLlama.name:
        return WordLlama(threads)
    if name.startswith(OWN):
        return open_own(Path(name.removeprefix(OWN)), threads)
    from ..models.embeddings import open_embedder

    return open_embedder(name)


@cache
def token_counter(name: str) -> Callable[[str], int]:
    """Counts tokens as an embedding does, without its model: readers in other processes need no more."""
    if name.startswith(OWN):
        return partial(count_tokens, load_tokenizer(own_model(Path(name.removeprefix(OWN))).tokenizer))
    # Of an endpoint's tokenizer nothing is known: Llama 2's comes near.
    return partial(count_tokens, load_tokenizer(ONNX[name].tokenizer if name in ONNX else WordLlama.vocabulary))
