"""The embeddings that are there, by the names that a Release or a manifest gives them."""

from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from weakref import WeakValueDictionary

from .embedding import Embedder
from .onnx import BGE_SMALL, MINILM, OnnxEmbedder
from .tokenizing import count_tokens, load_tokenizer
from .wordllama import WordLlama

EMBEDDERS: dict[str, Callable[[int], OnnxEmbedder | WordLlama]] = {
    **{model.name: partial(OnnxEmbedder, model) for model in (BGE_SMALL, MINILM)},
    WordLlama.name: WordLlama,
}
VOCABULARIES = {
    **{model.name: model.tokenizer for model in (BGE_SMALL, MINILM)},
    WordLlama.name: WordLlama.vocabulary,
}
LOADED: "WeakValueDictionary[tuple[Callable[[int], Embedder], int], OnnxEmbedder | WordLlama]" = WeakValueDictionary()
LOADING = Lock()


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """An embedding by the name that a Release or a manifest gives it; loaded once for all who hold it."""
    kind = EMBEDDERS[name]
    with LOADING:
        found = LOADED.get((kind, threads))
        if found is None:
            found = LOADED[kind, threads] = kind(threads)
    return found


@cache
def token_counter(name: str) -> Callable[[str], int]:
    """Counts tokens as an embedding does, without its model: readers in other processes need no more."""
    return partial(count_tokens, load_tokenizer(*VOCABULARIES[name]))
