"""Finds documents that say the same again: the same words, signs and numbers in the same order, and the same metadata.

Blanks, line ends, typographic forms of a sign, bold letters and bullets make no other document. Anything else may
change what a text says, a capital too (`sie` and `Sie`, `mW` and `MW`), so both are kept.
"""

import re
import unicodedata

from .document import Metadata, canonical, digest_of

LIGATURES = {number: unicodedata.normalize("NFKC", chr(number)) for number in range(0xFB00, 0xFB07)}
QUOTES = dict.fromkeys((0x2018, 0x2019), "'") | dict.fromkeys((0x201C, 0x201D, 0x201E), '"')
HYPHENS = dict.fromkeys((0x2010, 0x2011), "-")
UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))
"""Soft hyphens, zero-width spaces and byte-order marks."""
FORMS = {**LIGATURES, **QUOTES, **HYPHENS, **UNSEEN}
BOLD = re.compile(r"(?<!\w)\*\*(?=\S)([^*\n]+)(?<=\S)\*\*(?!\w)")
BULLET = re.compile(r"^[ \t]*[-*•][ \t]+(?=[^\W\d_])", re.MULTILINE)
"""A sign before the word that begins a line; before a number it may be a minus."""


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
    return digest_of(_normalised_text(text).encode("utf-8", "surrogatepass"), canonical(metadata))


def _normalised_text(text: str) -> str:
    """The text without irrelevant characters."""
    written = unicodedata.normalize("NFC", text).translate(FORMS)
    return " ".join(BULLET.sub("", BOLD.sub(r"\1", written)).split())
