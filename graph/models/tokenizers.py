"""Loads the tokenizers of embeddings, which count tokens without a model."""

from pathlib import Path

from tokenizers import Tokenizer

from .weight_files import file_of


def load_tokenizer(place: tuple[str, str] | Path) -> Tokenizer:
    """Load a tokenizer from a package or a path, without padding or truncation."""
    tokenizer = Tokenizer.from_file(str(file_of(place)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, text: str) -> int:
    """The number of tokens of a text, without special tokens."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids)
