"""Finds model files in installed packages without importing them, and loads the tokenizers among them."""

import importlib.util
from pathlib import Path

from tokenizers import Tokenizer

from ..errors import ExtraMissing


def packaged_file(package: str, relative: str, *, extra: str = "") -> Path:
    """The path of a data file inside an installed package; raises ExtraMissing when it is not there."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    for file in folders or []:
        if (path := Path(file) / relative).is_file():
            return path
    remedy = f"pip install 'warrant-rag[{extra}]'" if extra else "reinstall Warrant's requirements"
    raise ExtraMissing(f"The file {relative} of the package {package} is needed and is not installed; {remedy}.")


def file_of(file: tuple[str, str] | Path) -> Path:
    """The path of a file in a package, or the given path."""
    return file if isinstance(file, Path) else packaged_file(*file)


def load_tokenizer(place: tuple[str, str] | Path) -> Tokenizer:
    """Load a tokenizer from a package or a path, without padding or truncation."""
    tokenizer = Tokenizer.from_file(str(file_of(place)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, text: str) -> int:
    """The number of tokens of a text, without special tokens."""
    return len(tokenizer.encode(text, add_special_tokens=False).ids)
