"""Reads e-mails: the newest message, what it quotes, and what was sent along."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ..access import GROUPS
from ..document import Document, File, Refused
from ..front_matter import doubt_in_markup, doubt_in_names
from . import outlook
from .clean import encoded_to, has_words, tidy
from .mail import Attachment, Body, Mail, not_superseded, parse, split_quoted
from .markup import page_of

MOST_ATTACHMENTS = 20
DEEPEST_ATTACHMENT = 3
"""A message inside a message inside a message is read, what is attached to that is not."""
DEEPER = re.compile(r"^(#{1,4} )", re.MULTILINE)
ENCRYPTED = re.compile(
    rb"(?:^|\n)content-type:\s*(?:multipart/encrypted|application/pkcs7-mime)", re.IGNORECASE | re.MULTILINE
)


def email(file: File) -> Document:
    """A message of RFC 5322 as a document."""
    _check_encryption(file.content)
    return _message(parse(file.content), file)


def outlook_message(file: File) -> Document:
    """A message of Outlook as a document."""
    # Outlook keeps a message's headers in UTF-16: without the zeros they read like any other's.
    _check_encryption(file.content[:200_000].replace(b"\0", b""))
    mail, unread = outlook.parse(file.content)
    return _message(mail, file, unread)


def web_archive(file: File) -> Document:
    """The page of a web archive, which is an e-mail to nobody."""
    page = "".join(body.text for body in parse(file.content).bodies[:1])
    return replace(page_of(page), doubt=doubt_in_markup(page, "page"))


def _check_encryption(start: bytes) -> None:
    if ENCRYPTED.search(start[:200_000]):
        raise Refused("password: the message is encrypted")


def _message(mail: Mail, file: File, unread: Sequence[str] = ()) -> Document:
    bodies = [_body(file, body) for body in mail.bodies]
    message = "\n\n".join([mail.header, *(body.text for body in bodies)])
    document = _with_quotes(Document(message, mail.subject))
    attached, not_attached = _attachments(mail.attachments, replace(file, depth=file.depth + 1))
    warnings = [*unread, *document.warnings, *(warning for body in bodies for warning in body.warnings), *not_attached]
    text = "\n\n".join([document.text, *attached])
    return replace(document, text=text, warnings=tuple(dict.fromkeys(warnings)), doubt=doubt_in_names(mail.names))


def _body(file: File, body: Body) -> Document:
    return page_of(body.text) if body.is_html else Document(encoded_to(tidy(body.text), lambda _: "").strip())


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


def _attachments(attachments: Sequence[Attachment], file: File) -> tuple[list[str], list[str]]:
    """The text of what was sent along, each under its name, and what was not read and why."""
    texts: list[str] = []
    unread: list[str] = []
    for number, attachment in enumerate(attachments):
        try:
            if number >= MOST_ATTACHMENTS or file.depth > DEEPEST_ATTACHMENT:
                raise Refused(f"too many: {MOST_ATTACHMENTS} attachments, {DEEPEST_ATTACHMENT} levels deep, are read")
            document = file.read_attached(replace(file, name=attachment.name, content=attachment.content))
            if document.doubt or GROUPS in document.metadata:
                raise Refused("it says who may read it, which holds for whole files alone; index it as one")
        except Refused as error:
            unread += [] if attachment.shown else [f"attachment {attachment.name} was not read: {error}"]
            continue
        unread += [f"attachment {attachment.name}: {warning}" for warning in document.warnings]
        text = DEEPER.sub(r"##\1", document.text[document.body :].strip())
        texts.append(f"## Attachment {attachment.name}\n\n{text}")
    return texts, unread
