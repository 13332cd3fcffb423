"""A file becomes a Document: read by its format, with its front matter, unless nothing can be indexed of it."""

from dataclasses import replace
from math import inf
from pathlib import Path, PurePath

from ...errors import SourceInvalid
from ..document import Document, File, Refused
from ..front_matter import doubt_in_markup, doubt_in_tags, doubt_in_text, front_matter, is_fenced
from .clean import decode, has_words, is_binary, without_unseen
from .package import properties, unpacked_size
from .registry import Format, format_of

MEGABYTE = 1 << 20


def extract(path: Path, ocr: str = "", megabytes: float = inf) -> Document:
    """Read one file, scans by OCR in the language given if any; raises Refused when there is nothing to index."""
    return read(File(path.name, path.read_bytes(), read, ocr=ocr, megabytes=megabytes))


def is_plain(path: PurePath) -> bool:
    """Whether a file is read as it is written."""
    known = format_of(path.suffix)
    return known is not None and known.is_plain


def read(file: File) -> Document:
    """Read a file, which may be attached to another one; raises Refused when there is nothing to index."""
    if not file.content.strip():
        raise Refused("empty: the file holds nothing")
    known = format_of(file.suffix)
    if known is None:
        raise Refused(f"unsupported: files of type {file.suffix} are not read")
    if (unpacked := unpacked_size(file.content) / MEGABYTE) > file.megabytes:
        raise Refused(f"too large: it unpacks to {unpacked:.0f} MB, at most {file.megabytes:g} MB are read")
    file = replace(file, media_type=known.media_types.get(file.suffix, ""))
    if known.is_plain and is_binary(decode(file.content)):
        raise Refused("unsupported: the file holds binary data, not text")
    try:
        document = _with_front_matter(file, known)
    except SourceInvalid as error:
        raise Refused(f"bad front matter: {error}") from error
    body = document.text[document.body :]
    if not has_words(body):
        raise Refused("no text: the file holds no words (a scan or pictures; --ocr reads scans)")
    doubt = document.doubt or doubt_in_tags(properties(file.content)) or doubt_in_text(body)
    shown = without_unseen(document.text, document.body) if known.wording == "markdown" else document.text
    return replace(document, text=shown, doubt=doubt)


def _with_front_matter(file: File, known: Format) -> Document:
    if known.is_plain or (known.wording == "binary" and not is_fenced(file.content)):
        return known.read(file)
    text = decode(file.content).replace("\r\n", "\n").replace("\r", "\n")
    # A YAML file may begin with --- without any front matter.
    metadata, body = front_matter(text) if file.suffix not in (".yaml", ".yml") else ({}, 0)
    document = known.read(replace(file, content=text[body:].encode()))
    return replace(document, metadata=metadata, doubt=document.doubt or doubt_in_markup(text[body:], known.wording))
