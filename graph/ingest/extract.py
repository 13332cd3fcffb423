"""A file becomes a Document: kreuzberg reads the formats, plain text keeps its own offsets."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceInvalid
from ..plain_yaml import YamlInvalid, load_yaml
from .clean import as_written, decode, has_words, tidy
from .document import Document, Metadata, canonical
from .metadata import normalise
from .pages import page_starts
from .sheets import delimited
from .tables import with_layout

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

PLAIN = {".md", ".markdown", ".txt", ".text", ".qmd", ".mdx"}
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,2} +(.+?) *#*$", re.MULTILINE)
MARKUP = {".html", ".htm", ".xml", ".json", ".ndjson", ".yaml", ".yml", ".rst", ".org"}
DELIMITED = {".csv", ".tsv"}
WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
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
    document = _plain(content) if is_plain(path) and b"\0\0" not in content else _converted(path, content, ocr)
    if not has_words(document.text[document.body :]):
        raise Refused("no text: the file holds no words (a scan or pictures; --ocr reads scans)")
    return document


def is_plain(path: Path) -> bool:
    """Whether a file is read as it is written: by its ending, or when it has none (README, LICENSE)."""
    return path.suffix.lower() in PLAIN or not path.suffix


def _plain(content: bytes) -> Document:
    text = as_written(decode(content))
    metadata, body = front_matter(text)
    heading = HEADING.search(text, body)
    return Document(text, heading.group(1).strip() if heading else "", (), True, metadata, body)


def front_matter(text: str) -> tuple[Metadata, int]:
    """The YAML mapping between --- lines at the top of a text, and where the text after it begins."""
    match = FRONT_MATTER.match(text)
    if not match:
        return {}, 0
    try:
        fields = load_yaml(match.group(1))
    except YamlInvalid as error:
        raise Refused(f"bad front matter: line {error.line + 1}: {error.problem}") from error
    if not isinstance(fields, dict):
        return {}, 0
    try:
        metadata = normalise({str(key): value for key, value in fields.items()})
        canonical(metadata)
    except (SourceInvalid, UnicodeEncodeError) as error:
        raise Refused(f"bad front matter: {error}") from error
    return metadata, match.end()


def _converted(path: Path, content: bytes, ocr: str) -> Document:
    # Outlook keeps a message's headers in UTF-16: without the zeros they read like any other's.
    if path.suffix.lower() in (".eml", ".msg") and ENCRYPTED.search(content[:200_000].replace(b"\0", b"")):
        raise Refused("password: the message is encrypted")
    if path.suffix.lower() in DELIMITED:
        return delimited(content)
    if path.suffix.lower() in WORKBOOKS:
        return _workbook(content)
    title = ""
    if path.suffix.lower() in MARKUP:
        markup = decode(content)
        title, markup = _headless(markup) if path.suffix.lower() in (".html", ".htm") else ("", markup)
        content = markup.encode()
    result = _convert(path, content, ocr)
    text = with_layout(tidy(result.content)).strip()
    heading = HEADING.search(text)
    title = title or str((result.metadata or {}).get("title") or "").strip()
    pages = [str(page["content"]) for page in result.pages or []]
    starts = page_starts(text, pages) if len(pages) > 1 or path.suffix.lower() == ".pdf" else ()
    return Document(text, title or (heading.group(1).strip() if heading else ""), starts)


def _workbook(content: bytes) -> Document:
    from .workbooks import workbook

    try:
        return workbook(content)
    except ValueError as error:
        raise Refused(str(error)) from error


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
