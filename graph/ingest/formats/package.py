"""Opens documents that are a ZIP of XML parts (Word, PowerPoint, OpenDocument, EPUB) and writes changed parts."""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO

from lxml import etree

from ..document import Refused

R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
OLE = b"\xd0\xcf\x11\xe0"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""What an Office file with a password holds in place of its parts."""
LARGEST_PART = 64_000_000
"""Bytes of XML after unpacking: what is larger would need more memory than a reader should take."""
PROPERTIES = ("docProps/custom.xml", "meta.xml")
OWN_PROPERTIES = {
    b"%PDF": re.compile(rb"(?:/|<pdfx:)([A-Za-z][\w.#-]{4,60})\s*[(<\[>]"),
    b"{\\rtf": re.compile(rb"\\propname\s+([^{}\\]+)"),
}
"""What properties are named in files that are no archives, by their first bytes."""
STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
"""The names of Office's stricter standard, which differ from the usual ones in nothing but their letters."""


def unpacked_size(content: bytes) -> int:
    """Bytes that the members of a ZIP archive say they unpack to; 0 for what is none."""
    archive = _archive(content)
    return sum(member.file_size for member in archive.infolist()) if archive else 0


def properties(content: bytes) -> str:
    """What the owner of an Office, OpenDocument, EPUB, PDF or RTF file has added to its properties, as XML."""
    archive = _archive(content)
    listed = [names.findall(content) for start, names in OWN_PROPERTIES.items() if content.startswith(start)]
    found = [b"name='" + name for names in listed for name in names]
    if archive:
        parts = [each for each in archive.infolist() if each.filename in PROPERTIES or each.filename.endswith(".opf")]
        found += [archive.read(part) for part in parts if part.file_size <= LARGEST_PART]
    return b"\n".join(found).decode("utf-8", "replace")


def is_encrypted(content: bytes) -> bool:
    """Whether a file of Office is locked with a password, which makes it an OLE file."""
    return content.startswith(OLE) and ENCRYPTED in content


def _archive(content: bytes) -> zipfile.ZipFile | None:
    try:
        return zipfile.ZipFile(io.BytesIO(content)) if content.startswith(b"PK\x03\x04") else None
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None


class Package:
    """The parts of a package; every method raises Refused for one that is broken."""

    def __init__(self, content: bytes) -> None:
        if is_encrypted(content):
            raise Refused("password: the file is encrypted")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise Refused(f"corrupt: it is not a ZIP archive, as its ending says: {error}") from error
        self._sizes = {entry.filename: entry.file_size for entry in self._archive.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sizes)

    def part(self, name: str) -> bytes:
        """A part's bytes; b"" when there is none of that name."""
        if self._sizes.get(name, 0) > LARGEST_PART:
            raise Refused(f"corrupt: its part {name} holds more than {LARGEST_PART // 1_000_000} MB")
        return self._whole(name) if name in self._sizes else b""

    def stream(self, name: str) -> IO[bytes]:
        """A part of any size, to be read piece by piece."""
        return self._archive.open(name)

    def tree(self, name: str) -> etree._Element | None:
        """A part as XML, without entities and network; None when there is none of that name."""
        content = self.part(name)
        if not content.strip():
            return None
        try:
            return parse_xml(STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", content))
        except etree.XMLSyntaxError as error:
            raise Refused(f"corrupt: its part {name} is no XML: {error}") from error

    def related(self, part: str, kind: str = "") -> dict[str, str]:
        """The parts of one kind, or all, that a part of an Office file refers to, by the names that it gives them."""
        folder = posixpath.dirname(part)
        return {
            relation.get("Id") or "": posixpath.normpath(posixpath.join("/", folder, relation.get("Target") or ""))[1:]
            for relation in self._relations(part)
            if (relation.get("Type") or "").endswith(kind)
        }

    def links(self, part: str) -> dict[str, str]:
        """The addresses outside of the file that a part of an Office file links to, by the names that it gives them."""
        return {
            relation.get("Id") or "": relation.get("Target") or ""
            for relation in self._relations(part)
            if relation.get("TargetMode") == "External"
        }

    def _relations(self, part: str) -> Iterable[etree._Element]:
        """What a part of an Office file says of those that it refers to."""
        folder, name = posixpath.split(part)
        relations = self.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        return relations if relations is not None else ()

    def title(self) -> str:
        """The title among the properties of an Office file."""
        core = self.tree("docProps/core.xml")
        return " ".join(((core.findtext("{*}title") if core is not None else "") or "").split())

    def beside(self, part: str, kind: str) -> str:
        """A part that another one has for itself, such as its styles; by its usual name where it is not referred to."""
        return next(
            iter(self.related(part, f"/{kind}").values()), posixpath.join(posixpath.dirname(part), f"{kind}.xml")
        )

    def main(self, usual: str = "") -> str:
        """The part in which an Office file begins."""
        return next(iter(self.related("", "/officeDocument").values()), usual)

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
            raise Refused(f"corrupt: its part {name} cannot be unpacked: {error}") from error


def parse_xml(content: bytes, encoding: str | None = None) -> etree._Element:
    """XML without entities, comments and network; raises etree.XMLSyntaxError."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        encoding=encoding,
    )
    root = etree.fromstring(content, parser)
    etree.strip_tags(root, etree.Entity)
    return root


def remove(element: etree._Element | None) -> None:
    """Take an element away, if it is one, with all that is in it."""
    parent = element.getparent() if element is not None else None
    if element is not None and parent is not None:
        parent.remove(element)


def serialised(tree: etree._Element) -> bytes:
    """XML as bytes in UTF-8."""
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True, standalone=True)
