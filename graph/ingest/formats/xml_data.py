"""Reads XML: an element of values is a line such as `name: Oak; height: 20 m`, what holds such elements a heading."""

from lxml import etree

from ..document import Document, File, Refused
from .blocks import Blocks
from .package import parse_xml

Element = etree._Element


def xml(file: File) -> Document:
    """An XML file as a document; raises Refused."""
    try:
        root = parse_xml(file.content, "utf-8")
    except etree.XMLSyntaxError as error:
        raise Refused(f"corrupt: it is no XML: {error}") from error
    blocks = Blocks()
    _write(root, 1, blocks)
    return blocks.document()


def _write(element: Element, depth: int, blocks: Blocks) -> None:
    values = _values(element)
    if _is_text(element):
        blocks.paragraph(" ".join("".join(element.itertext()).split()))
    elif not any(len(child) for child in element):
        blocks.item(0, "; ".join(values + [value for child in element for value in _values(child, _name(child))]))
    else:
        blocks.heading(depth, " ".join([_name(element), *values]))
        for child in element:
            _write(child, depth + 1, blocks)


def _is_text(element: Element) -> bool:
    """Whether there are words between the elements in it, or nothing but words."""
    own = [element.text, *(child.tail for child in element)]
    return any((text or "").strip() for text in own)


def _values(element: Element, name: str = "") -> list[str]:
    """The attributes of an element, and with a name its text under that name."""
    found = [(etree.QName(key).localname, value) for key, value in element.attrib.items()]
    found += [(name, "".join(element.itertext()))] if name else []
    return [f"{key}: {' '.join(value.split())}" for key, value in found if value.strip()]


def _name(element: Element) -> str:
    return etree.QName(element).localname
