"""The tokenizers that embeddings carry, which count tokens without loading a model."""

from tokenizers import Tokenizer

from .weights import packaged_file


def load_tokenizer(package: str, file: str) -> Tokenizer:
    """A tokenizer from a file that a package carries; it neither pads nor cuts."""
    tokenizer = Tokenizer.from_file(str(packaged_file(package, file)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, text: str) -> int:
    """How many tokens a text has, without those that mark its ends."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids)
