"""Text out of the formats that kreuzberg reads: the only file that knows it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..document import Document, File, Refused
from .clean import encoded_to, heading_of, tidy

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

TABLE_END = re.compile(r"^(\|[^\n]*\|)[ \t]*\n(?=[^|\s])", re.MULTILINE)
"""Where text follows a table without an empty line, which would make it a row of the table."""
PAGE_MARK = re.compile("\ufdd1(\\d+)\ufdd1")
"""Where a page begins in what OCR reads, by characters that stand in no text."""


def converted(file: File) -> Document:
    """A file of a format that the converter reads; raises Refused."""
    result = extraction(file, file.ocr)
    text = TABLE_END.sub(r"\1\n\n", tidy(result.content))
    text = encoded_to(text, lambda _: "").strip()
    return Document(text, title_of(result) or heading_of(text))


def title_of(result: "ExtractionResult") -> str:
    """The title among a file's properties."""
    return str((result.metadata or {}).get("title") or "").strip()


def scanned(file: File, pages: Sequence[int]) -> dict[int, str]:
    """What OCR reads on some pages of a PDF, by their numbers."""
    _, *parts = PAGE_MARK.split(extraction(file, file.ocr, pages).content)
    found = {int(number): tidy(text).strip() for number, text in zip(parts[::2], parts[1::2], strict=True)}
    return {number: found[number] for number in pages if number in found}


def extraction(file: File, ocr: str = "", scans: Sequence[int] = ()) -> "ExtractionResult":
    """What the converter makes of a file; of a PDF it reads the pages `scans` by OCR and marks where pages begin."""
    import kreuzberg

    config = kreuzberg.ExtractionConfig(
        pages=kreuzberg.PageConfig(
            extract_pages=True, insert_page_markers=bool(scans), marker_format="\n\n\ufdd1{page_num}\ufdd1\n\n"
        ),
        force_ocr_pages=[*scans] or None,
        output_format="markdown",
        include_document_structure=True,
        # Without the first and the last lines of a page much that is no running line would be lost.
        content_filter=kreuzberg.ContentFilterConfig(include_headers=True, include_footers=True),
        use_cache=False,
        ocr=kreuzberg.OcrConfig(backend="tesseract", language=ocr) if ocr else None,
        disable_ocr=not ocr,  # type: ignore[call-arg]  # missing from its stubs
    )
    try:
        return kreuzberg.extract_bytes_sync(file.content, file.media_type, config=config)
    except (kreuzberg.KreuzbergError, OSError, ValueError, RuntimeError) as error:
        message = " ".join(str(error).split())
        if isinstance(error, kreuzberg.ValidationError) or "Unsupported format" in message:
            raise Refused(f"unsupported: files of type {file.suffix} are not read") from error
        locked = "password" in message.lower() or "encrypt" in message.lower()
        raise Refused(f"{'password' if locked else 'corrupt'}: {message}") from error
