"""Reads EPUB files: each of their pages as a reader sees it."""

from dataclasses import replace

from ..document import Document, File
from .clean import decode
from .convert import converted
from .markup import prepare
from .package import Package

PAGES = (".xhtml", ".html", ".htm")


def epub(file: File) -> Document:
    """A book as a document; raises Refused."""
    package = Package(file.content)
    names = [name for name in package.names if name.lower().endswith(PAGES)]
    pages = {name: prepare(decode(package.part(name)), xml=True) for name in names}
    content = package.write({name: page.markup.encode() for name, page in pages.items() if page.markup})
    warnings = sorted({warning for page in pages.values() for warning in page.warnings})
    return replace(converted(replace(file, content=content)), warnings=tuple(warnings))
