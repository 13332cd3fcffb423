"""Loads embeddings by their names in a Release or manifest."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Union
from weakref import WeakValueDictionary

from .embedding import Embedder
from .model_files import count_tokens, load_tokenizer
from .onnx import BGE_SMALL, MINILM, OnnxEmbedder, open_onnx_folder, read_onnx_folder
from .wordllama import WordLlama

if TYPE_CHECKING:
    from .endpoint_embedding import EndpointEmbedder

ONNX_PREFIX = "onnx:"
ONNX = {model.name: model for model in (BGE_SMALL, MINILM)}
Loaded = Union[OnnxEmbedder, WordLlama, "EndpointEmbedder"]
PACKAGED: dict[str, Callable[[int], Loaded]] = {
    **{name: partial(OnnxEmbedder, model) for name, model in ONNX.items()},
    WordLlama.name: WordLlama,
}
"""The packaged embeddings."""
_loaded: WeakValueDictionary[tuple[object, int], Loaded] = WeakValueDictionary()
_loading = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """Load an embedding by name; it is shared while anything uses it."""
    loader = PACKAGED.get(name)
    with _loading:
        embedder = _loaded.get((loader or name, threads))
        if embedder is None:
            embedder = _loaded[loader or name, threads] = loader(threads) if loader else _open(name, threads)
    return embedder


def _open(name: str, threads: int) -> Loaded:
    if name.startswith(ONNX_PREFIX):
        return open_onnx_folder(Path(name.removeprefix(ONNX_PREFIX)), threads)
    from .endpoint_embedding import open_embedder

    return open_embedder(name)


@cache
def token_counter(name: str) -> Callable[[str], int]:
    """The token counter of an embedding, without its model."""
    if name.startswith(ONNX_PREFIX):
        return partial(count_tokens, load_tokenizer(read_onnx_folder(Path(name.removeprefix(ONNX_PREFIX))).tokenizer))
    # The tokenizer of an endpoint is unknown; Llama 2 is an approximation.
    return partial(count_tokens, load_tokenizer(ONNX[name].tokenizer if name in ONNX else WordLlama.vocabulary))
