"""Reads EPUB files: their pages in order, as a reader sees them."""

import posixpath
from urllib.parse import unquote

from ..document import Document, File, Refused
from .clean import decode, heading_of
from .markup import page_of
from .package import Package


def epub(file: File) -> Document:
    """A book as a document; raises Refused."""
    package = Package(file.content)
    container = package.tree("META-INF/container.xml")
    book = container.find(".//{*}rootfile") if container is not None else None
    name = book.get("full-path") or "" if book is not None else ""
    root = package.tree(name)
    if root is None:
        raise Refused("corrupt: it does not say which pages it has")
    targets = {item.get("id"): unquote(item.get("href") or "") for item in root.iter("{*}item")}
    listed = [targets.get(each.get("idref"), "") for each in root.iter("{*}itemref")]
    pages = [page_of(decode(package.part(posixpath.join(posixpath.dirname(name), each)))) for each in listed]
    text = "\n\n".join(page.text for page in pages if page.text)
    warnings = sorted({warning for page in pages for warning in page.warnings})
    title = " ".join((root.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").split())
    return Document(text, title or heading_of(text), warnings=tuple(warnings))
