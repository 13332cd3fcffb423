"""The embeddings that are there, by the names that a Release or a manifest gives them."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Union
from weakref import WeakValueDictionary

from .embedding import Embedder
from .onnx import BGE_SMALL, MINILM, OnnxEmbedder, open_own, own_model
from .tokenizers import count_tokens, load_tokenizer
from .wordllama import WordLlama

if TYPE_CHECKING:
    from .endpoint_embedding import EndpointEmbedder

OWN = "onnx:"
ONNX = {model.name: model for model in (BGE_SMALL, MINILM)}
Loaded = Union[OnnxEmbedder, WordLlama, "EndpointEmbedder"]
EMBEDDERS: dict[str, Callable[[int], Loaded]] = {
    **{name: partial(OnnxEmbedder, model) for name, model in ONNX.items()},
    WordLlama.name: WordLlama,
}
"""Those that are packaged."""
LOADED: WeakValueDictionary[tuple[object, int], Loaded] = WeakValueDictionary()
LOADING = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """An embedding by the name that a Release or a manifest gives it; loaded once for all who hold it."""
    kind = EMBEDDERS.get(name)
    with LOADING:
        found = LOADED.get((kind or name, threads))
        if found is None:
            found = LOADED[kind or name, threads] = kind(threads) if kind else _open(name, threads)
    return found


def _open(name: str, threads: int) -> Loaded:
    if name.startswith(OWN):
        return open_own(Path(name.removeprefix(OWN)), threads)
    from .endpoint_embedding import open_embedder

    return open_embedder(name)


@cache
def token_counter(name: str) -> Callable[[str], int]:
    """Counts tokens as an embedding does, without its model: readers in other processes need no more."""
    if name.startswith(OWN):
        return partial(count_tokens, load_tokenizer(own_model(Path(name.removeprefix(OWN))).tokenizer))
    # Of an endpoint's tokenizer nothing is known: Llama 2's comes near.
    return partial(count_tokens, load_tokenizer(ONNX[name].tokenizer if name in ONNX else WordLlama.vocabulary))
