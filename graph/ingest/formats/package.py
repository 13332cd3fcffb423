"""Opens documents that are a ZIP of XML parts (Word, PowerPoint, OpenDocument, EPUB) and writes changed parts."""

import io
import re
import zipfile
from collections.abc import Mapping

from lxml import etree

from .clean import VEILED_CARET

LARGEST_PART = 64_000_000
"""Bytes of XML after unpacking: what is larger would need more memory than a reader should take."""
STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
"""The names of Office's stricter standard, which differ from the usual ones in nothing but their letters."""


def unpacked_size(content: bytes) -> int:
    """Bytes that the members of a ZIP archive say they unpack to; 0 for what is none."""
    if not content.startswith(b"PK\x03\x04"):
        return 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return 0


class PackageInvalid(ValueError):
    """The package cannot be prepared; the message says why."""


class Package:
    """The parts of a package; those that were parsed can be changed and are written back."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self._sizes = {entry.filename: entry.file_size for entry in self._archive.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sizes)

    def part(self, name: str) -> bytes:
        """A part's bytes; b"" when there is none of that name."""
        if self._sizes.get(name, 0) > LARGEST_PART:
            raise PackageInvalid(f"its part {name} holds more than {LARGEST_PART // 1_000_000} MB")
        return self._whole(name) if name in self._sizes else b""

    def tree(self, name: str) -> etree._Element | None:
        """A part as XML, without entities and network; None when there is none of that name."""
        content = self.part(name)
        if not content.strip():
            return None
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        try:
            return etree.fromstring(STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", content), parser)
        except etree.XMLSyntaxError as error:
            raise PackageInvalid(f"its part {name} is no XML: {error}") from error

    def write(self, changed: Mapping[str, bytes]) -> bytes:
        """The package with some parts changed; pictures and the like are stored as they are."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name in self._sizes:
                if not name.endswith("/"):
                    archive.writestr(name, changed[name] if name in changed else self._whole(name))
        return target.getvalue()

    def _whole(self, name: str) -> bytes:
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            raise PackageInvalid(f"its part {name} cannot be unpacked: {error}") from error


def serialised(tree: etree._Element) -> bytes:
    """XML as bytes in UTF-8; the marks of notes are veiled from the converter, which would number them anew."""
    content = etree.tostring(tree, encoding="UTF-8", xml_declaration=True, standalone=True)
    return content.replace(b"[^", f"[{VEILED_CARET}".encode())
