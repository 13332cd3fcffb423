"""Text out of the formats that kreuzberg reads: the only file that knows it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..document import Document, File, Refused
from ..front_matter import doubt_in_text
from .clean import encoded_to, tidy
from .pages import page_starts, unreadable, with_scans, without_running_lines, without_text
from .tables import with_layout

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

HEADING = re.compile(r"^#{1,2} +(.+?) *#*$", re.MULTILINE)
TABLE_END = re.compile(r"^(\|[^\n]*\|)[ \t]*\n(?=[^|\s])", re.MULTILINE)
"""Where text follows a table without an empty line, which would make it a row of the table."""
NO_HEADING = re.compile(r"^#{1,6} +(?=(?:\S+ +){3,}\S*[.;:,!]$)", re.MULTILINE)
"""Before what ends as a sentence does: the converter takes lines in larger type for headings."""
PAGE_MARK = re.compile("\ufdd1(\\d+)\ufdd1")
"""Where a page begins in what OCR reads, by characters that stand in no text."""


def converted(file: File) -> Document:
    """A file of a format that the converter reads; raises Refused."""
    result = _extraction(file, file.ocr)
    text, pages = _text(result), _pages(result)
    return Document(text, _title(result) or heading_of(text), page_starts(text, pages) if len(pages) > 1 else ())


def pdf(file: File) -> Document:
    """A PDF; by OCR only those of its pages that hold no text."""
    result = _extraction(file, "")
    pages = _pages(result)
    text = without_running_lines(NO_HEADING.sub("", _text(result)), pages)
    starts = page_starts(text, pages)
    if file.ocr and without_text(pages):
        scans = _scanned(file, without_text(pages))
        text, starts = with_scans(text, starts, scans)
        pages = [page or scans.get(number, "") for number, page in enumerate(pages, 1)]
    doubt = doubt_in_text("\n".join((result.metadata or {}).get("keywords") or ()))
    return Document(
        text, _title(result) or heading_of(text), starts, warnings=_about_pages(pages, file.ocr), doubt=doubt
    )


def _scanned(file: File, pages: list[int]) -> dict[int, str]:
    _, *parts = PAGE_MARK.split(_extraction(file, file.ocr, pages).content)
    found = {int(number): tidy(text).strip() for number, text in zip(parts[::2], parts[1::2], strict=True)}
    return {number: found[number] for number in pages if number in found}


def _pages(result: "ExtractionResult") -> list[str]:
    return [str(page["content"]) for page in result.pages or []]


def _title(result: "ExtractionResult") -> str:
    return str((result.metadata or {}).get("title") or "").strip()


def _text(result: "ExtractionResult") -> str:
    text = TABLE_END.sub(r"\1\n\n", tidy(result.content))
    return with_layout(encoded_to(text, lambda _: "")).strip()


def heading_of(text: str, start: int = 0) -> str:
    """The first heading of a text from a place on, if there is one."""
    heading = HEADING.search(text, start)
    return heading.group(1).strip() if heading else ""


def _about_pages(pages: Sequence[str], ocr: str) -> tuple[str, ...]:
    empty, garbled = without_text(pages), unreadable(pages)
    warnings = []
    if empty:
        hint = "" if ocr else "; --ocr reads scans"
        warnings.append(f"{_numbers(empty)} no text: scans, pictures or blank{hint}")
    if garbled:
        warnings.append(f"{_numbers(garbled)} text that cannot be read: its font does not say which letters it shows")
    return tuple(warnings)


def _numbers(pages: Sequence[int]) -> str:
    return f"page {pages[0]} holds" if len(pages) == 1 else f"pages {', '.join(map(str, pages))} hold"


def _extraction(file: File, ocr: str, scans: Sequence[int] = ()) -> "ExtractionResult":
    """What the converter makes of a file; of a PDF it reads the pages `scans` by OCR and marks where pages begin."""
    import kreuzberg

    config = kreuzberg.ExtractionConfig(
        pages=kreuzberg.PageConfig(
            extract_pages=True, insert_page_markers=bool(scans), marker_format="\n\n\ufdd1{page_num}\ufdd1\n\n"
        ),
        force_ocr_pages=[*scans] or None,
        output_format="markdown",
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
