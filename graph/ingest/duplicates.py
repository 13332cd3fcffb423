"""Finds documents that say the same again: the same text but for blanks, with the same metadata."""

import re
import unicodedata

from .document import Metadata, canonical, digest_of

UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")


class Duplicates:
    """Remembers documents and returns the first one with the same content."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def first_duplicate(self, document: str, text: str, metadata: Metadata) -> str | None:
        """The earlier document with the same content; if there is none, remember this one and return None."""
        return self.first(document, content_digest(text, metadata))

    def first(self, document: str, digest: str) -> str | None:
        """The same by the digest of the content."""
        first = self._shown.setdefault(digest, document)
        return None if first == document else first


def content_digest(text: str, metadata: Metadata) -> str:
    """The digest that documents with the same content share."""
    words = " ".join(UNSEEN.sub("", unicodedata.normalize("NFC", text)).split())
    return digest_of(words.encode("utf-8", "surrogatepass"), canonical(metadata))
