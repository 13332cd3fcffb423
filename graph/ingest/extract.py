"""A file becomes a Document: kreuzberg reads the formats, plain text keeps its own offsets."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from graph.ingest.clean import as_written, decode, has_words, tidy
from graph.ingest.document import Document
from graph.ingest.pages import page_starts
from graph.plain_yaml import YamlInvalid, load_yaml

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

PLAIN = {".md", ".markdown", ".txt", ".text", ".qmd", ".mdx"}
FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{1,2} +(.+?) *#*$", re.MULTILINE)
MARKUP = {".html", ".htm", ".xml", ".csv", ".tsv", ".json", ".ndjson", ".yaml", ".yml", ".rst", ".org"}
ENCRYPTED = re.compile(
    rb"^content-type:\s*(?:multipart/encrypted|application/pkcs7-mime)", re.IGNORECASE | re.MULTILINE
)


class Refused(Exception):
    """This file cannot be indexed; the message is the reason that the user reads."""


def extract(path: Path) -> Document:
    """Read one file; raises Refused with the reason when there is nothing to index."""
    content = path.read_bytes()
    if not content.strip():
        raise Refused("empty: the file holds nothing")
    document = _plain(content) if path.suffix.lower() in PLAIN else _converted(path, content)
    if not has_words(document.text[document.body :]):
        raise Refused("no text: the file holds no words (a scan or pictures; there is no OCR)")
    return document


def _plain(content: bytes) -> Document:
    text = as_written(decode(content))
    metadata, body = front_matter(text)
    heading = HEADING.search(text, body)
    return Document(text, heading.group(1).strip() if heading else "", (), True, metadata, body)


def front_matter(text: str) -> tuple[dict[str, object], int]:
    """The YAML mapping between --- lines at the top of a text, and where the text after it begins."""
    match = FRONT_MATTER.match(text)
    if not match:
        return {}, 0
    try:
        fields = load_yaml(match.group(1))
    except YamlInvalid as error:
        raise Refused(f"bad front matter: line {error.line + 1}: {error.problem}") from error
    return ({str(k): v for k, v in fields.items()}, match.end()) if isinstance(fields, dict) else ({}, 0)


def _converted(path: Path, content: bytes) -> Document:
    if ENCRYPTED.search(content[:20_000]) and path.suffix.lower() in (".eml", ".msg"):
        raise Refused("password: the message is encrypted")
    result = _convert(path, content)
    text = result.content
    if path.suffix.lower() in (".html", ".htm"):
        text = text[front_matter_end(text) :]
    text = tidy(text).strip()
    heading = HEADING.search(text)
    title = str((result.metadata or {}).get("title") or "").strip()
    pages = [str(page["content"]) for page in result.pages or []]
    starts = page_starts(text, pages) if len(pages) > 1 or path.suffix.lower() == ".pdf" else ()
    return Document(text, title or (heading.group(1).strip() if heading else ""), starts)


def _convert(path: Path, content: bytes) -> "ExtractionResult":
    import kreuzberg

    config = kreuzberg.ExtractionConfig(
        pages=kreuzberg.PageConfig(extract_pages=True),
        output_format="markdown",
        use_cache=False,
        disable_ocr=True,  # type: ignore[call-arg]  # missing from its stubs
    )
    try:
        kind = kreuzberg.detect_mime_type_from_path(path)
        if path.suffix.lower() in MARKUP:
            content = decode(content).encode()
        return kreuzberg.extract_bytes_sync(content, kind, config=config)
    except (kreuzberg.KreuzbergError, OSError, ValueError) as error:
        raise Refused(_reason(path, str(error))) from error


def front_matter_end(text: str) -> int:
    """Where the block of <meta> values ends that the converter puts before a page."""
    match = FRONT_MATTER.match(text)
    return match.end() if match else 0


def _reason(path: Path, message: str) -> str:
    message = " ".join(message.split())
    low = message.lower()
    if "password" in low or "encrypt" in low:
        return f"password: {message}"
    if "unsupported" in low or "mime type" in low or "no extractor" in low:
        return f"unsupported: files of type {path.suffix or 'unknown'} are not read"
    return f"corrupt: {message}"
