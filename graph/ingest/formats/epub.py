"""Prepares an EPUB for the converter: each of its pages as a reader sees it."""

from .clean import decode
from .markup import prepare as prepare_page
from .package import Package

PAGES = (".xhtml", ".html", ".htm")


def prepare(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The book with what its pages show, and what was left out of it."""
    package = Package(content)
    pages = {
        name: prepare_page(decode(package.part(name)), xml=True)
        for name in package.names
        if name.lower().endswith(PAGES)
    }
    changed = {name: page.markup.encode() for name, page in pages.items() if page.markup}
    return package.write(changed), tuple(sorted({warning for page in pages.values() for warning in page.warnings}))
