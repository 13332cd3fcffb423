"""Reads text files as they are written, so that offsets into the text are offsets into the file."""

from ..document import Document, File, Refused
from ..front_matter import front_matter
from .clean import as_written, blanks, decode, encoded_to, has_words, heading_of, is_encoded


def plain(file: File) -> Document:
    """A text file as a document; raises Refused, or SourceInvalid for its front matter."""
    text = as_written(decode(file.content))
    kept = encoded_to(text, blanks)
    if is_encoded(text) or not has_words(kept):
        raise Refused("no text: the file holds nothing but encoded data (base64)")
    metadata, body = front_matter(kept)
    return Document(kept, heading_of(kept, body), (), True, metadata, body)
