"""The formats that are read: a row each, with the reader, the media types and the endings of files.

To read another one, add a row here, and a reader if `converted` does not do. docs/reference/formats.md is made of this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..document import Document, File, Wording
from .convert import converted
from .epub import epub
from .markup import page
from .messages import email, outlook_message, web_archive
from .opendocument import opendocument
from .pdf import pdf
from .plain import plain
from .sheets import delimited
from .slides import slides
from .word import word
from .workbooks import workbook
from .xml_data import xml


@dataclass(frozen=True)
class Format:
    """A format: its reader, its `types`, each a media type and endings, and what is said of it in the reference."""

    name: str
    wording: Wording
    read: Callable[[File], Document]
    note: str
    types: tuple[str, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is read as it is written."""
        return self.wording in ("text", "markdown")

    @cached_property
    def media_types(self) -> dict[str, str]:
        """The media types by the endings."""
        lines = (line.split() for line in self.types)
        return {suffix: media_type for media_type, *suffixes in lines for suffix in suffixes}


OFFICE = "application/vnd.openxmlformats-officedocument"
MICROSOFT = "application/vnd.ms-"
OASIS = "application/vnd.oasis.opendocument"

FORMATS = (
    Format(
        "Plain text",
        "text",
        plain,
        "as written; files without an ending too",
        ("text/plain .txt .text .log", "text/asciidoc .adoc .asciidoc"),
    ),
    Format(
        "Markdown",
        "markdown",
        plain,
        "as written; comments and hidden elements are left out",
        ("text/markdown .md .markdown .qmd", "text/mdx .mdx"),
    ),
    Format(
        "HTML",
        "page",
        page,
        "what a reader sees of the page",
        ("text/html .html .htm .shtml", "application/xhtml+xml .xhtml .xht"),
    ),
    Format("Web archive", "binary", web_archive, "its page, as HTML", ("multipart/related .mht .mhtml",)),
    Format("PDF", "binary", pdf, "with pages; scanned ones with `--ocr` alone", ("application/pdf .pdf",)),
    Format(
        "Word",
        "binary",
        word,
        "numbered lists, tables, notes, headers and footers; pages where Word has noted them",
        (
            f"{OFFICE}.wordprocessingml.document .docx",
            f"{OFFICE}.wordprocessingml.template .dotx",
            f"{MICROSOFT}word.document.macroEnabled.12 .docm",
            f"{MICROSOFT}word.template.macroEnabled.12 .dotm",
        ),
    ),
    Format(
        "PowerPoint",
        "binary",
        slides,
        "each slide is a page; speaker notes are not read",
        (
            f"{OFFICE}.presentationml.presentation .pptx",
            f"{OFFICE}.presentationml.slideshow .ppsx",
            f"{OFFICE}.presentationml.template .potx",
            f"{MICROSOFT}powerpoint.presentation.macroEnabled.12 .pptm",
        ),
    ),
    Format(
        "Workbooks",
        "binary",
        workbook,
        "each visible sheet is a section; numbers as they look in their cells",
        (
            f"{OFFICE}.spreadsheetml.sheet .xlsx",
            f"{MICROSOFT}excel.sheet.macroEnabled.12 .xlsm",
            f"{MICROSOFT}excel.sheet.binary.macroEnabled.12 .xlsb",
            f"{MICROSOFT}excel .xls",
        ),
    ),
    Format(
        "OpenDocument",
        "binary",
        opendocument,
        "as Word, PowerPoint and workbooks, each sheet as one table",
        (
            f"{OASIS}.text .odt",
            f"{OASIS}.text-template .ott",
            f"{OASIS}.presentation .odp",
            f"{OASIS}.spreadsheet .ods",
        ),
    ),
    Format("EPUB", "binary", epub, "its pages, as HTML", ("application/epub+zip .epub",)),
    Format("E-mail", "binary", email, "the newest message, what it quotes, attachments", ("message/rfc822 .eml",)),
    Format("Outlook", "binary", outlook_message, "as e-mail", (f"{MICROSOFT}outlook .msg",)),
    Format(
        "Delimited text",
        "table",
        delimited,
        "commas, semicolons, tabs or bars; a large file is indexed in parts",
        ("text/csv .csv", "text/tab-separated-values .tsv"),
    ),
    Format(
        "Data",
        "data",
        converted,
        "a `.jsonl` of records {id, title, text, metadata} is a corpus: each record is a document",
        (
            "application/json .json",
            "application/x-ndjson .ndjson .jsonl",
            "application/x-yaml .yaml .yml",
            "application/toml .toml",
            "application/xml+opml .opml",
            "application/docbook+xml .docbook .dbk",
            "application/x-ipynb+json .ipynb",
            "image/svg+xml .svg",
        ),
    ),
    Format("XML", "data", xml, "an element of values is a line of names and values", ("application/xml .xml",)),
    Format("RTF", "binary", converted, "", ("application/rtf .rtf",)),
    Format("reStructuredText, Org", "page", converted, "", ("text/x-rst .rst", "text/x-org .org")),
    Format(
        "Others",
        "binary",
        converted,
        "old Office, typesetting, references, Apple's and Hangul's documents",
        (
            "application/msword .doc .dot",
            f"{MICROSOFT}powerpoint .ppt .pps .pot",
            "application/x-latex .tex .latex",
            "application/x-bibtex .bib",
            "application/x-research-info-systems .ris",
            "application/x-jats+xml .jats",
            "application/x-iwork-pages-sffpages .pages",
            "application/x-iwork-numbers-sffnumbers .numbers",
            "application/x-iwork-keynote-sffkey .key",
            "application/x-hwp .hwp",
            "application/haansofthwpx .hwpx",
        ),
    ),
    Format(
        "Pictures",
        "binary",
        converted,
        "with `--ocr` alone",
        (
            "image/png .png",
            "image/jpeg .jpg .jpeg .jpe",
            "image/tiff .tif .tiff",
            "image/gif .gif",
            "image/bmp .bmp",
            "image/webp .webp",
            "image/avif .avif",
            "image/heic .heic",
            "image/heif .heif",
            "image/jp2 .jp2",
        ),
    ),
)
BY_SUFFIX = {suffix: known for known in FORMATS for suffix in known.media_types}
BY_SUFFIX[""] = FORMATS[0]


def format_of(suffix: str) -> Format | None:
    """The format of files with an ending such as `.pdf`; those without one are plain text."""
    return BY_SUFFIX.get(suffix.lower())
