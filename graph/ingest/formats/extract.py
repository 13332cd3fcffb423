"""A file becomes a Document: kreuzberg reads the formats, plain text keeps its own offsets."""

import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path, PurePath

from ...errors import SourceInvalid
from ..access import GROUPS
from ..document import Document, Refused
from ..front_matter import doubt_in_markup, doubt_in_names, doubt_in_tags, doubt_in_text, front_matter, is_fenced
from . import epub, markup, opendocument, outlook, slides, word
from .clean import (
    as_written,
    blanks,
    decode,
    encoded_to,
    has_words,
    is_binary,
    is_encoded,
    tidy,
    without_unseen,
)
from .convert import converted, converted_pdf, heading_of
from .mail import Attachment, Body, Mail, not_superseded, parse, split_quoted
from .package import PackageInvalid, properties, unpacked_size
from .rtf import with_raised
from .sheets import DELIMITED, delimited
from .tables import with_columns

PLAIN = {".md", ".markdown", ".txt", ".text", ".qmd", ".mdx", ".adoc", ".asciidoc"}
MARKDOWN = {".md", ".markdown", ".qmd", ".mdx"}
HTML = (".html", ".htm", ".xhtml", ".xht", ".shtml")
MARKUP = {".xml", ".json", ".ndjson", ".yaml", ".yml", ".rst", ".org", ".ipynb", ".opml"}
PREPARED: dict[str, Callable[[bytes], tuple[bytes, tuple[str, ...]]]] = {
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), word.prepare),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".potx"), slides.prepare),
    **dict.fromkeys((".odt", ".ott", ".odp"), opendocument.prepare),
    ".epub": epub.prepare,
}
MEGABYTE = 1 << 20
MOST_ATTACHMENTS = 20
DEEPEST_ATTACHMENT = 3
"""A message inside a message inside a message is read, what is attached to that is not."""
DEEPER = re.compile(r"^(#{1,4} )", re.MULTILINE)
WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
FENCED_MARKUP = {*MARKUP, *HTML, *DELIMITED}
ENCRYPTED = re.compile(
    rb"(?:^|\n)content-type:\s*(?:multipart/encrypted|application/pkcs7-mime)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class How:
    """How files are read: scans by OCR in a language, of archives so much; `depth` is 1 for an attachment."""

    ocr: str = ""
    megabytes: float = inf
    depth: int = 0


def extract(path: Path, ocr: str = "", megabytes: float = inf) -> Document:
    """Read one file, scans by OCR in the language given if any; raises Refused when there is nothing to index."""
    return _read(path, path.read_bytes(), How(ocr, megabytes))


def _read(path: PurePath, content: bytes, how: How) -> Document:
    if not content.strip():
        raise Refused("empty: the file holds nothing")
    if (unpacked := unpacked_size(content) / MEGABYTE) > how.megabytes:
        raise Refused(f"too large: it unpacks to {unpacked:.0f} MB, at most {how.megabytes:g} MB are read")
    if is_plain(path) and is_binary(decode(content)):
        raise Refused("unsupported: the file holds binary data, not text")
    try:
        document = _with_front_matter(path, content, how)
    except SourceInvalid as error:
        raise Refused(f"bad front matter: {error}") from error
    if not has_words(document.text[document.body :]):
        raise Refused("no text: the file holds no words (a scan or pictures; --ocr reads scans)")
    doubt = document.doubt or doubt_in_tags(properties(content)) or doubt_in_text(document.text[document.body :])
    document = replace(document, doubt=doubt)
    if path.suffix.lower() in MARKDOWN:
        return replace(document, text=without_unseen(document.text, document.body))
    if is_plain(path):
        return replace(document, text=document.text[: document.body] + with_columns(document.text[document.body :]))
    return document


def _with_front_matter(path: PurePath, content: bytes, how: How) -> Document:
    if is_plain(path) and b"\0\0" not in content:
        return _plain(content)
    ending = path.suffix.lower()
    if ending not in FENCED_MARKUP and not is_fenced(content):
        return _converted(path, content, how)
    text = decode(content).replace("\r\n", "\n").replace("\r", "\n")
    # A YAML file may begin with --- without any front matter.
    metadata, body = front_matter(text) if ending not in (".yaml", ".yml") else ({}, 0)
    document = _converted(path, text[body:].encode() if body else content, how)
    return replace(document, metadata=metadata, doubt=doubt_in_markup(text[body:], ending))


def is_plain(path: PurePath) -> bool:
    """Whether a file is read as it is written: by its ending, or when it has none (README, LICENSE)."""
    return path.suffix.lower() in PLAIN or not path.suffix


def _plain(content: bytes) -> Document:
    text = _without_data(as_written(decode(content)))
    metadata, body = front_matter(text)
    return Document(text, heading_of(text, body), (), True, metadata, body)


def _without_data(text: str) -> str:
    kept = encoded_to(text, blanks)
    if is_encoded(text) or not has_words(kept):
        raise Refused("no text: the file holds nothing but encoded data (base64)")
    return kept


def _converted(path: PurePath, content: bytes, how: How) -> Document:
    kind = path.suffix.lower()
    # Outlook keeps a message's headers in UTF-16: without the zeros they read like any other's.
    if kind in (".eml", ".msg") and ENCRYPTED.search(content[:200_000].replace(b"\0", b"")):
        raise Refused("password: the message is encrypted")
    if kind == ".eml":
        return _mail(parse(content), how)
    if kind == ".msg":
        mail, unread = outlook.parse(content)
        return _mail(mail, how, unread)
    if reader := READERS.get(kind):
        return reader(content)
    warnings: tuple[str, ...] = ()
    if kind in MARKUP:
        content = decode(content).encode()
    elif kind in PREPARED:
        content, warnings = _prepared(kind, content)
    elif kind == ".pdf":
        return converted_pdf(path, content, how.ocr)
    return replace(converted(path, content, how.ocr), warnings=warnings)


def _workbook(content: bytes) -> Document:
    from .workbooks import workbook

    try:
        return workbook(content)
    except ValueError as error:
        raise Refused(str(error)) from error


def _page(page: str) -> Document:
    """A page of HTML without its head, which the converter would turn into text."""
    try:
        prepared = markup.prepare(page)
    except markup.TooDeep as error:
        raise Refused(f"corrupt: {error}") from error
    text = converted(PurePath("page.html"), prepared.markup.encode()).text if prepared.markup else ""
    return Document(text, prepared.title or heading_of(text), warnings=prepared.warnings)


def _saved_page(content: bytes) -> Document:
    """The page of a web archive, which is an e-mail to nobody."""
    page = "".join(body.text for body in parse(content).bodies[:1])
    return replace(_page(page), doubt=doubt_in_markup(page, HTML[0]))


def _prepared(kind: str, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    try:
        return PREPARED[kind](content)
    except (PackageInvalid, markup.TooDeep) as error:
        raise Refused(f"corrupt: {error}") from error
    except zipfile.BadZipFile:
        # No package at all: the converter knows whether it is encrypted or broken.
        return content, ()


def _mail(mail: Mail, how: How, unread: Sequence[str] = ()) -> Document:
    bodies = [_body(body) for body in mail.bodies]
    message = "\n\n".join([mail.header, *(body.text for body in bodies)])
    document = _with_quotes(Document(message, mail.subject))
    attached, not_attached = _attachments(mail.attachments, replace(how, depth=how.depth + 1))
    warnings = [*unread, *document.warnings, *(warning for body in bodies for warning in body.warnings), *not_attached]
    text = "\n\n".join([document.text, *attached])
    return replace(document, text=text, warnings=tuple(dict.fromkeys(warnings)), doubt=doubt_in_names(mail.names))


def _body(body: Body) -> Document:
    return _page(body.text) if body.is_html else Document(encoded_to(tidy(body.text), lambda _: "").strip())


def _with_quotes(document: Document) -> Document:
    """A message whose older ones, which it quotes, follow it under headings of their own."""
    newest, quotes = split_quoted(document.text)
    older = [(quote.source, not_superseded(quote.text, newest)) for quote in quotes]
    headed = [f"## Quoted message{': ' * bool(source)}{source}\n\n{text}" for source, text in older if has_words(text)]
    words = sum(len(quote.text.split()) for quote in quotes) - sum(len(text.split()) for _, text in older)
    left_out = (
        (f"{words} words of quoted messages were left out: the newest message speaks of the same",) if words else ()
    )
    return replace(document, text="\n\n".join([newest, *headed]), warnings=document.warnings + left_out)


def _attachments(attachments: Sequence[Attachment], how: How) -> tuple[list[str], list[str]]:
    """The text of what was sent along, each under its name, and what was not read and why."""
    texts: list[str] = []
    unread: list[str] = []
    for number, attachment in enumerate(attachments):
        try:
            if number >= MOST_ATTACHMENTS or how.depth > DEEPEST_ATTACHMENT:
                raise Refused(f"too many: {MOST_ATTACHMENTS} attachments, {DEEPEST_ATTACHMENT} levels deep, are read")
            document = _read(PurePath(attachment.name), attachment.content, how)
            if document.doubt or GROUPS in document.metadata:
                raise Refused("it says who may read it, which holds for whole files alone; index it as one")
        except Refused as error:
            unread += [] if attachment.shown else [f"attachment {attachment.name} was not read: {error}"]
            continue
        unread += [f"attachment {attachment.name}: {warning}" for warning in document.warnings]
        text = DEEPER.sub(r"##\1", document.text[document.body :].strip())
        texts.append(f"## Attachment {attachment.name}\n\n{text}")
    return texts, unread


READERS: dict[str, Callable[[bytes], Document]] = {
    **dict.fromkeys(DELIMITED, delimited),
    **dict.fromkeys(WORKBOOKS, _workbook),
    **dict.fromkeys(HTML, lambda content: _page(decode(content))),
    **dict.fromkeys((".mht", ".mhtml"), _saved_page),
    ".rtf": lambda content: converted(PurePath("page.rtf"), with_raised(content)),
}
"""Formats that are read without their converter, or from bytes that are made for it."""
