"""A file becomes a Document: kreuzberg reads the formats, plain text keeps its own offsets."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceInvalid
from .clean import as_written, decode, has_words, tidy
from .document import Document
from .front_matter import doubt_in_markup, doubt_in_text, front_matter
from .pages import page_starts

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

PLAIN = {".md", ".markdown", ".txt", ".text", ".qmd", ".mdx"}
HEADING = re.compile(r"^#{1,2} +(.+?) *#*$", re.MULTILINE)
MARKUP = {".html", ".htm", ".xml", ".csv", ".tsv", ".json", ".ndjson", ".yaml", ".yml", ".rst", ".org"}
FENCED = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*(?:-\0?-\0?-|\+\0?\+\0?\+)[^-+]")
"""The start of a file of any kind that has front matter."""
HEAD = re.compile(r"<head\b.*?</head\s*>", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
ENCRYPTED = re.compile(
    rb"(?:^|\n)content-type:\s*(?:multipart/encrypted|application/pkcs7-mime)", re.IGNORECASE | re.MULTILINE
)


class Refused(Exception):
    """This file cannot be indexed; the message is the reason that the user reads."""


def extract(path: Path, ocr: str = "") -> Document:
    """Read one file, scans by OCR in the language given if any; raises Refused when there is nothing to index."""
    content = path.read_bytes()
    if not content.strip():
        raise Refused("empty: the file holds nothing")
    try:
        document = _read(path, content, ocr)
    except SourceInvalid as error:
        raise Refused(f"bad front matter: {error}") from error
    if not has_words(document.text[document.body :]):
        raise Refused("no text: the file holds no words (a scan or pictures; --ocr reads scans)")
    return replace(document, doubt=document.doubt or doubt_in_text(document.text[document.body :]))


def _read(path: Path, content: bytes, ocr: str) -> Document:
    if is_plain(path) and b"\0\0" not in content:
        return _plain(content)
    ending = path.suffix.lower()
    if ending not in MARKUP and not FENCED.match(content):
        return _converted(path, content, ocr)
    text = decode(content).replace("\r\n", "\n").replace("\r", "\n")
    # A YAML file may begin with --- without any front matter.
    metadata, body = front_matter(text) if ending not in (".yaml", ".yml") else ({}, 0)
    document = _converted(path, text[body:].encode() if body else content, ocr)
    return replace(document, metadata=metadata, doubt=doubt_in_markup(text[body:], ending))


def is_plain(path: Path) -> bool:
    """Whether a file is read as it is written: by its ending, or when it has none (README, LICENSE)."""
    return path.suffix.lower() in PLAIN or not path.suffix


def _plain(content: bytes) -> Document:
    text = as_written(decode(content))
    metadata, body = front_matter(text)
    heading = HEADING.search(text, body)
    return Document(text, heading.group(1).strip() if heading else "", (), True, metadata, body)


def _converted(path: Path, content: bytes, ocr: str) -> Document:
    # Outlook keeps a message's headers in UTF-16: without the zeros they read like any other's.
    if path.suffix.lower() in (".eml", ".msg") and ENCRYPTED.search(content[:200_000].replace(b"\0", b"")):
        raise Refused("password: the message is encrypted")
    title = ""
    if path.suffix.lower() in MARKUP:
        markup = decode(content)
        title, markup = _headless(markup) if path.suffix.lower() in (".html", ".htm") else ("", markup)
        content = markup.encode()
    result = _convert(path, content, ocr)
    text = tidy(result.content).strip()
    heading = HEADING.search(text)
    title = title or str((result.metadata or {}).get("title") or "").strip()
    pages = [str(page["content"]) for page in result.pages or []]
    starts = page_starts(text, pages) if len(pages) > 1 or path.suffix.lower() == ".pdf" else ()
    return Document(text, title or (heading.group(1).strip() if heading else ""), starts)


def _headless(markup: str) -> tuple[str, str]:
    """A page's title, and the page without its head, which the converter would turn into text."""
    head = HEAD.search(markup)
    title = TITLE.search(head.group()) if head else None
    return (tidy(title.group(1)).strip() if title else ""), HEAD.sub("", markup, count=1)


def _convert(path: Path, content: bytes, ocr: str) -> "ExtractionResult":
    import kreuzberg

    config = kreuzberg.ExtractionConfig(
        pages=kreuzberg.PageConfig(extract_pages=True),
        output_format="markdown",
        use_cache=False,
        ocr=kreuzberg.OcrConfig(backend="tesseract", language=ocr) if ocr else None,
        disable_ocr=not ocr,  # type: ignore[call-arg]  # missing from its stubs
    )
    try:
        kind = kreuzberg.detect_mime_type_from_path(path)
        return kreuzberg.extract_bytes_sync(content, kind, config=config)
    except kreuzberg.ValidationError as error:
        raise Refused(f"unsupported: files of type {path.suffix or 'unknown'} are not read") from error
    except (kreuzberg.KreuzbergError, OSError, ValueError, RuntimeError) as error:
        message = " ".join(str(error).split())
        locked = "password" in message.lower() or "encrypt" in message.lower()
        raise Refused(f"{'password' if locked else 'corrupt'}: {message}") from error
