"""The tokenizers that embeddings carry, which count tokens without loading a model."""

from pathlib import Path

from tokenizers import Tokenizer

from .weight_files import file_of


def load_tokenizer(place: tuple[str, str] | Path) -> Tokenizer:
    """A tokenizer from a file that a package carries, or from one's own; it neither pads nor cuts."""
    tokenizer = Tokenizer.from_file(str(file_of(place)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, text: str) -> int:
    """How many tokens a text has, without those that mark its ends."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids)
